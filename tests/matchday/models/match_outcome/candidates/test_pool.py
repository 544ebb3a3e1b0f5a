"""The pool of forecasts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from matchday.models.match_outcome.candidates.pool import SHRINKAGE, Pool, fit_pool

EQUAL = np.array([0.5, 0.5])


def forecasts(random: np.random.Generator, matches: int, spread: float = 0.7) -> np.ndarray:
    powers = np.exp(random.normal(0, spread, (matches, 3)))
    return powers / powers.sum(axis=1, keepdims=True)


def results(random: np.random.Generator, truth: np.ndarray) -> np.ndarray:
    return np.array([random.choice(3, p=row) for row in truth])


def objective(theta: np.ndarray, members: list[np.ndarray], result: np.ndarray) -> float:
    """What is to be made small, written once more."""
    said = Pool(theta[: len(members)], theta[len(members) :]).combine(members)
    start = np.concatenate([np.full(len(members), 1 / len(members)), np.zeros(3)])
    return SHRINKAGE / 2 * np.square(theta - start).sum() - np.log(said[np.arange(len(result)), result]).sum()


@settings(max_examples=25)
@given(seed=some.integers(0, 10**6), matches=some.integers(1, 300), count=some.integers(1, 3))
def test_the_fit_is_where_the_gradient_is_zero_or_a_weight_is(seed: int, matches: int, count: int) -> None:
    random = np.random.default_rng(seed)
    members = [forecasts(random, matches) for _ in range(count)]
    result = results(random, members[0])
    pool = fit_pool(members, result)
    theta = np.concatenate([pool.weights, pool.shift])
    assert (pool.weights >= 0).all()
    for i, step in enumerate(np.eye(len(theta)) * 1e-5):
        slope = (objective(theta + step, members, result) - objective(theta - step, members, result)) / 2e-5
        held = i < count and theta[i] < 1e-4
        assert slope > -0.05 if held else abs(slope) < 0.05, (i, theta)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hardly a pull to equal weights."""
    monkeypatch.setattr("matchday.models.match_outcome.candidates.pool.SHRINKAGE", 1.0)


@pytest.mark.usefixtures("free")
def test_the_member_that_is_right_gets_the_weight_and_noise_gets_none() -> None:
    random = np.random.default_rng(1)
    right, noise = forecasts(random, 8000), forecasts(random, 8000)
    pool = fit_pool([right, noise], results(random, right))
    assert pool.weights == pytest.approx([1, 0], abs=0.06)
    assert pool.shift == pytest.approx([0, 0, 0], abs=0.06)


@pytest.mark.usefixtures("free")
def test_a_member_that_is_too_sure_of_itself_is_flattened() -> None:
    random = np.random.default_rng(2)
    truth = forecasts(random, 8000)
    bold = truth**2 / (truth**2).sum(axis=1, keepdims=True)
    assert fit_pool([bold], results(random, truth)).weights == pytest.approx([0.5], abs=0.05)


def test_with_no_past_the_members_weigh_the_same() -> None:
    pool = fit_pool([np.empty((0, 3))] * 2, np.empty(0, int))
    assert (pool.weights.tolist(), pool.shift.tolist()) == ([0.5, 0.5], [0, 0, 0])


def test_little_past_stays_near_it() -> None:
    random = np.random.default_rng(3)
    members = [forecasts(random, 3), forecasts(random, 3)]
    assert fit_pool(members, np.array([0, 0, 2])).weights == pytest.approx(EQUAL, abs=0.2)


@given(seed=some.integers(0, 10**6), weights=some.tuples(some.floats(0, 2), some.floats(0, 2)))
def test_pooled_forecasts_are_probabilities_and_agreement_at_weight_one_changes_nothing(seed: int, weights) -> None:
    member = forecasts(np.random.default_rng(seed), 20)
    pooled = Pool(np.array(weights), np.zeros(3)).combine([member, member[::-1]])
    assert pooled.sum(axis=1) == pytest.approx(np.ones(20))
    assert (pooled > 0).all()
    assert Pool(EQUAL, np.zeros(3)).combine([member, member]) == pytest.approx(member)
