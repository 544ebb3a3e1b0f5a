"""`match-outcome` as one ONNX graph, from feature vector to three probabilities, with proof of parity.

All members and the pool are written out as ONNX operators: input `features` (n, k), output `probabilities` (n, 3), both
float32. A node costs about half a microsecond whatever it computes, a jump in a tree eight nanoseconds, and one request
asks for a few rows: so there are few nodes, all of them matrix products or elementwise, and what the last softmax
cancels, any term that a row adds to all its classes, is never computed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from matchday.errors import MatchdayError
from matchday.features.fixture import NAMES, POSITION
from matchday.models import scoreline
from matchday.models.outcome import GAPS, OutcomeModel, contrasts
from matchday.models.rules import Rules, rules_of

FloatArray = NDArray[np.float64]

OPSET = 18
TOLERANCE = 1e-5
"""Largest difference of a probability between Python and the graph."""

FEATURES = "features"
SCORES = [(int(home), int(away)) for home in scoreline.GOALS for away in scoreline.GOALS]
"""Scorelines, 121, in the order of the graph's cells."""
LOG_HOME_RATE = {"league_level": 1, "league_home_edge": 1, "home_attack": 1, "away_defence": -1}
LOG_AWAY_RATE = {"league_level": 1, "away_attack": 1, "home_defence": -1}
ODDS = np.array([[1, 0], [-1, -1], [0, 1]])
"""From logarithms of home, draw, away to the log-odds of home and away against the draw."""
ELO_UNIT = 100.0
"""Elo points in one unit of `outcome.logistic_input`."""


class ParityError(MatchdayError):
    """The exported graph does not forecast what the model forecasts."""


@dataclass(frozen=True)
class Parity:
    """How far graph and model are apart: rows compared, largest absolute difference of a probability."""

    rows: int
    largest: float


def export(model: OutcomeModel) -> bytes:
    """The ONNX graph of a model, serialised; checked by ONNX's own checker."""
    writer = _Writer()
    logits = _pool(writer, model, _goals_member(writer))
    writer.node("Softmax", [logits], "probabilities", axis=1)
    graph = helper.make_graph(
        writer.nodes,
        "match-outcome",
        [helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, ["n", len(NAMES)])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3])],
        writer.constants,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    whole = helper.make_model(graph, opset_imports=opsets, producer_name="matchday", ir_version=9)
    onnx.checker.check_model(whole, full_check=True)
    return bytes(whole.SerializeToString(deterministic=True))


def prove_parity(model: OutcomeModel, graph: bytes, vectors: NDArray[np.float32]) -> Parity:
    """Compare model and graph on every feature vector (n, k), together and one by one.

    Raises ParityError beyond `TOLERANCE`.
    """
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    wanted = model.predict(vectors)
    together = session.run(["probabilities"], {"features": vectors})[0]
    alone = np.concatenate([session.run(None, {"features": row[None]})[0] for row in vectors])
    largest = float(max(np.abs(together - wanted).max(), np.abs(alone - wanted).max()))
    if not largest <= TOLERANCE:
        raise ParityError(f"the exported graph is off by {largest:.2e} (limit {TOLERANCE:.0e}): it must not be served")
    return Parity(rows=len(vectors), largest=largest)


class _Writer:
    """Collects the nodes and constants of a graph; every value has a name of its own."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add an operator; the name of its output."""
        self.nodes.append(helper.make_node(operator, inputs, [output], name=f"{output}_node", **attributes))
        return output

    def constant(self, name: str, value: Any) -> str:
        """Add a constant, kept as float32."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name


def _goals_member(writer: _Writer) -> str:
    """Logarithms (n, 3) of the goals member, each row up to a constant; `scoreline.outcome` in ONNX.

    Cells are divided by that of 1-1, so that Dixon and Coles' correction, which moves the same probability from both
    draws to both wins of a goal to nil, is the dependence itself.
    """
    log_rates = np.stack([_selection(LOG_HOME_RATE), _selection(LOG_AWAY_RATE)], axis=1)
    powers = np.array(SCORES).T - 1
    orders = [-scoreline.LOG_FACTORIAL[home] - scoreline.LOG_FACTORIAL[away] for home, away in SCORES]
    wins = scoreline.HOME_WINS
    outcomes = np.stack([wins.ravel(), np.eye(len(wins)).ravel(), wins.T.ravel()], axis=1)
    moved = np.outer(_selection({"league_low_score": 1}), [1, -2, 1])

    rates = writer.node("MatMul", [FEATURES, writer.constant("ratings_to_log_rates", log_rates)], "log_rates")
    cells = [rates, writer.constant("powers", powers), writer.constant("orders", orders)]
    joint = writer.node("Exp", [writer.node("Gemm", cells, "log_scores")], "scores")
    low = writer.node("MatMul", [FEATURES, writer.constant("low_score_to_moved", moved)], "moved")
    sums = writer.node("Gemm", [joint, writer.constant("scores_to_outcomes", outcomes), low], "outcomes")
    return writer.node("Log", [sums], "goals")


def _selection(signs: dict[str, int]) -> FloatArray:
    """Column (k,) that adds and subtracts features."""
    column = np.zeros(len(NAMES))
    for feature, sign in signs.items():
        column[POSITION[feature]] = sign
    return column


def _seen(writer: _Writer) -> str:
    """What trees see, and a one that carries constants: (n, m + 1)."""
    matrix = np.pad(contrasts(), ((0, 0), (0, 1)))
    one = np.eye(matrix.shape[1])[-1]
    return writer.node("Gemm", [FEATURES, writer.constant("contrasts", matrix), writer.constant("one", one)], "seen")


def _trees(writer: _Writer, rules: Rules, weight: float, seen: str, start: str) -> str:
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


def _pool(writer: _Writer, model: OutcomeModel, goals: str) -> str:
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
