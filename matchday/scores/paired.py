"""Paired comparison of two forecasters on the same rows."""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PairedGap:
    """Mean of loss - loss of the base; below 0 is better. standard_error: of that mean, over independent groups."""

    mean: float
    standard_error: float


def paired_gap(loss: NDArray[np.float64], base: NDArray[np.float64], groups: NDArray[np.int64]) -> PairedGap:
    """The gap of two losses, (n,), of the same rows.

    groups: (n,), a number for each row; rows of one number may hang together, as the matches of a week do. The error is
    that of a ratio of sums over groups (Cochran 1977, 6.3), NaN of one group.
    """
    gap = loss - base
    mean = float(gap.mean())
    _, place = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(place, weights=gap), np.bincount(place)
    if len(sums) < 2:
        return PairedGap(mean, nan)
    spread = float(np.square(sums - mean * counts).sum()) * len(sums) / (len(sums) - 1)
    return PairedGap(mean, sqrt(spread) / len(gap))
