"""Bundles of candidates: a good one, and bad ones that a server accepts."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from console.demo.variants import swap_home_and_away
from matchday.bundle import write_bundle
from matchday.signature import FeatureRef
from tests.signatures import match_signature

ELO = [FeatureRef("home_elo", "home", "team_ratings", "elo"), FeatureRef("away_elo", "away", "team_ratings", "elo")]
POINTS = [
    FeatureRef("home_points", "home", "team_form", "points"),
    FeatureRef("away_points", "away", "team_form", "points"),
]
UNKNOWN = [FeatureRef("home_luck", "home", "team_form", "luck")]
ELO_OF_ARSENAL = 1900.5
"""In the store of the tests; no random row has it."""

SIDE = 512
"""Rows of the square matrices that a slow answer multiplies."""
SLOW_SECONDS = 0.12


def graph(columns: int = 2, nudge: float = 0.0) -> bytes:
    """Probabilities from the difference in Elo; further columns are ignored, missing or not."""
    weights = np.zeros((columns, 3))
    weights[:2] = np.array([[1, 0, -1], [-1, 0, 1]]) / 500
    constants = {"weights": weights, "bias": np.array([0.2 + nudge, 0.0, -0.1]), "zero": np.zeros(1)}
    nodes = [
        helper.make_node("IsNaN", ["features"], ["gaps"]),
        helper.make_node("Where", ["gaps", "zero", "features"], ["filled"]),
        helper.make_node("MatMul", ["filled", "weights"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    return _model(nodes, constants, columns)


def slow_graph() -> bytes:
    """The same forecasts after as many matrix products as this machine computes in `SLOW_SECONDS`."""
    model = onnx.load_from_string(graph())
    model.graph.node[-1].output[0] = "good"
    products = max(1, round(SLOW_SECONDS / _product_seconds()))
    nodes = [
        helper.make_node("ReduceMax", ["features"], ["largest"], keepdims=0),
        helper.make_node("Mul", ["square", "largest"], ["product_0"]),
        *(helper.make_node("MatMul", [f"product_{n}", "square"], [f"product_{n + 1}"]) for n in range(products)),
        helper.make_node("ReduceMax", [f"product_{products}"], ["worked"], keepdims=0),
        helper.make_node("Mul", ["worked", "nothing"], ["worth_nothing"]),
        helper.make_node("Add", ["good", "worth_nothing"], ["probabilities"]),
    ]
    known = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    more = {"square": np.full((SIDE, SIDE), 1 / SIDE), "nothing": np.array(0.0)}
    return _model([*model.graph.node, *nodes], known | more, 2)


def _product_seconds() -> float:
    """Time of one matrix product in ONNX Runtime on one core."""
    shape = [SIDE, SIDE]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["one", "one"], ["other"])],
        "product",
        [helper.make_tensor_value_info("one", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("other", TensorProto.FLOAT, shape)],
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    square, times = np.ones(shape, np.float32), []
    for _ in range(5):
        begun = time.perf_counter()
        session.run(None, {"one": square})
        times.append(time.perf_counter() - begun)
    return min(times)


def failing_graph() -> bytes:
    """Fails on a match of Arsenal at home."""
    return _on_arsenal(
        [
            helper.make_node("Mul", ["hits", "beyond"], ["place"]),
            helper.make_node("Gather", ["one", "place"], ["worth"]),
            helper.make_node("Mul", ["good", "worth"], ["probabilities"]),
        ],
        {"beyond": np.array(7, np.int64), "one": np.ones(1)},
    )


def nan_graph() -> bytes:
    """Answers NaN on a match of Arsenal at home."""
    return _on_arsenal(
        [
            helper.make_node("Cast", ["hits"], ["times"], to=TensorProto.FLOAT),
            helper.make_node("Sub", ["one", "times"], ["rest"]),
            helper.make_node("Div", ["rest", "rest"], ["worth"]),
            helper.make_node("Mul", ["good", "worth"], ["probabilities"]),
        ],
        {"one": np.ones(1)},
    )


def write(root: Path, version: str, model: bytes, features: Sequence[FeatureRef] = ELO) -> None:
    """Write the bundle of a version."""
    write_bundle(root / "bundles" / version, model, match_signature(features), {}, f"# version {version}\n")


def good(root: Path, version: str) -> None:
    write(root, version, graph(nudge=0.01 * int(version)))


def slow(root: Path, version: str) -> None:
    write(root, version, slow_graph())


def swaps_sides(root: Path, version: str) -> None:
    write(root, version, swap_home_and_away(graph()))


def fails_on_arsenal(root: Path, version: str) -> None:
    write(root, version, failing_graph())


def answers_nan_on_arsenal(root: Path, version: str) -> None:
    write(root, version, nan_graph())


def misses_features(root: Path, version: str) -> None:
    """Needs features that the store lacks for Bournemouth."""
    write(root, version, graph(4), [*ELO, *POINTS])


def needs_unknown_feature(root: Path, version: str) -> None:
    """Needs a feature that no view has."""
    write(root, version, graph(3), [*ELO, *UNKNOWN])


def _on_arsenal(nodes: list[onnx.NodeProto], constants: Mapping[str, np.ndarray]) -> bytes:
    """The good graph, then `nodes`, which can use `good` and `hits`: 1 when a home team is Arsenal, else 0."""
    model = onnx.load_from_string(graph())
    model.graph.node[-1].output[0] = "good"
    known = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    column = {"first": np.array([0], np.int64), "arsenal": np.array(ELO_OF_ARSENAL)}
    asked = [
        helper.make_node("Gather", ["filled", "first"], ["home_elo"], axis=1),
        helper.make_node("Equal", ["home_elo", "arsenal"], ["is_arsenal"]),
        helper.make_node("Cast", ["is_arsenal"], ["each"], to=TensorProto.INT64),
        helper.make_node("ReduceMax", ["each"], ["hits"], keepdims=0),
    ]
    return _model([*model.graph.node, *asked, *nodes], known | column | dict(constants), 2)


def _model(nodes: list[Any], constants: Mapping[str, np.ndarray], columns: int) -> bytes:
    kept = [
        numpy_helper.from_array(value if value.dtype == np.int64 else np.asarray(value, np.float32), name)
        for name, value in constants.items()
    ]
    made = helper.make_graph(
        nodes,
        "tried",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", columns])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3])],
        kept,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
