"""Paired differences of the model's and the market's losses on the same matches."""

from collections.abc import Callable
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray

from matchday.market.pairs import FloatArray, IntArray, Pairs
from matchday.scores.outcome import log_loss, ranked_probability

LOSSES: dict[str, Callable[[FloatArray, IntArray], FloatArray]] = {"rps": ranked_probability, "log_loss": log_loss}

RESAMPLES = 5_000
SEED = 16
LEVEL = 0.95
ALL = "all"
"""In place of a season: the matches of all."""


@dataclass(frozen=True)
class Difference:
    """Mean loss of the model, of the market, and the difference model - market; below 0 the model is better.

    score: of `LOSSES`. season: "2324", or `ALL`. standard_error: of the mean of paired differences, as if matches were
    independent; NaN of one match. low, high: `LEVEL` interval of the mean by a bootstrap of weeks, whose matches may
    hang together; NaN of one week.
    """

    score: str
    season: str
    matches: int
    model: float
    market: float
    difference: float
    standard_error: float
    low: float
    high: float


def compare(pairs: Pairs) -> list[Difference]:
    """Differences of every loss, for each season and for all of them. None without a match."""
    seasons = sorted(pairs.matches["season"].unique())
    found = []
    for score, loss in LOSSES.items():
        own, other = loss(pairs.model, pairs.result), loss(pairs.market, pairs.result)
        for season in [*seasons, ALL] if seasons else []:
            chosen = np.full(len(own), True) if season == ALL else (pairs.matches["season"] == season).to_numpy(bool)
            found.append(_difference(score, season, own[chosen], other[chosen], pairs.weeks[chosen]))
    return found


def bootstrap_by_week(values: FloatArray, weeks: IntArray) -> tuple[float, float]:
    """Percentile interval of the mean of `values`, (n,), where whole weeks, (n,), are drawn with replacement.

    Efron and Tibshirani (1993), chapter 13, of clusters. The same values give the same interval.
    """
    _, week = np.unique(weeks, return_inverse=True)
    sums, counts = np.bincount(week, weights=values), np.bincount(week)
    if len(sums) < 2:
        return nan, nan
    drawn = np.random.default_rng(SEED).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), RESAMPLES)
    low, high = np.quantile((drawn @ sums) / (drawn @ counts), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _difference(score: str, season: str, own: FloatArray, other: FloatArray, weeks: NDArray[np.int64]) -> Difference:
    gaps = own - other
    error = float(gaps.std(ddof=1)) / sqrt(len(gaps)) if len(gaps) > 1 else nan
    interval = bootstrap_by_week(gaps, weeks)
    return Difference(
        score, season, len(gaps), float(own.mean()), float(other.mean()), float(gaps.mean()), error, *interval
    )
