"""Boosted trees whose sums are the same numbers wherever they are added up.

A leaf is a multiple of 2 ** -17, so that a float32 holds every sum of leaves exactly, in any order: XGBoost and ONNX
Runtime, alone or in a batch, on one thread or on many, get the same margin to the last bit.
"""

import json
from dataclasses import dataclass

import numpy as np
import xgboost
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]

LEAF_UNIT = 2.0**-17
LARGEST_MARGIN = 64.0
"""Below it a multiple of `LEAF_UNIT` has no more than the 24 bits of a float32."""
SHARED = {
    "tree_method": "hist",
    "max_bin": 64,
    "subsample": 0.7,
    "colsample_bytree": 0.5,
    "reg_lambda": 5.0,
    "seed": 1,
    "nthread": 1,
}
"""Of all boosters. One thread: with more, the sums of a split depend on the machine."""


@dataclass(frozen=True)
class TreeSettings:
    """Size of a booster. rounds: trees; eta: weight of each; depth; least_weight: a leaf needs, in rows for means."""

    rounds: int
    eta: float
    depth: int
    least_weight: float


def boost_chance(settings: TreeSettings, inputs: Float32Array, happened: NDArray[np.bool_]) -> xgboost.Booster:
    """Fit the log odds of what happened, (n,), on inputs (n, k)."""
    return _boost(settings, "binary:logistic", 0.5, inputs, happened.astype(float))


def boost_mean(settings: TreeSettings, inputs: Float32Array, wanted: FloatArray) -> xgboost.Booster:
    """Fit the mean of numbers (n,) on inputs (n, k)."""
    return _boost(settings, "reg:squarederror", round(float(wanted.mean()) * 64) / 64, inputs, wanted)


def margins(booster: xgboost.Booster, inputs: Float32Array) -> FloatArray:
    """Log odds or means (n,), exact sums of leaves."""
    return np.asarray(booster.predict(xgboost.DMatrix(inputs, nthread=1), output_margin=True), np.float64)


def round_leaves(booster: xgboost.Booster) -> xgboost.Booster:
    """The booster with leaves that are multiples of `LEAF_UNIT`. Raises ValueError where a sum could be too large."""
    model = json.loads(booster.save_raw("json"))
    largest = 0.0
    for tree in model["learner"]["gradient_booster"]["model"]["trees"]:
        leaves = [node for node, left in enumerate(tree["left_children"]) if left < 0]
        rounded = [round(tree["split_conditions"][leaf] / LEAF_UNIT) * LEAF_UNIT for leaf in leaves]
        largest += max(map(abs, rounded))
        for leaf, value in zip(leaves, rounded, strict=True):
            tree["split_conditions"][leaf] = value
    if largest >= LARGEST_MARGIN:
        raise ValueError(f"sums of leaves could reach {largest:.0f}, and are exact below {LARGEST_MARGIN:.0f}")
    found = xgboost.Booster({"nthread": 1})
    found.load_model(bytearray(json.dumps(model).encode()))
    return found


def _boost(
    settings: TreeSettings, objective: str, base: float, inputs: Float32Array, wanted: FloatArray
) -> xgboost.Booster:
    parameters = {
        **SHARED,
        "objective": objective,
        "base_score": base,
        "eta": settings.eta,
        "max_depth": settings.depth,
        "min_child_weight": settings.least_weight,
    }
    rows = xgboost.QuantileDMatrix(inputs, wanted, max_bin=SHARED["max_bin"], nthread=1)
    return round_leaves(xgboost.train(parameters, rows, settings.rounds))
