"""Forecasts of the model and of the market for the same matches."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.market.margin import Margin, probabilities
from matchday.market.odds import Odds
from matchday.market.season_file import Moment
from matchday.models.match_outcome.kind import outcome_of
from matchday.scores.outcome import CLASSES

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FORECAST_COLUMNS = ("match_id", "season", "kickoff", "result", *CLASSES)
"""What is read of walk-forward forecasts."""


@dataclass(frozen=True)
class Pairs:
    """Matches that have both forecasts.

    matches: `match_id`, `season`, `kickoff`, `home_goals`, `away_goals`, `book`, by kick-off. model, market: (n, 3)
    probabilities of home, draw, away. result: (n,), 0, 1 or 2. without_odds: how many matches that were forecast are
    in a file but have no odds of this moment.
    """

    moment: Moment
    matches: pd.DataFrame
    model: FloatArray
    market: FloatArray
    result: IntArray
    without_odds: int

    @property
    def books(self) -> Mapping[str, int]:
        """Of how many matches the odds are of each book, the most frequent first."""
        return {str(book): int(count) for book, count in self.matches["book"].value_counts().items()}

    @property
    def weeks(self) -> IntArray:
        """The week of each match, (n,), from Monday to Sunday, numbered through."""
        days = (self.matches["kickoff"] - pd.Timestamp("1970-01-05", tz="UTC")).dt.days  # a Monday
        return np.asarray(days.to_numpy(np.int64) // 7, np.int64)

    def some(self, chosen: NDArray[np.bool_]) -> "Pairs":
        """The pairs where `chosen`, (n,), is true."""
        matches = self.matches[chosen].reset_index(drop=True)
        return Pairs(
            self.moment, matches, self.model[chosen], self.market[chosen], self.result[chosen], self.without_odds
        )


def pair(forecasts: pd.DataFrame, odds: Odds, moment: Moment, margin: Margin) -> Pairs:
    """The matches of both, found by season and clubs: a match that was postponed has another date, and stays the same.

    forecasts: `FORECAST_COLUMNS`, one row for each match. A match whose result is another in the
    file (`contradictions`) is left out.
    """
    played = _played(forecasts, odds)
    played = played[_same_result(played)]
    offered = odds.odds[odds.odds["moment"] == moment.value].drop(columns="moment")
    both = played.merge(offered, on="match_id", suffixes=("", "_odds")).sort_values(["kickoff", "match_id"])
    both = both.reset_index(drop=True)
    prices = both[[f"{outcome}_odds" for outcome in CLASSES]].to_numpy(float)
    return Pairs(
        moment,
        both[["match_id", "season", "kickoff", "home_goals", "away_goals", "book"]],
        both[list(CLASSES)].to_numpy(float),
        probabilities(prices, margin),
        both["result"].to_numpy(np.int64),
        len(played) - len(both),
    )


def contradictions(forecasts: pd.DataFrame, odds: Odds) -> list[str]:
    """Matches whose result differs between the forecasts and the files, by their ids."""
    played = _played(forecasts, odds)
    return sorted(played["match_id"][~_same_result(played)])


def _played(forecasts: pd.DataFrame, odds: Odds) -> pd.DataFrame:
    return forecasts[list(FORECAST_COLUMNS)].merge(odds.matches, on="match_id")


def _same_result(played: pd.DataFrame) -> NDArray[np.bool_]:
    told = outcome_of(played["home_goals"].to_numpy(np.int64), played["away_goals"].to_numpy(np.int64))
    return np.asarray(played["result"].to_numpy(np.int64) == told)
