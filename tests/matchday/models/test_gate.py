"""The gate before the registry."""

import numpy as np
import pandas as pd
import pytest

from matchday.backtest import Walk
from matchday.models.evaluation import Evaluation, evaluate
from matchday.models.gate import judge
from matchday.models.match_outcome.kind import GATE, MATCH_OUTCOME
from matchday.models.match_outcome.recipe import RECIPE

TRUTH = np.array([0.45, 0.25, 0.30])


def walk(edge: float, matches: int = 3000, seed: int = 0) -> Walk:
    """Forecasts that move so far from the base rate towards a truth that varies, scored on results drawn from it."""
    random = np.random.default_rng(seed)
    tilt = random.normal(0, 0.35, matches)
    truth = TRUTH * np.exp(np.outer(tilt, [1, 0, -1]))
    truth /= truth.sum(axis=1, keepdims=True)
    result = (random.random(matches)[:, None] > truth.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    return forecasts(TRUTH + edge * (truth - TRUTH), result)


def forecasts(said: np.ndarray, result: np.ndarray) -> Walk:
    names = [f"2526-{i}" for i in range(len(result))]
    rows = pd.DataFrame(said, columns=["H", "D", "A"])
    return Walk(rows.assign(match_id=names, season="2526", result=result), ("H", "D", "A"))


def evaluation(model: Walk, base: Walk | None = None, elo: Walk | None = None) -> Evaluation:
    walks = {MATCH_OUTCOME.name: model, "base rate": base or walk(0.0), "Elo, ordered logit": elo or walk(0.5)}
    return Evaluation(MATCH_OUTCOME, walks)


def oracle() -> Walk:
    result = np.arange(3000) % 3
    return forecasts(0.01 + 0.97 * np.eye(3)[result], result)


@pytest.mark.parametrize(
    ("case", "reasons"),
    [
        (evaluation(walk(1.0)), []),
        (evaluation(walk(1.0), elo=walk(1.0)), ["does not beat Elo"]),
        (evaluation(walk(0.0)), ["does not beat base rate", "does not beat Elo"]),
        (evaluation(walk(-1.0)), ["does not beat base rate", "does not beat Elo", "calibration error"]),
        (
            evaluation(walk(1.0, 150), walk(0, 150), walk(0.5, 150)),
            [f"only 150 matches were forecast, {GATE.least_matches} "],
        ),
        (evaluation(oracle()), ["too good to be true"]),
    ],
    ids=["good", "no better than Elo", "no better than nothing", "wrong way round", "too few matches", "a leak"],
)
def test_verdicts(case: Evaluation, reasons: list[str]) -> None:
    verdict = judge(case)
    assert verdict.passed == (not reasons)
    assert all(any(reason in said for said in verdict.reasons) for reason in reasons), verdict.reasons
    if "150" not in str(reasons):
        assert len(verdict.reasons) == len(reasons), verdict.reasons


def test_nothing_can_be_walked_without_seasons_to_learn_from() -> None:
    rows = pd.DataFrame({"season": ["1415", "1516", "1617"]})
    with pytest.raises(ValueError, match="needs 2 seasons to learn from since 1516"):
        evaluate(RECIPE, rows)
