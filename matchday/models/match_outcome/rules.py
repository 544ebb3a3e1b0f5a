"""Boosted trees as a sum of rules, which needs matrix products alone.

Every split of a tree becomes one rule: where its condition holds, and those on the way to it, the tree gives what its
left branch is worth beyond its right one. After Nakandala and others (2020), "A Tensor Compiler for Unified Machine
Learning Prediction Serving", who make a column of every leaf; equal rules of several trees are one column here.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xgboost import XGBClassifier

FloatArray = NDArray[np.float64]

CLASSES = 3
LEAST_GAP = float(np.finfo(np.float32).smallest_normal)


@dataclass(frozen=True)
class SplitCondition:
    """An input is below a bound, or where `below` is false, it is not. bound: exactly a float32."""

    column: int
    bound: float
    below: bool


Rule = tuple[SplitCondition, ...]


@dataclass(frozen=True)
class Rules:
    """Margins before softmax: `base` (3,) plus the `worth` (r, 3) of every rule whose conditions all hold."""

    rules: tuple[Rule, ...]
    worth: FloatArray
    base: FloatArray

    def layers(self, width: int) -> Iterator[FloatArray]:
        """`ramps` (width + 1, r) of each rule's first condition, of its second, and so on; shorter rules repeat one."""
        for conditions in zip_longest(*self.rules):
            yield ramps([condition or rule[0] for condition, rule in zip(conditions, self.rules, strict=True)], width)


def rules_of(trees: XGBClassifier) -> Rules:
    """The rules of fitted trees. Their margins leave the base score out: it is the same for every class."""
    forest = json.loads(trees.get_booster().save_raw("json"))["learner"]["gradient_booster"]["model"]
    worth: dict[Rule, FloatArray] = {}
    base = np.zeros(CLASSES)
    for tree, label in zip(forest["trees"], forest["tree_info"], strict=True):
        base[label] += _rightmost(tree, 0)
        for rule, gain in _splits(tree, 0, ()):
            worth.setdefault(rule, np.zeros(CLASSES))[label] += gain
    return Rules(tuple(worth), np.array(list(worth.values())).reshape(-1, CLASSES), base)


def ramps(conditions: Sequence[SplitCondition], width: int) -> FloatArray:
    """Matrix (width + 1, c) from inputs (n, width) and a one to ramps (n, c): at least 1 where true, at most 0 if not.

    A ramp rises between two neighbouring float32: the bound and the number before it. Its slope is a power of two and
    its foot a whole number up to 2^24, so that float32 tells on which side an input is, down to differences of the
    smallest normal number.
    """
    matrix = np.zeros((width + 1, len(conditions)))
    for at, condition in enumerate(conditions):
        before = np.nextafter(np.float32(condition.bound), np.float32(-np.inf))
        gap = max(condition.bound - float(before), LEAST_GAP)
        reached = np.array([1 / gap, 1 - condition.bound / gap])
        matrix[[condition.column, width], at] = [0, 1] - reached if condition.below else reached
    return matrix


def _splits(tree: dict[str, Any], node: int, path: Rule) -> Iterator[tuple[Rule, float]]:
    left, right = tree["left_children"][node], tree["right_children"][node]
    if left < 0:
        return
    column, bound = tree["split_indices"][node], float(np.float32(tree["split_conditions"][node]))
    to_left, to_right = ((*path, SplitCondition(column, bound, below)) for below in (True, False))
    yield to_left, _rightmost(tree, left) - _rightmost(tree, right)
    yield from _splits(tree, left, to_left)
    yield from _splits(tree, right, to_right)


def _rightmost(tree: dict[str, Any], node: int) -> float:
    """What the last leaf below a node is worth: what counts where no rule below it holds."""
    right = tree["right_children"][node]
    return float(tree["split_conditions"][node]) if right < 0 else _rightmost(tree, right)
