"""Calibration of probabilities by class: how often what was forecast with a probability happened.

Everywhere: forecast is (n, c), probabilities that sum to 1; result is (n,), 0 to c - 1. `calibration_error` of
`matchday.scores.outcome` puts the classes together; here each is judged alone, so that no class hides another's faults.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

BINS = 10
LEAST = 1e-12
"""A probability below counts as this."""


@dataclass(frozen=True)
class Bin:
    """Forecasts of neighbouring size. said: their mean. happened: how often they came true. count: how many."""

    said: float
    happened: float
    count: int


def class_bins(forecast: FloatArray, result: IntArray, place: int, bins: int = BINS) -> tuple[Bin, ...]:
    """Bins of equal count of the probabilities of one class, the column `place`; fewer where there are fewer rows."""
    return equal_bins(forecast[:, place], result == place, bins)


def equal_bins(said: FloatArray, hit: NDArray[Any], bins: int = BINS) -> tuple[Bin, ...]:
    """Bins of equal count of probabilities (n,), the least first; hit: (n,), 1 or true where it happened."""
    groups = np.array_split(np.argsort(said, kind="stable"), min(bins, len(said)))
    return tuple(Bin(float(said[one].mean()), float(hit[one].mean()), len(one)) for one in groups)


def class_calibration_error(forecast: FloatArray, result: IntArray, bins: int = BINS) -> float:
    """Mean gap of said and happened in bins of equal count, of each class alone, then the mean over classes."""
    gaps = [
        sum(abs(one.said - one.happened) * one.count for one in class_bins(forecast, result, place, bins))
        for place in range(forecast.shape[1])
    ]
    return float(np.mean(gaps) / len(result))


def calibration_slope(forecast: FloatArray, result: IntArray) -> float:
    """The power of the probabilities that makes results likeliest, between .3 and 3.

    1 where forecasts are as sure as they should be, below where they are too sure.
    """
    logs = np.log(np.maximum(forecast, LEAST))

    def loss(power: float) -> float:
        return -float(log_softmax(power * logs, axis=1)[np.arange(len(logs)), result].sum())

    return float(minimize_scalar(loss, bounds=(0.3, 3.0), method="bounded").x)
