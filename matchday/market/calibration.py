"""Calibration: how often what was forecast with a probability happened."""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from matchday.scores.bins import BINS, Bin, equal_bins, mean_gap

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LEAST = 1e-9
"""A probability nearer to 0 or 1 counts as this far from it."""
STEPS, CLOSE, STEEPEST = 50, 1e-10, 100.0


@dataclass(frozen=True)
class Calibration:
    """bins: of equal count, by probability. error: mean gap of said and happened. slope: see `measure_slope`."""

    bins: tuple[Bin, ...]
    error: float
    slope: float


def calibrate(forecast: FloatArray, result: IntArray, bins: int = BINS) -> Calibration:
    """Calibration of the probabilities (n, 3) of all classes together; result: (n,), 0 to 2.

    There are fewer bins where there are fewer probabilities. The bins are those of
    `matchday.scores.outcome.calibration_error`.
    """
    said, hit = forecast.ravel(), np.eye(forecast.shape[1])[result].ravel()
    found = equal_bins(said, hit, bins)
    return Calibration(found, mean_gap(found), measure_slope(said, hit))


def measure_slope(said: FloatArray, hit: FloatArray) -> float:
    """Slope b of logit P(hit) = a + b logit(said), by maximum likelihood; both (n,).

    1 is right, below 1 says that probabilities are too far from the middle, above 1 that they are too near. NaN where
    no finite slope is most likely: all forecasts equal, or every one right. Cox (1958).
    """
    bounded = np.clip(said, LEAST, 1 - LEAST)
    design = np.column_stack([np.ones_like(bounded), np.log(bounded / (1 - bounded))])
    if np.ptp(design[:, 1]) < CLOSE:
        return nan
    found = np.zeros(2)
    for _ in range(STEPS):
        expected = 1 / (1 + np.exp(-np.clip(design @ found, -500, 500)))
        information = (design.T * (expected * (1 - expected))) @ design
        if np.linalg.cond(information) > 1 / CLOSE:
            return nan
        step = np.linalg.solve(information, design.T @ (hit - expected))
        found = found + step
        if abs(step).max() < CLOSE:
            return float(found[1]) if abs(found[1]) < STEEPEST else nan
    return nan
