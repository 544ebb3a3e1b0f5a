"""`match-outcome` as one ONNX graph, from feature vector to three probabilities, with proof of parity.

The goals member and the pool are written out as ONNX operators; trees and logistic regression come from the
converters of onnxmltools and skl2onnx. All become one graph with input `features` (n, k) and output
`probabilities` (n, 3), both float32.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as TreesInput
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType

from matchday.errors import MatchdayError
from matchday.features.fixture import NAMES, POSITION
from matchday.models import scoreline
from matchday.models.outcome import OutcomeModel, contrasts

OPSET = 18
TREE_OPSET = 3
TOLERANCE = 1e-5
"""Largest difference of a probability between Python and the graph."""

GOALS = scoreline.MOST_GOALS + 1


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
    features = "features"
    goals_log = _goals_member(writer, features)
    trees_input = writer.node("MatMul", [features, writer.constant("contrasts", contrasts())])
    trees = writer.graft(_trees_graph(model), "trees_", trees_input)
    logistic_input = _logistic_input(writer, features, goals_log)
    logistic = writer.graft(_logistic_graph(model), "logistic_", logistic_input)
    trees_log = writer.node("LogSoftmax", [writer.node("Add", [writer.log(trees), goals_log])], axis=1)
    _pool(writer, model, [goals_log, trees_log, writer.log(logistic)])
    graph = helper.make_graph(
        writer.nodes,
        "match-outcome",
        [helper.make_tensor_value_info(features, TensorProto.FLOAT, ["n", len(NAMES)])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3])],
        writer.constants,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", TREE_OPSET)]
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
    """Collects the nodes and constants of a graph; every value gets a name of its own."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def node(self, operator: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        """Add an operator; the name of its output."""
        name = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=f"{name}_node", **attributes))
        return name

    def constant(self, name: str, value: NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int64]) -> str:
        """Add a constant; reals are kept as float32."""
        kept = value if value.dtype == np.int64 else value.astype(np.float32)
        if all(known.name != name for known in self.constants):
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(kept), name))
        return name

    def column(self, features: str, name: str) -> str:
        """One named feature, (n, 1)."""
        at = self.constant(f"at_{name}", np.array([POSITION[name]], np.int64))
        return self.node("Gather", [features, at], axis=1)

    def log(self, probabilities: str) -> str:
        """Natural logarithm."""
        return self.node("Log", [probabilities])

    def graft(self, model: onnx.ModelProto, prefix: str, feed: str) -> str:
        """Take over another model's graph, fed by a value of this one; the name of its `probabilities`."""
        graph = compose.add_prefix(model, prefix).graph
        source = graph.input[0].name
        for node in graph.node:
            node.input[:] = [feed if name == source else name for name in node.input]
        self.nodes.extend(graph.node)
        self.constants.extend(graph.initializer)
        return f"{prefix}probabilities"


def _goals_member(writer: _Writer, features: str) -> str:
    """Log probabilities (n, 3) of the goals member; `scoreline.outcome` in ONNX."""
    home, away, low = (writer.node("MatMul", [features, writer.constant(*_selection(side))]) for side in _SELECTIONS)
    home_rate, away_rate = writer.node("Exp", [home]), writer.node("Exp", [away])
    tall = writer.constant("tall", np.array([-1, GOALS, 1], np.int64))
    wide = writer.constant("wide", np.array([-1, 1, GOALS], np.int64))
    home_goals = writer.node("Reshape", [_poisson(writer, home, home_rate), tall])
    away_goals = writer.node("Reshape", [_poisson(writer, away, away_rate), wide])
    joint = writer.node("Mul", [home_goals, away_goals])
    corrected = writer.node("Mul", [joint, _low_score_factor(writer, home_rate, away_rate, low)])
    flat = writer.node("Reshape", [corrected, writer.constant("flat", np.array([-1, GOALS * GOALS], np.int64))])
    sums = writer.node("MatMul", [flat, writer.constant("outcomes", _outcomes())])
    total = writer.node("ReduceSum", [sums, writer.constant("classes", np.array([1], np.int64))], keepdims=1)
    return writer.log(writer.node("Div", [sums, total]))


_SELECTIONS: dict[str, dict[str, float]] = {
    "home_rate": {"league_level": 1, "league_home_edge": 1, "home_attack": 1, "away_defence": -1},
    "away_rate": {"league_level": 1, "away_attack": 1, "home_defence": -1},
    "low_score": {"league_low_score": 1},
}


def _selection(name: str) -> tuple[str, NDArray[np.float64]]:
    column = np.zeros((len(NAMES), 1))
    for feature, sign in _SELECTIONS[name].items():
        column[POSITION[feature]] = sign
    return name, column


def _poisson(writer: _Writer, log_rate: str, rate: str) -> str:
    """Probabilities (n, 11) of 0 to 10 goals from log rates and rates (n, 1)."""
    powers = writer.node("Mul", [log_rate, writer.constant("goals", scoreline.GOALS[None])])
    falling = writer.node("Sub", [powers, rate])
    logs = writer.node("Sub", [falling, writer.constant("log_factorial", scoreline.LOG_FACTORIAL[None])])
    return writer.node("Exp", [logs])


def _low_score_factor(writer: _Writer, home: str, away: str, low: str) -> str:
    """Dixon and Coles' factor (n, 11, 11): 1 plus the dependence times what each low score asks for."""
    both = writer.node("Neg", [writer.node("Mul", [home, away])])
    asked = writer.node("Concat", [both, home, away], axis=1)
    placed = writer.node("MatMul", [asked, writer.constant("low_scores", _cells((0, 0), (0, 1), (1, 0)))])
    slope = writer.node("Sub", [placed, writer.constant("one_one", _cells((1, 1)))])
    factor = writer.node("Add", [writer.node("Mul", [slope, low]), writer.constant("one", np.ones(1))])
    return writer.node("Reshape", [factor, writer.constant("square", np.array([-1, GOALS, GOALS], np.int64))])


def _cells(*scores: tuple[int, int]) -> NDArray[np.float64]:
    """One row for each score, 1 in the cell of that score."""
    cells = np.zeros((len(scores), GOALS * GOALS))
    for row, (home, away) in enumerate(scores):
        cells[row, home * GOALS + away] = 1.0
    return cells


def _outcomes() -> NDArray[np.float64]:
    home = scoreline.HOME_WINS
    return np.stack([home.ravel(), np.eye(GOALS).ravel(), home.T.ravel()], axis=1)


def _logistic_input(writer: _Writer, features: str, goals_log: str) -> str:
    odds = writer.node("MatMul", [goals_log, writer.constant("odds", np.array([[1, 0], [-1, -1], [0, 1]], float))])
    home, away = writer.column(features, "home_elo"), writer.column(features, "away_elo")
    gap = writer.node("Div", [writer.node("Sub", [home, away]), writer.constant("hundred", np.array([100.0]))])
    return writer.node("Concat", [odds, gap], axis=1)


def _pool(writer: _Writer, model: OutcomeModel, members: list[str]) -> None:
    terms = [
        writer.node("Mul", [member, writer.constant(f"weight_{i}", np.array([weight]))])
        for i, (member, weight) in enumerate(zip(members, model.pool.weights, strict=True))
    ]
    logits = writer.node("Sum", [*terms, writer.constant("shift", model.pool.shift[None])])
    writer.node("Softmax", [logits], "probabilities", axis=1)


def _trees_graph(model: OutcomeModel) -> onnx.ModelProto:
    inputs = [("input", TreesInput([None, contrasts().shape[1]]))]
    graph: onnx.ModelProto = convert_xgboost(model.members.trees, initial_types=inputs, target_opset=15)
    return graph


def _logistic_graph(model: OutcomeModel) -> onnx.ModelProto:
    logistic = model.members.logistic
    graph: onnx.ModelProto = to_onnx(
        logistic,
        initial_types=[("input", FloatTensorType([None, 3]))],
        target_opset={"": OPSET, "ai.onnx.ml": TREE_OPSET},
        options={id(logistic): {"zipmap": False}},
    )
    return graph
