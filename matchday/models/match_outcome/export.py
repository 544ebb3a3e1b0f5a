"""`match-outcome` as one ONNX graph: `features` (n, k) to `probabilities` (n, 3) and the further outputs, all float32.

A node costs about half a microsecond whatever it computes, and one request asks for a few rows: so there are few nodes,
all of them matrix products or elementwise. The cells of the score grid are divided by that of 1-1, so that Dixon and
Coles' correction, which moves the same probability from both draws to both wins of a goal to nil, is a constant. What
the last softmax cancels is never computed.
"""

import numpy as np

from matchday.models.goal_rates import log_rate_matrix
from matchday.models.graph import FEATURES, GraphWriter
from matchday.models.match_outcome import scoreline
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.match_outcome.settled_goals import NAMES, SETTLED, FloatArray, SettledGoals

SCORES = np.array(list(np.ndindex(scoreline.HOME_WINS.shape)))
"""Scorelines (121, 2), in the order of the graph's cells."""


def export(model: SettledGoals) -> bytes:
    """The ONNX graph of a model, serialised."""
    writer = GraphWriter()
    cells = _cells(writer, model)
    outcomes = writer.constant("scores_to_outcomes", _flat(scoreline.OUTCOMES))
    sums = writer.node("MatMul", [cells, outcomes], "outcomes")
    sharpened = [writer.node("Log", [sums], "raw"), writer.constant("sharpness", model.sharpness * np.eye(3))]
    logits = writer.node("Gemm", [*sharpened, writer.constant("draw", [0.0, model.draw, 0.0])], "logits")
    forecast = writer.node("Softmax", [logits], MATCH_OUTCOME.output.name, axis=1)
    _further(writer, cells, outcomes, writer.node("Div", [forecast, sums], "by_outcome"))
    return writer.serialise(MATCH_OUTCOME, len(NAMES))


def _cells(writer: GraphWriter, model: SettledGoals) -> str:
    """Cells (n, 121) of the score grid before calibration, none below 0, each row up to a factor."""
    log_rates = log_rate_matrix(NAMES)
    for side, column in enumerate(SETTLED):
        log_rates[column, side], log_rates[column, 1 - side] = model.scored, model.conceded
    orders = [-scoreline.LOG_FACTORIAL[home] - scoreline.LOG_FACTORIAL[away] for home, away in SCORES]
    given = [FEATURES, writer.constant("features_to_log_scores", log_rates @ (SCORES.T - 1.0))]
    joint = writer.node(
        "Exp", [writer.node("Gemm", [*given, writer.constant("orders", orders)], "log_scores")], "scores"
    )
    moved = writer.constant("moved_by_low_score", model.low_score * scoreline.LOW_SCORE_SIGNS.ravel())
    return writer.node("Relu", [writer.node("Add", [joint, moved], "corrected")], "cells")


def _further(writer: GraphWriter, cells: str, outcomes: str, by_outcome: str) -> None:
    """The further outputs. by_outcome: what the calibration makes of a cell (n, 3), by its outcome."""
    back = writer.node("Transpose", [outcomes], "outcomes_to_scores")
    flat = writer.node("Mul", [cells, writer.node("MatMul", [by_outcome, back], "by_score")], "flat_grid")
    writer.node("Reshape", [flat, writer.integers("grid_shape", [-1, *scoreline.HOME_WINS.shape])], "score_grid")
    writer.node("MatMul", [flat, writer.constant("scores_to_over", _flat(scoreline.OVER))], "over")
    writer.node("MatMul", [flat, writer.constant("scores_to_both", scoreline.BOTH_SCORE.ravel())], "both_score")
    writer.node("MatMul", [flat, writer.constant("scores_to_clean", _flat(scoreline.CLEAN_SHEETS))], "clean_sheets")


def _flat(cells: FloatArray) -> FloatArray:
    """Weights (121, m) of weights (11, 11, m)."""
    return cells.reshape(len(SCORES), -1)
