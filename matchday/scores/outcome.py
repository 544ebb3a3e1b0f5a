"""Scores of home / draw / away probabilities.

Everywhere: forecast is (n, 3), the probabilities of home, draw, away; result is (n,), 0, 1 or 2 in that order.
"""

import numpy as np
from numpy.typing import NDArray

from matchday.scores.bins import BINS, equal_bins, mean_gap

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

CLASSES = ("H", "D", "A")


def ranked_probability(forecast: FloatArray, result: IntArray) -> FloatArray:
    """Ranked probability score of each match, 0 (perfect) to 1.

    Epstein (1969), divided by classes - 1 as in Constantinou and Fenton (2012).
    """
    gaps = np.cumsum(forecast - np.eye(3)[result], axis=1)[:, :-1]
    return np.asarray(np.square(gaps).sum(axis=1) / 2)


def brier(forecast: FloatArray, result: IntArray) -> FloatArray:
    """Brier score of each match over the three classes, 0 (perfect) to 2. Brier (1950)."""
    return np.asarray(np.square(forecast - np.eye(3)[result]).sum(axis=1))


def log_loss(forecast: FloatArray, result: IntArray) -> FloatArray:
    """Negative log probability of what happened, in nats; probabilities below 1e-15 count as that."""
    return np.asarray(-np.log(np.clip(forecast[np.arange(len(result)), result], 1e-15, 1.0)))


def accuracy(forecast: FloatArray, result: IntArray) -> FloatArray:
    """1 where the most probable outcome happened, else 0."""
    return np.asarray((forecast.argmax(axis=1) == result).astype(float))


def calibration_error(forecast: FloatArray, result: IntArray, bins: int = BINS) -> float:
    """Expected calibration error over all classes: mean gap of forecast and frequency in bins of equal count."""
    return mean_gap(equal_bins(forecast.ravel(), np.eye(3)[result].ravel(), bins))


def outcome_scores(forecast: FloatArray, result: IntArray) -> dict[str, float]:
    """Mean scores by name, and `matches`, their number. Raises ValueError for shapes that do not fit or no match."""
    if forecast.shape != (len(result), 3) or not len(result):
        raise ValueError(f"forecast {forecast.shape} does not fit {len(result)} results of three classes")
    return {
        "matches": len(result),
        "rps": float(ranked_probability(forecast, result).mean()),
        "log_loss": float(log_loss(forecast, result).mean()),
        "brier": float(brier(forecast, result).mean()),
        "accuracy": float(accuracy(forecast, result).mean()),
        "calibration_error": calibration_error(forecast, result),
    }
