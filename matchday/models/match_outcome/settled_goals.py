"""The goals model with four numbers that are learnt: what being settled does, and a calibration of the three outcomes.

Log rates of goals come from the features (`matchday.models.goal_rates`). A team that is settled scores and concedes
otherwise. The scoreline's probabilities of home, draw and away are then calibrated: their logarithms are multiplied by
a sharpness, and the draw is moved. What being settled does is learnt from goals, which say more than results; the
calibration from results, whose forecasts had not seen them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from matchday.models.goal_rates import goal_rates, log_rate_matrix
from matchday.models.graph import FEATURES, GraphWriter
from matchday.models.match_outcome import scoreline
from matchday.models.match_outcome.kind import MATCH_OUTCOME, outcome_of

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

NAMES = (
    "league_level",
    "league_home_edge",
    "home_attack",
    "home_defence",
    "home_settled",
    "away_attack",
    "away_defence",
    "away_settled",
)
"""Columns of a feature vector, in order."""
SETTLED = (NAMES.index("home_settled"), NAMES.index("away_settled"))

LOW_SCORE = -0.06
"""Dixon and Coles' dependence. It is not fitted: the draw's shift makes up for what it misses."""

SETTLED_PENALTY = 20.0
"""Of the squared effects of being settled, half of it, in log-likelihood of goals: a prior of some fifteen matches."""
CALIBRATION_PENALTY = 200.0
"""Of the squared distance from no calibration, half of it, in log-likelihood: a prior of some hundred matches."""


@dataclass(frozen=True)
class SettledGoals:
    """scored, conceded: log goals that a settled team scores and concedes more. sharpness, draw: of the calibration."""

    scored: float = 0.0
    conceded: float = 0.0
    sharpness: float = 1.0
    draw: float = 0.0

    def predict(self, vectors: Float32Array) -> FloatArray:
        """Probabilities (n, 3) of home, draw, away for feature vectors (n, k) in the order of `NAMES`."""
        raw = np.log(_raw(vectors, self.scored, self.conceded))
        return np.asarray(softmax(self.sharpness * raw + np.array([0.0, self.draw, 0.0]), axis=1))

    def score_grid(self, vectors: Float32Array) -> FloatArray:
        """Probabilities (n, 11, 11) of home goals by away goals, whose sums by outcome are `predict`'s numbers."""
        home, away = rates(vectors, self.scored, self.conceded)
        joint = scoreline.poisson(home)[:, :, None] * scoreline.poisson(away)[:, None, :]
        joint *= np.maximum(scoreline.low_score_factor(home, away, np.full(len(home), LOW_SCORE)), 0.0)
        wins = scoreline.HOME_WINS
        parts = (wins, np.eye(len(wins)), wins.T)
        forecast = self.predict(vectors)
        scaled = [
            joint * part * (forecast[:, place] / (joint * part).sum(axis=(1, 2)))[:, None, None]
            for place, part in enumerate(parts)
        ]
        return np.asarray(sum(scaled))


def rates(vectors: Float32Array, scored: float, conceded: float) -> tuple[FloatArray, FloatArray]:
    """Rates (n,) of home and away."""
    home, away = goal_rates(vectors, NAMES)
    home_settled, away_settled = (vectors[:, column].astype(float) for column in SETTLED)
    return (
        home * np.exp(scored * home_settled + conceded * away_settled),
        away * np.exp(scored * away_settled + conceded * home_settled),
    )


def fit(vectors: Float32Array, goals: IntArray) -> SettledGoals:
    """Learn the four from feature vectors (n, k) and the goals of home and away (n, 2). Without rows: nothing learnt.

    Vectors are as known before each match, so that no forecast has seen its result.
    """
    if not len(goals):
        return SettledGoals()
    scored, conceded = _settled_effects(vectors, goals)
    return SettledGoals(scored, conceded, *_calibration(np.log(_raw(vectors, scored, conceded)), outcome_of(*goals.T)))


def export(model: SettledGoals) -> bytes:
    """The ONNX graph: `features` (n, k) to `probabilities` (n, 3), float32."""
    writer = GraphWriter()
    log_rates = log_rate_matrix(NAMES)
    for column, side in zip(SETTLED, (0, 1), strict=True):
        log_rates[column, side], log_rates[column, 1 - side] = model.scored, model.conceded
    scores = [(home, away) for home in range(len(scoreline.GOALS)) for away in range(len(scoreline.GOALS))]
    orders = [-scoreline.LOG_FACTORIAL[home] - scoreline.LOG_FACTORIAL[away] for home, away in scores]
    wins = scoreline.HOME_WINS
    outcomes = np.stack([wins.ravel(), np.eye(len(wins)).ravel(), wins.T.ravel()], axis=1)

    found = writer.node("MatMul", [FEATURES, writer.constant("features_to_log_rates", log_rates)], "log_rates")
    cells = [found, writer.constant("powers", np.array(scores).T - 1), writer.constant("orders", orders)]
    joint = writer.node("Exp", [writer.node("Gemm", cells, "log_scores")], "scores")
    moved = writer.constant("moved_by_low_score", LOW_SCORE * np.array([1.0, -2.0, 1.0]))
    sums = writer.node("Gemm", [joint, writer.constant("scores_to_outcomes", outcomes), moved], "outcomes")
    raw = writer.node("Log", [sums], "raw")
    sharpened = [raw, writer.constant("sharpness", model.sharpness * np.eye(3))]
    logits = writer.node("Gemm", [*sharpened, writer.constant("draw", [0.0, model.draw, 0.0])], "logits")
    writer.node("Softmax", [logits], MATCH_OUTCOME.output.name, axis=1)
    return writer.serialise(MATCH_OUTCOME, len(NAMES))


def _raw(vectors: Float32Array, scored: float, conceded: float) -> FloatArray:
    """Probabilities (n, 3) before calibration."""
    return scoreline.outcome(*rates(vectors, scored, conceded), np.full(len(vectors), LOW_SCORE))


def _settled_effects(vectors: Float32Array, goals: IntArray) -> tuple[float, float]:
    """Penalised Poisson regression of goals on who is settled, beside what the features say. Newton's method.

    It has a constant, which is dropped: that all teams score a little more or less is not due to these.
    """
    expected = np.concatenate(rates(vectors, 0.0, 0.0))
    home, away = (vectors[:, column].astype(float) for column in SETTLED)
    ones = np.ones(2 * len(home))
    design = np.column_stack([ones, np.concatenate([home, away]), np.concatenate([away, home])])
    counts = goals.T.ravel().astype(float)
    penalty = np.array([1e-6, SETTLED_PENALTY, SETTLED_PENALTY])
    theta = np.zeros(3)
    for _ in range(30):
        rate = expected * np.exp(design @ theta)
        information = (design * rate[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(information, design.T @ (counts - rate) - penalty * theta)
        theta = theta + np.clip(step, -0.5, 0.5)
        if np.abs(step).max() < 1e-9:
            break
    return float(theta[1]), float(theta[2])


def _calibration(logs: FloatArray, result: IntArray) -> tuple[float, float]:
    """Sharpness and shift of the draw that make results (n,) likeliest, penalised. logs: (n, 3). Newton's method."""
    theta = start = np.array([1.0, 0.0])
    slopes = np.stack([logs, np.broadcast_to([0.0, 1.0, 0.0], logs.shape)])
    hit = np.eye(3)[result]
    for _ in range(30):
        forecast = softmax(np.tensordot(theta, slopes, 1), axis=1)
        centred = slopes - (slopes * forecast).sum(axis=2, keepdims=True)
        gradient = (slopes * (hit - forecast)).sum(axis=(1, 2)) - CALIBRATION_PENALTY * (theta - start)
        information = np.einsum("inc,jnc,nc->ij", centred, centred, forecast) + CALIBRATION_PENALTY * np.eye(2)
        step = np.linalg.solve(information, gradient)
        theta = theta + np.clip(step, -0.5, 0.5)
        if np.abs(step).max() < 1e-9:
            break
    return float(theta[0]), float(theta[1])
