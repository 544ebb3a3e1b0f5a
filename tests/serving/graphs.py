"""Small real models for tests: graphs with interactions, and sessions of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from matchday.signature import FeatureRef, Signature
from serving.model import Model
from tests.signatures import match_signature

HIDDEN = 8


def network(
    columns: int, classes: int, seed: int = 3, weights: np.ndarray | None = None, output: str = "answer"
) -> bytes:
    """One hidden layer, so that features interact; probabilities of `classes`, or with none one number a row."""
    random = np.random.default_rng(seed)
    first = random.normal(0, 1 / np.sqrt(columns), (columns, HIDDEN)) if weights is None else weights
    second = random.normal(0, 1, (first.shape[1], max(classes, 1)))
    constants = [("first", first), ("second", second), ("bias", random.normal(0, 0.5, first.shape[1]))]
    nodes = [
        helper.make_node("MatMul", ["features", "first"], ["mixed"]),
        helper.make_node("Add", ["mixed", "bias"], ["shifted"]),
        helper.make_node("Relu", ["shifted"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "second"], ["scores"]),
    ]
    if classes:
        nodes.append(helper.make_node("Softmax", ["scores"], [output], axis=1))
    else:
        nodes.append(helper.make_node("Squeeze", ["scores", "axis"], [output]))
    initial = [numpy_helper.from_array(values.astype(np.float32), name) for name, values in constants]
    if not classes:
        initial.append(numpy_helper.from_array(np.array([1], np.int64), "axis"))
    shape = ["n", classes] if classes else ["n"]
    made = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", columns])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        initial,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def described(columns: int, classes: Sequence[str]) -> Signature:
    """The signature of `network`."""
    features = [FeatureRef(f"f{index}", "home", "team_form", f"f{index}") for index in range(columns)]
    return match_signature(features, model="tried", feature_service="tried_v1", classes=classes, output="answer")


def model(
    columns: int, classes: Sequence[str], explainer: Mapping[str, Any], graph: bytes | None = None, seed: int = 3
) -> Model:
    """A model ready to answer."""
    session = onnxruntime.InferenceSession(graph or network(columns, len(classes), seed))
    return Model(described(columns, classes), "1", session, explainer)
