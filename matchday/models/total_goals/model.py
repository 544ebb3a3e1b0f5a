"""`total-goals`: the goal rates of both teams, added, and recalibrated on past matches.

    log mean = shift + slope * log(rate of home + rate of away)

fitted by Poisson regression. The ratings exaggerate how much matches differ, so the slope is below one.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.models.goal_rates import goal_rates
from matchday.models.total_goals.kind import TOTAL_GOALS
from matchday.ratings.poisson import poisson_regression

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]

NAMES = TOTAL_GOALS.feature_names
FIRST_SEASON = "1617"
"""Seasons before it only warm up ratings."""
LEAST_MATCHES = 100
"""Matches that a fit needs."""


@dataclass(frozen=True)
class GoalsCalibration:
    """The fitted regression on the logarithm of the total rate."""

    shift: float
    slope: float

    def predict(self, vectors: Float32Array) -> FloatArray:
        """Mean goals of both teams together (n,) for feature vectors (n, k) in the order of `NAMES`."""
        return np.asarray(np.exp(self.shift + self.slope * np.log(total_rate(vectors))))


def vectors_of(features: pd.DataFrame) -> Float32Array:
    """Feature vectors (n, k), as a server sees them, of rows of `GoalsFeatures`."""
    return features[list(NAMES)].to_numpy(np.float32)


def total_rate(vectors: Float32Array) -> FloatArray:
    """Goal rates of both teams added, (n,), from feature vectors (n, k)."""
    home, away = goal_rates(vectors, NAMES)
    return home + away


def fit(features: pd.DataFrame) -> GoalsCalibration:
    """Fit on rows of `GoalsFeatures` (with results). Raises ValueError for too few, or when no goal was scored."""
    rows = features[features["season"] >= FIRST_SEASON]
    if len(rows) < LEAST_MATCHES or not rows["result"].any():
        raise ValueError(f"training needs {LEAST_MATCHES} matches with goals from season {FIRST_SEASON} on")
    logs = np.log(total_rate(vectors_of(rows)))
    shift, slope = poisson_regression(np.column_stack([np.ones(len(logs)), logs]), rows["result"].to_numpy(float))
    return GoalsCalibration(float(shift), float(slope))
