"""Confidence intervals of means of paired differences: the same rows or matches, canary minus stable."""

from collections.abc import Callable

import numpy as np

from rollout.judge.arrays import FloatArray
from rollout.judge.betting import Span, averages_lower_bound, averages_upper_bound, block_averages
from rollout.judge.sequential import mean_width, student_width

Width = Callable[[float, int, float], float]
"""Standard deviation, n and alpha -> one-sided half-width of the interval of a mean."""


Shift = tuple[float, tuple[float, float]]
"""Mean, and bounds of the mean's size."""


def sequential_width(tuned: int) -> Width:
    """Width of an interval that is valid at every look; narrowest near n = tuned."""
    return lambda sd, n, alpha: float(mean_width(sd, n, alpha, tuned))


def single_look_width(sd: float, n: int, alpha: float) -> float:
    """Width of an interval that is valid at one look."""
    return float(student_width(sd, n, alpha))


ROWS_WIDTH = sequential_width(500)
"""For rows that both versions have answered."""


def mean_bounds(
    values: FloatArray, width: Width, alpha_low: float, alpha_high: float
) -> tuple[float, tuple[float, float]]:
    """Mean of (n,) values and its bounds; unbounded with fewer than two values."""
    n = len(values)
    if n < 2:
        return (float(values.mean()) if n else 0.0), (-np.inf, np.inf)
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    return mean, (mean - width(sd, n, alpha_low), mean + width(sd, n, alpha_high))


def bounded_mean_bounds(
    values: FloatArray, span: Span, fail: float, within: float, alpha_low: float, alpha_high: float
) -> tuple[float, tuple[float, float]]:
    """Mean of (n,) values within the span and its betting bounds. fail, within: values that verdicts hang on."""
    mean = float(np.clip(values, *span).mean()) if len(values) else 0.0
    averages = block_averages(values, span)
    low = averages_lower_bound(averages, span, alpha_low, fail)
    return mean, (low, averages_upper_bound(averages, span, alpha_high, within))


def bounded_shift(values: FloatArray, span: Span, limit: float, alpha: float, missed: float) -> Shift:
    """Mean of (n,) values within the span, and betting bounds of the mean's size."""
    mean = float(np.clip(values, *span).mean()) if len(values) else 0.0
    averages = block_averages(values, span)
    low, lowest = (averages_lower_bound(averages, span, *each) for each in ((alpha, limit), (missed, -limit)))
    high, highest = (averages_upper_bound(averages, span, *each) for each in ((missed, limit), (alpha, -limit)))
    return mean, (max(0.0, low, -highest), max(high, -lowest))


def largest_shift(
    differences: FloatArray, shift: Callable[[FloatArray, float], Shift], alpha: float
) -> tuple[int, float, tuple[float, float]]:
    """Of (k, n) differences, the row whose mean is farthest from zero: index, mean, bounds of the mean's size.

    shift: from (n,) differences and alpha to their mean and bounds of its size. The size has no sign, so each row
    spends alpha twice. The upper bound is the largest of all rows.
    """
    rows = len(differences)
    shifts = [shift(each, alpha / (2 * rows)) for each in differences]
    index = max(range(rows), key=lambda k: (shifts[k][1][0], abs(shifts[k][0])))
    return index, shifts[index][0], (shifts[index][1][0], max(high for _, (_, high) in shifts))


def asymptotic_shift(values: FloatArray, alpha: float, missed: float) -> Shift:
    """Mean of (n,) values and asymptotic bounds of the mean's size."""
    mean, (low, high) = mean_bounds(values, ROWS_WIDTH, alpha, missed)
    below, above = mean - low, high - mean
    return mean, (max(0.0, abs(mean) - below), abs(mean) + above)
