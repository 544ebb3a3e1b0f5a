"""Calibration of probabilities by class: how often what was forecast with a probability happened.

Everywhere: forecast is (n, c), probabilities that sum to 1; result is (n,), 0 to c - 1. `calibration_error` of
`matchday.scores.outcome` puts the classes together; here each is judged alone, so that no class hides another's faults.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from matchday.scores.bins import BINS, Bin, equal_bins, mean_gap

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LEAST = 1e-12
"""A probability below counts as this."""


def class_bins(forecast: FloatArray, result: IntArray, place: int, bins: int = BINS) -> tuple[Bin, ...]:
    """Bins of equal count of the probabilities of one class, the column `place`; fewer where there are fewer rows."""
    return equal_bins(forecast[:, place], result == place, bins)


def class_calibration_error(forecast: FloatArray, result: IntArray, bins: int = BINS) -> float:
    """Mean gap of said and happened in bins of equal count, of each class alone, then the mean over classes."""
    gaps = [mean_gap(class_bins(forecast, result, place, bins)) for place in range(forecast.shape[1])]
    return float(np.mean(gaps))


def calibration_slope(forecast: FloatArray, result: IntArray) -> float:
    """The power of the probabilities that makes results likeliest, between .3 and 3.

    1 where forecasts are as sure as they should be, below where they are too sure.
    """
    logs = np.log(np.maximum(forecast, LEAST))

    def loss(power: float) -> float:
        return -float(log_softmax(power * logs, axis=1)[np.arange(len(logs)), result].sum())

    return float(minimize_scalar(loss, bounds=(0.3, 3.0), method="bounded").x)
