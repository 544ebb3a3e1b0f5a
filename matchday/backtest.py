"""Walk-forward evaluation: every match is forecast by a model that has seen nothing later."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.features.team import FULL_TIME

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


RESULTS = ("result", "home_goals", "away_goals", "minutes", "defensive_contribution")
"""Columns of a training set that say what happened."""


class Forecaster(Protocol):
    """Learns from past rows of a training set and forecasts the coming ones, which come without `RESULTS`.

    Returns (n, c) or, of one column, (n,).
    """

    def __call__(self, past: pd.DataFrame, coming: pd.DataFrame, /) -> FloatArray:
        """Forecast `coming`."""
        ...


@dataclass(frozen=True)
class Walk:
    """Forecasts of a walk-forward run.

    forecasts: their keys, `season`, `kickoff`, `result`, `columns`, and `refit` (when the model that made the row was
    fitted). columns: names of the forecast numbers, `H`, `D`, `A`.
    """

    forecasts: pd.DataFrame
    columns: tuple[str, ...]

    @property
    def numbers(self) -> FloatArray:
        """Forecasts (n, c) in the order of the rows."""
        return self.forecasts[list(self.columns)].to_numpy(float)

    @property
    def results(self) -> IntArray:
        """What happened, (n,)."""
        return self.forecasts["result"].to_numpy(np.int64)

    def in_season(self, season: str) -> "Walk":
        """The forecasts of one season."""
        return self.over([season])

    def over(self, seasons: Collection[str]) -> "Walk":
        """The forecasts of some seasons."""
        return Walk(self.forecasts[self.forecasts["season"].isin(list(seasons))], self.columns)


def walk_forward(
    features: pd.DataFrame,
    forecaster: Forecaster,
    columns: Sequence[str],
    seasons: Sequence[str],
    refit: timedelta = timedelta(days=28),
    progress: Callable[[int, int], None] | None = None,
    keys: Sequence[str] = ("match_id",),
    moment: str = "kickoff",
) -> Walk:
    """Forecast every row of `seasons`, refitting at least every `refit` of matches.

    features: rows of a training set, each as known before its own kick-off. A fit sees only matches that had ended
    when the first row it forecasts began. columns: names of the forecast numbers. progress is called with (rows done,
    rows in all). keys: columns that tell rows apart. moment: the column that says when a row begins: `event_time` for
    forecasts that are made at a deadline, so that one fit forecasts all that has this deadline.
    """
    rows = features.sort_values([moment, *keys], ignore_index=True)
    target = rows[rows["season"].isin(seasons)]
    parts: list[pd.DataFrame] = []
    for block in _blocks(target, refit, moment):
        start = block[moment].iloc[0]
        past = rows[rows["kickoff"] + FULL_TIME <= start]
        forecast = forecaster(past, block.drop(columns=list(RESULTS), errors="ignore")).reshape(len(block), -1)
        named = pd.DataFrame(forecast, columns=list(columns), index=block.index)
        parts.append(block[[*keys, "season", "kickoff", "result"]].join(named).assign(refit=start))
        if progress:
            progress(sum(map(len, parts)), len(target))
    return Walk(pd.concat(parts, ignore_index=True), tuple(columns))


def _blocks(rows: pd.DataFrame, refit: timedelta, moment: str) -> Iterator[pd.DataFrame]:
    """Runs of rows that one fit forecasts: within a season, at most `refit` long."""
    for _, season in rows.groupby("season", sort=True):
        number = (season[moment] - season[moment].iloc[0]) // refit
        for _, block in season.groupby(number):
            yield block
