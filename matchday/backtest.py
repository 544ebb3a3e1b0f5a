"""Walk-forward evaluation: every match forecast by a model that had seen nothing later. The only judge of a model."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.features.team import FULL_TIME
from matchday.scores import OutcomeScores, score

FloatArray = NDArray[np.float64]


class Forecaster(Protocol):
    """Learns from past rows of `OutcomeFeatures` and forecasts the coming ones, which come without `result`: (n, 3)."""

    def __call__(self, past: pd.DataFrame, coming: pd.DataFrame, /) -> FloatArray:
        """Forecast `coming`."""
        ...


@dataclass(frozen=True)
class Walk:
    """What a walk-forward run forecast.

    forecasts: `match_id`, `season`, `kickoff`, `result`, probabilities `H`, `D`, `A` and `refit` (when the model
    that made the row was fitted).
    """

    forecasts: pd.DataFrame

    @property
    def probabilities(self) -> FloatArray:
        """Forecasts (n, 3) in the order of the rows."""
        return self.forecasts[["H", "D", "A"]].to_numpy(float)

    def confusion(self) -> NDArray[np.int64]:
        """Counts (3, 3): what happened down, the favourite across, each in the order H, D, A."""
        counts = np.zeros((3, 3), np.int64)
        np.add.at(counts, (self.forecasts["result"].to_numpy(), self.probabilities.argmax(axis=1)), 1)
        return counts

    def score(self, season: str | None = None) -> OutcomeScores:
        """Scores of all matches, or of one season's."""
        chosen = self.forecasts["season"].eq(season) if season else pd.Series(True, index=self.forecasts.index)
        return score(self.probabilities[chosen], self.forecasts.loc[chosen, "result"].to_numpy(np.int64))


def walk_forward(
    features: pd.DataFrame,
    forecaster: Forecaster,
    seasons: Sequence[str],
    refit: timedelta = timedelta(days=28),
    progress: Callable[[int, int], None] | None = None,
) -> Walk:
    """Forecast every match of `seasons`, refitting at least every `refit` of matches.

    features: rows of `OutcomeFeatures`, each as known before its own kick-off. A fit sees only matches that had
    ended when the first match it forecasts began. progress is told (matches done, matches in all).
    """
    rows = features.sort_values(["kickoff", "match_id"], ignore_index=True)
    target = rows[rows["season"].isin(seasons)]
    parts: list[pd.DataFrame] = []
    for block in _blocks(target, refit):
        start = block["kickoff"].iloc[0]
        past = rows[rows["kickoff"] + FULL_TIME <= start]
        forecast = forecaster(past, block.drop(columns="result"))
        named = pd.DataFrame(forecast, columns=["H", "D", "A"], index=block.index)
        parts.append(block[["match_id", "season", "kickoff", "result"]].join(named).assign(refit=start))
        if progress:
            progress(sum(map(len, parts)), len(target))
    return Walk(pd.concat(parts, ignore_index=True))


def _blocks(rows: pd.DataFrame, refit: timedelta) -> Iterator[pd.DataFrame]:
    """Runs of matches that one fit forecasts: within a season, at most `refit` long."""
    for _, season in rows.groupby("season", sort=True):
        number = (season["kickoff"] - season["kickoff"].iloc[0]) // refit
        for _, block in season.groupby(number):
            yield block
