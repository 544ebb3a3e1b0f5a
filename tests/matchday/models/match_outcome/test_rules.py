"""Rules say what the trees say: on which side of a bound an input is, exactly, and what that is worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from xgboost import XGBClassifier

from matchday.models.match_outcome.rules import CLASSES, SplitCondition, ramps, rules_of

SMALLEST = float(np.finfo(np.float32).smallest_normal)
SIZES = some.floats(2.0**-100, 2.0**100, width=32)
NUMBERS = some.just(0.0) | SIZES | SIZES.map(lambda size: -size)


def fitted(depth: int, trees: int = 12, **more: float) -> tuple[XGBClassifier, np.ndarray]:
    random = np.random.default_rng(depth)
    inputs = random.integers(-3, 4, (400, 4)).astype(np.float32)
    won = inputs[:, 0] * inputs[:, 1] + inputs[:, 2] > random.normal(0, 2, 400)
    result = won.astype(int) + (inputs[:, 3] > 1)
    trees = XGBClassifier(n_estimators=trees, max_depth=depth, n_jobs=1, tree_method="hist", base_score=0.5, **more)
    return trees.fit(inputs, result), inputs


def ramp(condition: SplitCondition, value: float) -> np.float32:
    seen = np.array([[value, 7.0, 1.0]], np.float32)
    with np.errstate(over="ignore"):
        return (seen @ ramps([condition], 2).astype(np.float32))[0, 0]


@given(bound=NUMBERS, value=NUMBERS, below=some.booleans())
def test_a_ramp_tells_the_side_of_any_bound(bound, value, below) -> None:
    risen = ramp(SplitCondition(0, bound, below), value)
    assert (risen >= 1) if (value < bound) == below else (risen <= 0)


@given(bound=NUMBERS, below=some.booleans())
def test_a_ramp_rises_between_the_bound_and_the_number_before_it(bound, below) -> None:
    before = np.nextafter(np.float32(bound), np.float32(-np.inf)) if bound else -SMALLEST
    assert (ramp(SplitCondition(0, bound, below), before) >= 1) == below
    assert (ramp(SplitCondition(0, bound, below), bound) >= 1) != below


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_rules_are_worth_what_the_trees_are(depth) -> None:
    trees, inputs = fitted(depth)
    rules = rules_of(trees)
    seen = np.column_stack([inputs, np.ones(len(inputs))]).astype(np.float32)
    layers = [seen @ layer.astype(np.float32) for layer in rules.layers(4)]
    assert len(layers) == depth
    margins = rules.base + np.clip(np.min(layers, axis=0), 0, 1) @ rules.worth
    wanted = trees.predict(inputs, output_margin=True)
    assert margins - margins[:, :1] == pytest.approx(wanted - wanted[:, :1], abs=1e-5)


def test_equal_rules_of_several_trees_are_one() -> None:
    trees, _ = fitted(1, trees=200)
    rules = rules_of(trees)
    assert len(set(rules.rules)) == len(rules.rules) < 30
    assert rules.worth.shape == (len(rules.rules), CLASSES)


def test_trees_without_a_split_are_their_base() -> None:
    trees, inputs = fitted(2, min_child_weight=1e9)
    rules = rules_of(trees)
    assert (rules.rules, rules.worth.shape, list(rules.layers(4))) == ((), (0, CLASSES), [])
    wanted = trees.predict(inputs[:1], output_margin=True)[0]
    assert rules.base - rules.base[0] == pytest.approx(wanted - wanted[0], abs=1e-6)
