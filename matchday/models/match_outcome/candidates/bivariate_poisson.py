"""Bivariate Poisson: goals of both sides with a covariance, from the same rates as the goals model.

Home goals are X + Z, away goals Y + Z, of independent Poisson numbers; the mean of Z is the covariance. Karlis and
Ntzoufras (2003).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from matchday.models.match_outcome import scoreline

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MOST_COVARIANCE = 0.4
LEAST_RATE = 0.05
"""Of what a side scores apart from the common part."""


@dataclass(frozen=True)
class BivariatePoisson:
    """covariance: mean of the goals that both sides have in common."""

    covariance: float

    def score_grid(self, home: FloatArray, away: FloatArray) -> FloatArray:
        """Probabilities (n, 11, 11) of home by away goals at rates (n,); more than ten goals are left out."""
        return grid(home, away, self.covariance)

    def predict(self, home: FloatArray, away: FloatArray) -> FloatArray:
        """Probabilities (n, 3) of home, draw, away at rates (n,)."""
        return np.asarray(np.tensordot(self.score_grid(home, away), scoreline.OUTCOMES, 2))


def fit(home: FloatArray, away: FloatArray, goals: IntArray) -> BivariatePoisson:
    """The covariance that makes goals (n, 2) likeliest at given rates (n,); goals above ten count as ten."""
    rows, counts = np.arange(len(goals)), np.minimum(goals, scoreline.MOST_GOALS)

    def loss(covariance: float) -> float:
        cells = grid(home, away, covariance)[rows, counts[:, 0], counts[:, 1]]
        return -float(np.log(np.maximum(cells, 1e-300)).sum())

    best = minimize_scalar(loss, bounds=(0.0, MOST_COVARIANCE), method="bounded", options={"xatol": 1e-4})
    return BivariatePoisson(float(best.x))


def grid(home: FloatArray, away: FloatArray, covariance: float) -> FloatArray:
    """Probabilities (n, 11, 11), 1 in sum."""
    alone = [scoreline.poisson(np.maximum(rate - covariance, LEAST_RATE)) for rate in (home, away)]
    common = scoreline.poisson(np.array([max(covariance, 1e-12)]))[0]
    joint = np.zeros((len(home), scoreline.MOST_GOALS + 1, scoreline.MOST_GOALS + 1))
    for shared in range(4):
        size = scoreline.MOST_GOALS + 1 - shared
        joint[:, shared:, shared:] += common[shared] * alone[0][:, :size, None] * alone[1][:, None, :size]
    return np.asarray(joint / joint.sum(axis=(1, 2), keepdims=True))
