"""`match-outcome` as one ONNX graph, from feature vector to three probabilities, with proof of parity.

All members and the pool are written out as ONNX operators: input `features` (n, k), output `probabilities` (n, 3), both
float32. A node costs about half a microsecond whatever it computes, a jump in a tree eight nanoseconds, and one request
asks for a few rows: so there are few nodes, all of them matrix products or elementwise, and what the last softmax
cancels, any term that a row adds to all its classes, is never computed.
"""

import numpy as np
from numpy.typing import NDArray

from matchday.models.goal_rates import log_rate_matrix
from matchday.models.graph import FEATURES, GraphWriter
from matchday.models.match_outcome import scoreline
from matchday.models.match_outcome.candidates.stacking import ELO_UNIT, GAPS, NAMES, POSITION, OutcomeModel, contrasts
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.match_outcome.rules import Rules, rules_of

FloatArray = NDArray[np.float64]

SCORES = [(int(home), int(away)) for home in scoreline.GOALS for away in scoreline.GOALS]
"""Scorelines, 121, in the order of the graph's cells."""
LOW_SCORE_SIGNS = {(0, 0): -1, (0, 1): 1, (1, 0): 1, (1, 1): -1}
"""Cells that Dixon and Coles' correction takes from and gives to."""
ODDS = np.array([[1, 0], [-1, -1], [0, 1]])
"""From logarithms of home, draw, away to the log-odds of home and away against the draw."""


def export(model: OutcomeModel) -> bytes:
    """The ONNX graph of a model, serialised."""
    writer = GraphWriter()
    logits = _pool(writer, model, _goals_member(writer))
    writer.node("Softmax", [logits], MATCH_OUTCOME.output.name, axis=1)
    return writer.serialise(MATCH_OUTCOME, len(NAMES))


def _goals_member(writer: GraphWriter) -> str:
    """Logarithms (n, 3) of the goals member, each row up to a constant; `scoreline.outcome` in ONNX.

    Cells are divided by that of 1-1, so that Dixon and Coles' correction, which moves the same probability from both
    draws to both wins of a goal to nil, is the dependence itself. No cell falls below 0.
    """
    powers = np.array(SCORES).T - 1
    orders = [-scoreline.LOG_FACTORIAL[home] - scoreline.LOG_FACTORIAL[away] for home, away in SCORES]
    wins = scoreline.HOME_WINS
    outcomes = np.stack([wins.ravel(), np.eye(len(wins)).ravel(), wins.T.ravel()], axis=1)
    signs = [LOW_SCORE_SIGNS.get(score, 0) for score in SCORES]
    moved = np.outer(np.eye(len(NAMES))[POSITION["league_low_score"]], signs)

    rates = [FEATURES, writer.constant("ratings_to_log_scores", log_rate_matrix(NAMES) @ powers)]
    joint = writer.node(
        "Exp", [writer.node("Gemm", [*rates, writer.constant("orders", orders)], "log_scores")], "scores"
    )
    low = writer.node("Gemm", [FEATURES, writer.constant("low_score_to_moved", moved), joint], "corrected")
    cells = writer.node("Clip", [low, writer.constant("impossible", 0)], "cells")
    sums = writer.node("MatMul", [cells, writer.constant("scores_to_outcomes", outcomes)], "outcomes")
    return writer.node("Log", [sums], "goals")


def _seen(writer: GraphWriter) -> str:
    """What trees see, and a one that carries constants: (n, m + 1)."""
    matrix = np.pad(contrasts(), ((0, 0), (0, 1)))
    one = np.eye(matrix.shape[1])[-1]
    return writer.node("Gemm", [FEATURES, writer.constant("contrasts", matrix), writer.constant("one", one)], "seen")


def _trees(writer: GraphWriter, rules: Rules, weight: float, seen: str, start: str) -> str:
    """Weighted margins (n, 3) of the trees on top of `start` (n, 3)."""
    if not rules.rules:
        return start
    layers = [
        writer.node("MatMul", [seen, writer.constant(f"conditions_{depth}", ramps)], f"condition_{depth}")
        for depth, ramps in enumerate(rules.layers(contrasts().shape[1]))
    ]
    least = writer.node("Min", layers, "weakest_condition")
    held = writer.node("Clip", [least, writer.constant("false", 0), writer.constant("true", 1)], "rules")
    return writer.node("Gemm", [held, writer.constant("rules_to_logits", weight * rules.worth), start], "trees")


def _pool(writer: GraphWriter, model: OutcomeModel, goals: str) -> str:
    """Logits (n, 3) of `Pool.combine`, each row up to a constant.

    Trees start from the goals member and the logistic regression is linear in its log-odds, so its logarithm enters
    once, with what all three members make of it.
    """
    of_goals, of_trees, of_logistic = model.pool.weights
    slopes, intercept = _logistic(model)
    rules = rules_of(model.members.trees)
    seen = _seen(writer)
    linear = np.zeros((contrasts().shape[1] + 1, 3))
    linear[GAPS.index("elo")] = of_logistic * slopes[2] / ELO_UNIT
    linear[-1] = model.pool.shift + of_logistic * intercept + of_trees * rules.base
    start = writer.node("MatMul", [seen, writer.constant("elo_and_one_to_logits", linear)], "elo")
    trees = _trees(writer, rules, of_trees, seen, start)
    mixed = (of_goals + of_trees) * np.eye(3) + of_logistic * ODDS @ slopes[:2]
    return writer.node("Gemm", [goals, writer.constant("goals_to_logits", mixed), trees], "logits")


def _logistic(model: OutcomeModel) -> tuple[FloatArray, FloatArray]:
    """Slopes (3, 3) from `outcome.logistic_input` to logits, and intercepts (3,), with the scaler in both."""
    scaler, logistic = (step for _, step in model.members.logistic.steps)
    slopes = logistic.coef_.T / scaler.scale_[:, None]
    return slopes, logistic.intercept_ - scaler.mean_ @ slopes
