"""Confusion matrix of probability forecasts."""

import numpy as np
from numpy.typing import NDArray


def confusion(forecast: NDArray[np.float64], result: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts (c, c): what happened down, the most probable class across. forecast: (n, c). result: (n,), 0 to c - 1."""
    classes = forecast.shape[1]
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (result, forecast.argmax(axis=1)), 1)
    return counts
