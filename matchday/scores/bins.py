"""Bins of probabilities: what was said in each, and how often it happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Forecasts of neighbouring size. said: their mean. happened: how often they came true. count: how many."""

    said: float
    happened: float
    count: int


def equal_bins(said: NDArray[np.float64], hit: NDArray[Any], bins: int = BINS) -> tuple[Bin, ...]:
    """Bins of equal count of probabilities (n,), the least first; hit: (n,), 1 or true where it happened.

    Fewer bins where there are fewer probabilities.
    """
    groups = np.array_split(np.argsort(said, kind="stable"), min(bins, len(said)))
    return tuple(Bin(float(said[one].mean()), float(hit[one].mean()), len(one)) for one in groups)


def mean_gap(bins: Sequence[Bin]) -> float:
    """Mean of the gaps of said and happened, each bin weighted by its count."""
    return sum(abs(one.said - one.happened) * one.count for one in bins) / sum(one.count for one in bins)
