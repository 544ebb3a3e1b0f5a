"""Scores of home / draw / away probabilities.

Everywhere: forecast is (n, 3), the probabilities of home, draw, away; result is (n,), 0, 1 or 2 in that order.
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float64]
Results = NDArray[np.int64]
FloatArray = NDArray[np.float64]

CLASSES = ("H", "D", "A")


def ranked_probability(forecast: Probabilities, result: Results) -> FloatArray:
    """Ranked probability score of each match, 0 (perfect) to 1.

    Epstein (1969), divided by classes - 1 as in Constantinou and Fenton (2012).
    """
    gaps = np.cumsum(forecast - np.eye(3)[result], axis=1)[:, :-1]
    return np.asarray(np.square(gaps).sum(axis=1) / 2)


def brier(forecast: Probabilities, result: Results) -> FloatArray:
    """Brier score of each match over the three classes, 0 (perfect) to 2. Brier (1950)."""
    return np.asarray(np.square(forecast - np.eye(3)[result]).sum(axis=1))


def log_loss(forecast: Probabilities, result: Results) -> FloatArray:
    """Negative log probability of what happened, in nats; probabilities below 1e-15 count as that."""
    return np.asarray(-np.log(np.clip(forecast[np.arange(len(result)), result], 1e-15, 1.0)))


def accuracy(forecast: Probabilities, result: Results) -> FloatArray:
    """1 where the favourite came in, else 0."""
    return np.asarray((forecast.argmax(axis=1) == result).astype(float))


def calibration_error(forecast: Probabilities, result: Results, bins: int = 10) -> float:
    """Expected calibration error over all classes: mean gap of forecast and frequency in bins of equal count."""
    said, hit = forecast.ravel(), np.eye(3)[result].ravel()
    groups = np.array_split(np.argsort(said, kind="stable"), bins)
    return float(sum(abs(said[group].mean() - hit[group].mean()) * len(group) for group in groups) / len(said))


@dataclass(frozen=True)
class OutcomeScores:
    """Mean scores over a set of matches."""

    matches: int
    rps: float
    log_loss: float
    brier: float
    accuracy: float
    calibration_error: float

    def as_dict(self) -> dict[str, float]:
        """The scores by name, as metrics are kept."""
        return asdict(self)


def score(forecast: Probabilities, result: Results) -> OutcomeScores:
    """All scores of a set of matches; raises ValueError where shapes do not fit or there is no match."""
    if forecast.shape != (len(result), 3) or not len(result):
        raise ValueError(f"forecast {forecast.shape} does not fit {len(result)} results of three classes")
    return OutcomeScores(
        matches=len(result),
        rps=float(ranked_probability(forecast, result).mean()),
        log_loss=float(log_loss(forecast, result).mean()),
        brier=float(brier(forecast, result).mean()),
        accuracy=float(accuracy(forecast, result).mean()),
        calibration_error=calibration_error(forecast, result),
    )
