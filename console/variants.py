"""Versions made of the champion's own graph, for the demonstration: a simpler one, and two that are spoiled."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from matchday.backtest import Walk
from matchday.bundle import Bundle, write_bundle
from matchday.models.evaluation import Evaluation
from matchday.models.skill import FORECASTS
from matchday.registry import ModelVersion, Registry

MODEL, OUTPUT, INPUT = "match-outcome", "probabilities", "features"
GOALS = "goals"
"""In the graph: logarithms of the goals member's probabilities, each row up to a constant."""
SIDE = 512
"""Of the square matrices that a late answer multiplies."""
LATE_SECONDS = 0.12


class Variant(NamedTuple):
    """A version to be made. about: what it is, for people. forecaster: whose walk-forward forecasts are its own.

    proved: whether it brings rows on which a server proves it before it is ready.
    """

    name: str
    about: str
    change: Callable[[bytes], bytes]
    forecaster: str
    proved: bool = True


def goals_alone(graph: bytes) -> bytes:
    """The goals member by itself: what the walk-forward calls `goals model alone`."""
    model = onnx.load_from_string(graph)
    kept: list[onnx.NodeProto] = []
    wanted = {GOALS}
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            kept.insert(0, node)
            wanted |= set(node.input)
    constants = [one for one in model.graph.initializer if one.name in wanted]
    return _with(model, [*kept, helper.make_node("Softmax", [GOALS], [OUTPUT], axis=1)], constants)


def swapped(graph: bytes) -> bytes:
    """Home and away changed places, as by a slip in an export."""
    model = _renamed(graph)
    order = numpy_helper.from_array(np.array([2, 1, 0], np.int64), "away_draw_home")
    turned = helper.make_node("Gather", ["true_probabilities", order.name], [OUTPUT], axis=1)
    return _with(model, [*model.graph.node, turned], [*model.graph.initializer, order])


def late(graph: bytes) -> bytes:
    """The same forecasts, after as many products of matrices as this machine makes in `LATE_SECONDS`."""
    model = _renamed(graph)
    products = max(1, round(LATE_SECONDS / _product_seconds()))
    nodes = [
        helper.make_node("ReduceMax", [INPUT], ["largest"], keepdims=0),
        helper.make_node("Mul", ["square", "largest"], ["product_0"]),
        *(helper.make_node("MatMul", [f"product_{n}", "square"], [f"product_{n + 1}"]) for n in range(products)),
        helper.make_node("ReduceMax", [f"product_{products}"], ["worked"], keepdims=0),
        helper.make_node("Mul", ["worked", "nothing"], ["worth_nothing"]),
        helper.make_node("Add", ["true_probabilities", "worth_nothing"], [OUTPUT]),
    ]
    square, nothing = np.full((SIDE, SIDE), 1 / SIDE, np.float32), np.array(0, np.float32)
    kept = [numpy_helper.from_array(square, "square"), numpy_helper.from_array(nothing, "nothing")]
    return _with(model, [*model.graph.node, *nodes], [*model.graph.initializer, *kept])


def _product_seconds() -> float:
    """Time that ONNX Runtime takes here for one product, alone on one core."""
    shape = [SIDE, SIDE]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["one", "one"], ["other"])],
        "product",
        [helper.make_tensor_value_info("one", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("other", onnx.TensorProto.FLOAT, shape)],
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


SIMPLER = Variant("simpler", "the goals model alone, without trees and regression", goals_alone, "goals model alone")
SWAPPED = Variant("swapped", "home and away swapped in the export", swapped, MODEL)
LATE = Variant("late", "the same forecasts, a tenth of a second later", late, MODEL, proved=False)


def register(registry: Registry, champion: ModelVersion, variant: Variant, bundle: Bundle, scratch: Path) -> str:
    """Register a variant of the champion with its walk-forward forecasts. Returns its version."""
    folder, forecasts = scratch / variant.name, scratch / FORECASTS
    card = f"# {MODEL}, for the demonstration\n\n{variant.about.capitalize()}.\n"
    explainer = bundle.explainer if variant.proved else {}
    write_bundle(folder, variant.change(bundle.onnx), replace(bundle.signature, version=None), explainer, card)
    walks = Evaluation.load(registry.attachment(champion, FORECASTS, scratch)).walks
    own = walks[variant.forecaster].forecasts
    Evaluation({MODEL: Walk(own)}).save(forecasts)
    tags: Mapping[str, str] = {**_kept(champion), "demonstration": variant.about}
    version = registry.log_run("rollout-demonstration", {}, {}, tags, folder, MODEL, {FORECASTS: forecasts})
    return version.version


def _kept(champion: ModelVersion) -> dict[str, str]:
    """What a version says of its training."""
    return {name: champion.tags[name] for name in ("trained_until", "data_fingerprint") if name in champion.tags}


def _renamed(graph: bytes) -> onnx.ModelProto:
    """The graph, whose answer is named otherwise, so that another can take its name."""
    model = onnx.load_from_string(graph)
    for node in model.graph.node:
        for place, name in enumerate(node.output):
            if name == OUTPUT:
                node.output[place] = "true_probabilities"
    return model


def _with(model: onnx.ModelProto, nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto]) -> bytes:
    made = helper.make_graph(nodes, model.graph.name, model.graph.input, model.graph.output, constants)
    whole = helper.make_model(made, opset_imports=model.opset_import, ir_version=model.ir_version)
    onnx.checker.check_model(whole, full_check=True)
    return bytes(whole.SerializeToString(deterministic=True))
