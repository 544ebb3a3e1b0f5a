"""The goals model with four numbers that are learnt: what being settled does, and a calibration of the three outcomes.

Log rates of goals come from the features (`matchday.models.goal_rates`). A team that is settled scores and concedes
otherwise. The scoreline's probabilities of home, draw and away are then calibrated: their logarithms are multiplied by
a sharpness, and the draw is moved. What being settled does is learnt from goals, which say more than results; the
calibration from results, which the ratings had not seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax

from matchday.models.goal_rates import goal_rates
from matchday.models.match_outcome import scoreline
from matchday.models.match_outcome.kind import MATCH_OUTCOME, outcome_of

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

NAMES = MATCH_OUTCOME.feature_names
"""Columns of a feature vector, in order."""
SETTLED = (NAMES.index("home_settled"), NAMES.index("away_settled"))

LOW_SCORE = -0.06
"""Dixon and Coles' dependence. It is not fitted: the draw's shift makes up for what it misses."""


@dataclass(frozen=True)
class Parameters:
    """Hyperparameters.

    settled_penalty: of the squared effects of being settled, half of it, in log-likelihood of goals: a prior of some
    fifteen matches. calibration_penalty: of the squared distance from no calibration, half of it, in log-likelihood: a
    prior of some hundred matches. low_score: Dixon and Coles' dependence. first_season: seasons before it only warm up
    ratings.
    """

    settled_penalty: float = 20.0
    calibration_penalty: float = 200.0
    low_score: float = LOW_SCORE
    first_season: str = "1516"


@dataclass(frozen=True)
class SettledGoals:
    """What is learnt, and the dependence of low scores, which is given.

    scored, conceded: log goals that a settled team scores and concedes more. sharpness, draw: of the calibration.
    """

    scored: float = 0.0
    conceded: float = 0.0
    sharpness: float = 1.0
    draw: float = 0.0
    low_score: float = LOW_SCORE

    def predict(self, vectors: Float32Array) -> FloatArray:
        """Probabilities (n, 3) of home, draw, away for feature vectors (n, k) in the order of `NAMES`."""
        raw = np.log(scoreline.outcome(*self.rates(vectors), np.full(len(vectors), self.low_score)))
        return np.asarray(softmax(self.sharpness * raw + np.array([0.0, self.draw, 0.0]), axis=1))

    def score_grid(self, vectors: Float32Array) -> FloatArray:
        """Probabilities (n, 11, 11) of home goals by away goals, whose sums by outcome are `predict`'s numbers."""
        joint = scoreline.score_grid(*self.rates(vectors), np.full(len(vectors), self.low_score))
        parts = joint[..., None] * scoreline.OUTCOMES
        return np.asarray((parts * (self.predict(vectors) / parts.sum(axis=(1, 2)))[:, None, None]).sum(axis=3))

    def further(self, vectors: Float32Array) -> Mapping[str, FloatArray]:
        """The further outputs by name, all sums over one score grid (n, 11, 11)."""
        grid = self.score_grid(vectors)
        return {
            "score_grid": grid,
            "over": np.tensordot(grid, scoreline.OVER, 2),
            "both_score": np.tensordot(grid, scoreline.BOTH_SCORE, 2),
            "clean_sheets": np.tensordot(grid, scoreline.CLEAN_SHEETS, 2),
        }

    def rates(self, vectors: Float32Array) -> tuple[FloatArray, FloatArray]:
        """Rates of goals (n,) of home and away."""
        return rates(vectors, self.scored, self.conceded)


def vectors_of(features: pd.DataFrame) -> Float32Array:
    """Feature vectors (n, k), as a server sees them, of rows of `OutcomeFeatures`."""
    return features[list(NAMES)].to_numpy(np.float32)


def rates(vectors: Float32Array, scored: float, conceded: float) -> tuple[FloatArray, FloatArray]:
    """Rates (n,) of home and away."""
    home, away = goal_rates(vectors, NAMES)
    home_settled, away_settled = (vectors[:, column].astype(float) for column in SETTLED)
    return (
        home * np.exp(scored * home_settled + conceded * away_settled),
        away * np.exp(scored * away_settled + conceded * home_settled),
    )


def train(features: pd.DataFrame, parameters: Parameters | None = None) -> SettledGoals:
    """Fit on rows of `OutcomeFeatures`, those of `first_season` on."""
    parameters = parameters or Parameters()
    rows = features[features["season"] >= parameters.first_season]
    return fit(vectors_of(rows), rows[["home_goals", "away_goals"]].to_numpy(np.int64), parameters)


def fit(vectors: Float32Array, goals: IntArray, parameters: Parameters | None = None) -> SettledGoals:
    """Learn the four from feature vectors (n, k) and the goals of home and away (n, 2). Without rows: nothing learnt.

    Vectors are as known before each match, so that no forecast has seen its result.
    """
    given = parameters or Parameters()
    if not len(goals):
        return SettledGoals(low_score=given.low_score)
    scored, conceded = _settled_effects(vectors, goals, given.settled_penalty)
    home, away = rates(vectors, scored, conceded)
    logs = np.log(scoreline.outcome(home, away, np.full(len(vectors), given.low_score)))
    sharpness, draw = _calibration(logs, outcome_of(*goals.T), given.calibration_penalty)
    return SettledGoals(scored, conceded, sharpness, draw, given.low_score)


def _settled_effects(vectors: Float32Array, goals: IntArray, strength: float) -> tuple[float, float]:
    """Penalised Poisson regression of goals on who is settled, beside what the features say. Newton's method.

    strength: of the penalty.
    It has a constant, which is dropped: that all teams score a little more or less is not due to these.
    """
    expected = np.concatenate(rates(vectors, 0.0, 0.0))
    home, away = (vectors[:, column].astype(float) for column in SETTLED)
    ones = np.ones(2 * len(home))
    design = np.column_stack([ones, np.concatenate([home, away]), np.concatenate([away, home])])
    counts = goals.T.ravel().astype(float)
    penalty = np.array([1e-6, strength, strength])
    theta = np.zeros(3)
    for _ in range(30):
        rate = expected * np.exp(design @ theta)
        information = (design * rate[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(information, design.T @ (counts - rate) - penalty * theta)
        theta = theta + np.clip(step, -0.5, 0.5)
        if np.abs(step).max() < 1e-9:
            break
    return float(theta[1]), float(theta[2])


def _calibration(logs: FloatArray, result: IntArray, strength: float) -> tuple[float, float]:
    """Sharpness and shift of the draw that make results (n,) likeliest, penalised. Newton's method.

    logs: of probabilities (n, 3). strength: of the penalty.
    """
    theta = start = np.array([1.0, 0.0])
    slopes = np.stack([logs, np.broadcast_to([0.0, 1.0, 0.0], logs.shape)])
    hit = np.eye(3)[result]
    for _ in range(30):
        forecast = softmax(np.tensordot(theta, slopes, 1), axis=1)
        centred = slopes - (slopes * forecast).sum(axis=2, keepdims=True)
        gradient = (slopes * (hit - forecast)).sum(axis=(1, 2)) - strength * (theta - start)
        information = np.einsum("inc,jnc,nc->ij", centred, centred, forecast) + strength * np.eye(2)
        step = np.linalg.solve(information, gradient)
        theta = theta + np.clip(step, -0.5, 0.5)
        if np.abs(step).max() < 1e-9:
            break
    return float(theta[0]), float(theta[1])
