"""Variants of the champion's ONNX graph, for the demonstration: a simpler one, and two with faults."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from console.demo.gameweek import MODEL
from matchday.backtest import Walk
from matchday.bundle import Bundle, write_bundle
from matchday.models.catalogue import model_kind
from matchday.models.evaluation import Evaluation
from matchday.models.skill import FORECASTS
from matchday.registry import ModelVersion, Registry

OUTPUT, INPUT = "probabilities", "features"
GOALS = "goals"
"""In the graph: logarithms of the goals member's probabilities, each row up to a constant."""
RESTED = 13.0
"""Days; the feature goes to 14."""


class Variant(NamedTuple):
    """How to make a version from the champion. about: what it is, for people. change: makes its graph.

    forecaster: whose walk-forward forecasts are registered with it. proved: whether its bundle has rows on which a
    server checks it before it is ready.
    """

    name: str
    about: str
    change: Callable[[bytes], bytes]
    forecaster: str
    proved: bool = True


def keep_goals_member(graph: bytes) -> bytes:
    """Keep the goals member alone, which the walk-forward calls `goals model alone`."""
    model = onnx.load_from_string(graph)
    kept: list[onnx.NodeProto] = []
    wanted = {GOALS}
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            kept.insert(0, node)
            wanted |= set(node.input)
    constants = [one for one in model.graph.initializer if one.name in wanted]
    return _rebuild(model, [*kept, helper.make_node("Softmax", [GOALS], [OUTPUT], axis=1)], constants)


def swap_home_and_away(graph: bytes) -> bytes:
    """Swap the probabilities of home and away, as a mistake in an export would."""
    model = _rename_output(graph)
    order = numpy_helper.from_array(np.array([2, 1, 0], np.int64), "away_draw_home")
    swapped = helper.make_node("Gather", ["true_probabilities", order.name], [OUTPUT], axis=1)
    return _rebuild(model, [*model.graph.node, swapped], [*model.graph.initializer, order])


def fail_after_short_rest(graph: bytes) -> bytes:
    """Fail for a home team that has played lately: an index beyond its table, as a mistake in an export would.

    The shadow asks for matches that begin tomorrow, when every team has long rested, unless the season is under way. So
    only real requests show this fault.
    """
    model = _rename_output(graph)
    constants: dict[str, NDArray[Any]] = {
        "none": np.array(0, np.float32),
        "rest_column": np.array([model_kind(MODEL).feature_names.index("home_rest_days")], np.int64),
        "rested": np.array(RESTED, np.float32),
        "beyond": np.array(7, np.int64),
        "table": np.ones(1, np.float32),
    }
    nodes = [
        helper.make_node("Gather", [INPUT, "rest_column"], ["rest_days"], axis=1),
        helper.make_node("Sub", ["rested", "rest_days"], ["to_come"]),
        helper.make_node("Mul", ["to_come", "rest_days"], ["some_and_not_all"]),
        helper.make_node("Greater", ["some_and_not_all", "none"], ["lately"]),
        helper.make_node("Cast", ["lately"], ["lately_or_not"], to=onnx.TensorProto.INT64),
        helper.make_node("ReduceMax", ["lately_or_not"], ["any_lately"], keepdims=0),
        helper.make_node("Mul", ["any_lately", "beyond"], ["place"]),
        helper.make_node("Gather", ["table", "place"], ["worth"]),
        helper.make_node("Mul", ["true_probabilities", "worth"], [OUTPUT]),
    ]
    kept = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    return _rebuild(model, [*model.graph.node, *nodes], [*model.graph.initializer, *kept])


SIMPLER = Variant(
    "simpler", "the goals model alone, without trees and regression", keep_goals_member, "goals model alone"
)
SWAPPED = Variant("swapped", "home and away swapped in the export", swap_home_and_away, MODEL)
ERRING = Variant("erring", "no answer for a team that has played lately", fail_after_short_rest, MODEL, proved=False)


def register(registry: Registry, champion: ModelVersion, variant: Variant, bundle: Bundle, scratch: Path) -> str:
    """Register a variant of the champion with its walk-forward forecasts. Returns its version."""
    folder, forecasts = scratch / variant.name, scratch / FORECASTS
    card = f"# {MODEL}, for the demonstration\n\n{variant.about.capitalize()}.\n"
    explainer = bundle.explainer if variant.proved else {}
    write_bundle(folder, variant.change(bundle.onnx), replace(bundle.signature, version=None), explainer, card)
    kind = model_kind(MODEL)
    walks = Evaluation.load(kind, registry.attachment(champion, FORECASTS, scratch)).walks
    own = walks[variant.forecaster].forecasts
    Evaluation(kind, {MODEL: Walk(own, kind.output.columns)}).save(forecasts)
    tags: Mapping[str, str] = {**_training_tags(champion), "demonstration": variant.about}
    version = registry.log_run("rollout-demonstration", {}, {}, tags, folder, MODEL, {FORECASTS: forecasts})
    return version.version


def _training_tags(champion: ModelVersion) -> dict[str, str]:
    """The tags of a version that describe its training."""
    return {
        name: champion.tags[name]
        for name in ("trained_until", "data_fingerprint", "feature_values")
        if name in champion.tags
    }


def _rename_output(graph: bytes) -> onnx.ModelProto:
    """Give the output of the graph another name, so that a new node can take the old one."""
    model = onnx.load_from_string(graph)
    for node in model.graph.node:
        for position, name in enumerate(node.output):
            if name == OUTPUT:
                node.output[position] = "true_probabilities"
    return model


def _rebuild(model: onnx.ModelProto, nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto]) -> bytes:
    made = helper.make_graph(nodes, model.graph.name, model.graph.input, model.graph.output, constants)
    whole = helper.make_model(made, opset_imports=model.opset_import, ir_version=model.ir_version)
    onnx.checker.check_model(whole, full_check=True)
    return bytes(whole.SerializeToString(deterministic=True))
