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
WEIGHTS, SHARPNESS, DRAW = "features_to_log_scores", "sharpness", "draw"
"""Constants of the graph (`matchday.models.match_outcome.export`) that hold what is learnt."""


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


def keep_goals_model(graph: bytes) -> bytes:
    """Take out what is learnt: calibration and what being settled does. The walk-forward's `goals model alone`."""
    model = onnx.load_from_string(graph)
    names = model_kind(MODEL).feature_names
    for constant in model.graph.initializer:
        value = numpy_helper.to_array(constant).copy()
        if constant.name == SHARPNESS:
            value = np.eye(len(value), dtype=np.float32)
        elif constant.name == DRAW:
            value[:] = 0
        elif constant.name == WEIGHTS:
            value[[names.index(f"{side}_settled") for side in ("home", "away")]] = 0
        constant.CopyFrom(numpy_helper.from_array(value, constant.name))
    return _rebuild(model, list(model.graph.node), list(model.graph.initializer))


def swap_home_and_away(graph: bytes) -> bytes:
    """Swap the probabilities of home and away, as a mistake in an export would."""
    model = _rename_output(graph)
    order = numpy_helper.from_array(np.array([2, 1, 0], np.int64), "away_draw_home")
    swapped = helper.make_node("Gather", ["true_probabilities", order.name], [OUTPUT], axis=1)
    return _rebuild(model, [*model.graph.node, swapped], [*model.graph.initializer, order])


def fail_on_one_match(graph: bytes) -> bytes:
    """Fail where one match alone is asked for: an index beyond its table, as a mistake in an export would.

    The shadow asks for many matches at once, and a server that starts for rows of zeros. So only real requests show
    this fault.
    """
    model = _rename_output(graph)
    constants: dict[str, NDArray[Any]] = {
        "one": np.array([1], np.int64),
        "nothing": np.array(0, np.float32),
        "beyond": np.array(7, np.int64),
        "table": np.ones(1, np.float32),
    }
    nodes = [
        helper.make_node("Shape", [INPUT], ["matches"], start=0, end=1),
        helper.make_node("Equal", ["matches", "one"], ["is_alone"]),
        helper.make_node("Abs", [INPUT], ["sizes"]),
        helper.make_node("ReduceMax", ["sizes"], ["largest"], keepdims=0),
        helper.make_node("Greater", ["largest", "nothing"], ["is_real"]),
        helper.make_node("And", ["is_alone", "is_real"], ["is_one_match"]),
        helper.make_node("Cast", ["is_one_match"], ["one_or_none"], to=onnx.TensorProto.INT64),
        helper.make_node("Mul", ["one_or_none", "beyond"], ["place"]),
        helper.make_node("Gather", ["table", "place"], ["worth"]),
        helper.make_node("Mul", ["true_probabilities", "worth"], [OUTPUT]),
    ]
    kept = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    return _rebuild(model, [*model.graph.node, *nodes], [*model.graph.initializer, *kept])


SIMPLER = Variant(
    "simpler", "the goals model alone: not calibrated, blind to who is settled", keep_goals_model, "goals model alone"
)
SWAPPED = Variant("swapped", "home and away swapped in the export", swap_home_and_away, MODEL)
ERRING = Variant("erring", "no answer where one match alone is asked for", fail_on_one_match, MODEL, proved=False)


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
        for names in (node.input, node.output):
            for position, name in enumerate(names):
                if name == OUTPUT:
                    names[position] = "true_probabilities"
    return model


def _rebuild(model: onnx.ModelProto, nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto]) -> bytes:
    made = helper.make_graph(nodes, model.graph.name, model.graph.input, model.graph.output, constants)
    whole = helper.make_model(made, opset_imports=model.opset_import, ir_version=model.ir_version)
    onnx.checker.check_model(whole, full_check=True)
    return bytes(whole.SerializeToString(deterministic=True))
