"""From two expected goals to the probabilities of scores, and of what sums of scores say."""

from math import lgamma

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MOST_GOALS = 10
GOALS = np.arange(MOST_GOALS + 1, dtype=float)
LOG_FACTORIAL = np.array([lgamma(k + 1) for k in range(MOST_GOALS + 1)])
HOME_WINS = np.tril(np.ones((MOST_GOALS + 1, MOST_GOALS + 1)), -1)
"""1 at [i, j] where i home goals beat j away goals."""
OUTCOMES = np.stack([HOME_WINS, np.eye(MOST_GOALS + 1), HOME_WINS.T], axis=2)
"""1 at [i, j, k] where the score is a home win (0), a draw (1), an away win (2)."""
LINES = (0.5, 1.5, 2.5, 3.5, 4.5, 5.5)
"""Goals of both teams that a match may have more of."""
OVER = (np.add.outer(GOALS, GOALS)[:, :, None] > np.array(LINES)).astype(float)
"""1 at [i, j, k] where both teams together score more than `LINES[k]`."""
BOTH_SCORE = np.outer(GOALS > 0, GOALS > 0).astype(float)
"""1 at [i, j] where both teams score."""
CLEAN_SHEETS = np.stack(np.broadcast_arrays(GOALS[None, :] == 0, GOALS[:, None] == 0), axis=2).astype(float)
"""1 at [i, j, 0] where the home team concedes no goal, at [i, j, 1] where the away team does not."""
LOW_SCORE_SIGNS = np.zeros((MOST_GOALS + 1, MOST_GOALS + 1))
LOW_SCORE_SIGNS[:2, :2] = [[-1, 1], [1, -1]]
"""What Dixon and Coles' correction takes from a score and gives to it, in units of dependence x the score 1-1."""


def low_score_factor(home: FloatArray, away: FloatArray, low_score: FloatArray) -> FloatArray:
    """Dixon and Coles' (1997) tau for the scores up to 1-1: (n, 11, 11), 1 elsewhere.

    Their correction takes more from a score than it has once `low_score * home * away` or `-low_score * home` is
    above 1: there it is 0.
    """
    factor = np.ones((len(home), len(GOALS), len(GOALS)))
    factor[:, 0, 0] -= low_score * home * away
    factor[:, 0, 1] += low_score * home
    factor[:, 1, 0] += low_score * away
    factor[:, 1, 1] -= low_score
    return np.maximum(factor, 0.0)


def poisson(rate: FloatArray) -> FloatArray:
    """Probabilities (n, 11) of 0 to 10 goals at rates (n,)."""
    return np.asarray(np.exp(np.log(rate)[:, None] * GOALS - rate[:, None] - LOG_FACTORIAL))


def score_grid(home: FloatArray, away: FloatArray, low_score: FloatArray) -> FloatArray:
    """Probabilities (n, 11, 11) of home and away goals, at least 0 and 1 in sum.

    home, away: rates of goals (n,). low_score: dependence of the scores up to 1-1 (n,). More than ten goals of a side
    are left out.
    """
    joint = poisson(home)[:, :, None] * poisson(away)[:, None, :] * low_score_factor(home, away, low_score)
    return np.asarray(joint / joint.sum(axis=(1, 2), keepdims=True))


def outcome(home: FloatArray, away: FloatArray, low_score: FloatArray) -> FloatArray:
    """Probabilities (n, 3) of home, draw, away from rates of goals (n,) and the low-score dependence (n,)."""
    grid = score_grid(home, away, low_score)
    sums = np.stack(
        [
            (grid * HOME_WINS).sum(axis=(1, 2)),
            np.trace(grid, axis1=1, axis2=2),
            (grid * HOME_WINS.T).sum(axis=(1, 2)),
        ],
        axis=1,
    )
    return np.asarray(sums / sums.sum(axis=1, keepdims=True))
