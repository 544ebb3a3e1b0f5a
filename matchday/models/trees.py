"""Boosted trees of XGBoost in an ONNX graph, as one TreeEnsembleRegressor.

XGBoost sends a row left when its feature is less than the threshold, and by the node's default where it is NaN; ONNX
has the same comparison (BRANCH_LT) and the same default, in float32 both.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from matchday.models.graph import GraphWriter

Float32Array = NDArray[np.float32]

TREES = "ai.onnx.ml"
"""ONNX domain of the operator."""
NO_CHILD = -1
MARGINS: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {
        "reg:squarederror": lambda mean: mean,
        "binary:logistic": lambda chance: math.log(chance / (1 - chance)),
        "count:poisson": math.log,
    }
)
"""From a forecast to its margin, by the objectives that can be written."""


@dataclass
class _Nodes:
    """Nodes and leaves of all trees in the operator's own lists."""

    trees: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    features: list[int] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    lefts: list[int] = field(default_factory=list)
    rights: list[int] = field(default_factory=list)
    missing_lefts: list[int] = field(default_factory=list)
    leaf_trees: list[int] = field(default_factory=list)
    leaf_ids: list[int] = field(default_factory=list)
    leaf_values: list[float] = field(default_factory=list)

    def add(self, number: int, tree: dict[str, Any]) -> None:
        """Take in one tree of XGBoost's JSON."""
        lefts, rights = tree["left_children"], tree["right_children"]
        for at, left in enumerate(lefts):
            leaf = left == NO_CHILD
            self.trees.append(number)
            self.ids.append(at)
            self.features.append(0 if leaf else tree["split_indices"][at])
            self.modes.append("LEAF" if leaf else "BRANCH_LT")
            self.values.append(0.0 if leaf else tree["split_conditions"][at])
            self.lefts.append(0 if leaf else left)
            self.rights.append(0 if leaf else rights[at])
            self.missing_lefts.append(0 if leaf else int(tree["default_left"][at]))
            if leaf:
                self.leaf_trees.append(number)
                self.leaf_ids.append(at)
                self.leaf_values.append(tree["split_conditions"][at])


def write_trees(writer: GraphWriter, booster: xgboost.Booster, features: str, output: str) -> str:
    """Add the booster's margin, (n, 1), of `features` (n, k) to a graph; returns the name of its output.

    The margin is the mean for squared error, the log odds for logistic loss, the log rate for Poisson. Raises
    ValueError for other objectives, and for boosters of several classes or of categories.
    """
    learner = json.loads(booster.save_raw("json"))["learner"]
    if (objective := learner["objective"]["name"]) not in MARGINS:
        raise ValueError(f"the objective {objective} cannot be written, only {', '.join(MARGINS)}")
    model = learner["gradient_booster"]["model"]
    if set(model["tree_info"]) - {0} or any(any(tree["split_type"]) for tree in model["trees"]):
        raise ValueError("only boosters of one number, with splits by a threshold, can be written")
    nodes = _Nodes()
    for number, tree in enumerate(model["trees"]):
        nodes.add(number, tree)
    return writer.node(
        "TreeEnsembleRegressor",
        [features],
        output,
        domain=TREES,
        n_targets=1,
        base_values=[_base_margin(learner)],
        nodes_treeids=nodes.trees,
        nodes_nodeids=nodes.ids,
        nodes_featureids=nodes.features,
        nodes_modes=nodes.modes,
        nodes_values=nodes.values,
        nodes_truenodeids=nodes.lefts,
        nodes_falsenodeids=nodes.rights,
        nodes_missing_value_tracks_true=nodes.missing_lefts,
        target_treeids=nodes.leaf_trees,
        target_nodeids=nodes.leaf_ids,
        target_ids=[0] * len(nodes.leaf_ids),
        target_weights=nodes.leaf_values,
    )


def _base_margin(learner: dict[str, Any]) -> float:
    """What every row starts from, before the trees; XGBoost keeps it on the scale of the forecast."""
    base = float(np.ravel(json.loads(learner["learner_model_param"]["base_score"]))[0])
    return float(MARGINS[learner["objective"]["name"]](base))
