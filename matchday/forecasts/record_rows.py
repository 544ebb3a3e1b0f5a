"""Rows of the table `Forecasts`, written. Apart from `record`, since schemas take a second to import."""

import pandas as pd

from matchday.forecasts.batch import OUTCOMES, ForecastBatch
from matchday.lake import Lake
from matchday.tables import Forecasts, columns
from matchday.tables.arrow import dtypes


def append_rows(url: str, batch: ForecastBatch) -> None:
    """Write a batch's forecasts to the table; each replaces that of its version and match. Raises TableError."""
    rows = [
        {
            **{
                name: getattr(one.match, name) for name in ("season", "match_id", "gameweek", "kickoff", "home", "away")
            },
            "model": batch.model,
            "version": batch.version,
            "made_at": batch.made_at,
            **dict(zip(OUTCOMES, one.probabilities, strict=True)),
            "batch": batch.sha256,
        }
        for one in batch.forecasts
    ]
    Lake(url).append(Forecasts, pd.DataFrame(rows, columns=columns(Forecasts)).astype(dtypes(Forecasts)))
