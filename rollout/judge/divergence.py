"""Divergence between two distributions over a few classes, from rows that are in a class under each version."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rollout.judge.arrays import FloatArray
from rollout.judge.paired_mean import ROWS_WIDTH

Crosstab = NDArray[np.int64]
"""(k, k) number of rows by class under stable and class under canary."""

SMOOTHING = 0.5
"""Rows added to each class, so that an empty class has a logarithm."""

BINS = 10
"""Of a stability index."""

Divergence = Callable[[FloatArray, FloatArray], tuple[float, FloatArray, FloatArray]]
"""From the shares (k,) of two distributions to their divergence and its gradient in each."""


def jensen_shannon(p: FloatArray, q: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Bits, 0 to 1, and the gradients. Lin (1991), IEEE Transactions on Information Theory 37."""
    middle = (p + q) / 2
    to_p, to_q = np.log2(p / middle) / 2, np.log2(q / middle) / 2
    return float(p @ to_p + q @ to_q), to_p, to_q


def stability_index(p: FloatArray, q: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Population stability index and its gradients: Kullback and Leibler's (1951) symmetric divergence, nats."""
    log_ratio, moved = np.log(q / p), q - p
    return float(moved @ log_ratio), -log_ratio - moved / p, log_ratio + moved / q


def favoured_class(forecasts: FloatArray) -> NDArray[np.intp]:
    """(n,) class with the highest of (k, n) probabilities, the first of several; for a few classes fast."""
    best, found = forecasts[0].copy(), np.zeros(forecasts.shape[1], np.intp)
    for number, row in enumerate(forecasts[1:], start=1):
        np.copyto(found, number, where=row > best)
        np.maximum(best, row, out=best)
    return found


def crosstab(stable: NDArray[np.intp], canary: NDArray[np.intp], classes: int) -> Crosstab:
    """Number of rows by their class under each version. stable, canary: (n,) 0 to classes - 1."""
    return np.bincount(stable * classes + canary, minlength=classes * classes).reshape(classes, classes)


def in_deciles(stable: FloatArray, canary: FloatArray, first: int) -> Crosstab:
    """Rows by the decile of stable's numbers that each version's number is in, without the rows that set the bins.

    stable, canary: (n,) numbers of the same rows. The first so many rows set the deciles and the mean shift of the
    canary, which is taken off: the table compares shapes. Those rows are not counted, so the bins do not depend on
    what is counted, and the bounds of the table's divergence hold for these very bins.
    """
    if len(stable) <= first:
        return np.zeros((BINS, BINS), np.int64)
    cuts = np.quantile(stable[:first], np.arange(1, BINS) / BINS)
    shift = np.mean(canary[:first] - stable[:first])
    before, now = stable[first:], canary[first:] - shift
    return crosstab(_bins(before, cuts), _bins(now, cuts), BINS)


def _bins(values: FloatArray, cuts: FloatArray) -> NDArray[np.intp]:
    """Number of cuts below each value; for a few cuts several times as fast as a search."""
    found = np.zeros(len(values), np.uint8)
    for cut in cuts:
        found += values > cut
    return found.astype(np.intp)


def divergence_bounds(
    table: Crosstab, divergence: Divergence, alpha_low: float, alpha_high: float
) -> tuple[float, tuple[float, float]]:
    """Divergence of the table's margins and bounds that are valid at every look; unbounded with fewer than two rows.

    Delta method: each row contributes its influence, the gradients at its two classes. The confidence sequence for the
    mean of those is that of Waudby-Smith et al. (2024).
    """
    n = int(table.sum())
    if n < 2:
        return 0.0, (0.0, np.inf)
    stable, canary = ((table.sum(axis=axis) + SMOOTHING) / (n + SMOOTHING * len(table)) for axis in (1, 0))
    value, by_stable, by_canary = divergence(stable, canary)
    influence = by_stable[:, None] + by_canary[None, :]
    sd = float(np.sqrt((table * (influence - (table * influence).sum() / n) ** 2).sum() / n))
    low, high = value - ROWS_WIDTH(sd, n, alpha_low), value + ROWS_WIDTH(sd, n, alpha_high)
    return value, (max(0.0, low), high)
