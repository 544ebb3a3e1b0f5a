"""Means of what two versions differ by on the same rows or matches."""

from collections.abc import Callable

import numpy as np

from matchday.scores.outcome import FloatArray
from rollout.judge.sequential import mean_width, student_width

Width = Callable[[float, int, float], float]
"""Standard deviation, n and alpha -> how far the mean may be from the truth on one side."""


def at_every_look(tuned: int) -> Width:
    """Holds however often it is looked at; narrowest near n = tuned."""
    return lambda sd, n, alpha: float(mean_width(sd, n, alpha, tuned))


def at_one_look(sd: float, n: int, alpha: float) -> float:
    """Holds once."""
    return float(student_width(sd, n, alpha))


WIDTH = at_every_look(500)
"""For rows that both versions have answered."""


def mean_bounds(
    values: FloatArray, width: Width, alpha_low: float, alpha_high: float
) -> tuple[float, tuple[float, float]]:
    """The mean of (n,) values and its bounds; none with fewer than two."""
    n = len(values)
    if n < 2:
        return (float(values.mean()) if n else 0.0), (-np.inf, np.inf)
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    return mean, (mean - width(sd, n, alpha_low), mean + width(sd, n, alpha_high))


def worst_shift(moved: FloatArray, alpha: float, missed: float) -> tuple[int, float, tuple[float, float]]:
    """Which row of (k, n) differences has moved most in the mean, by how much, and bounds of how far.

    How far is without sign, so each row has two ways to be wrong. The upper bound is the largest of all rows.
    """
    rows = len(moved)
    found = [_shift(each, alpha / (2 * rows), missed) for each in moved]
    where = max(range(rows), key=lambda k: (found[k][1][0], abs(found[k][0])))
    return where, found[where][0], (found[where][1][0], max(high for _, (_, high) in found))


def _shift(values: FloatArray, alpha: float, missed: float) -> tuple[float, tuple[float, float]]:
    mean, (low, high) = mean_bounds(values, WIDTH, alpha, missed)
    below, above = mean - low, high - mean
    return mean, (max(0.0, abs(mean) - below), abs(mean) + above)
