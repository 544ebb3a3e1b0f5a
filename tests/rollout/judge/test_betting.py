"""Betting bounds of bounded means: exact from the first value, also for skewed ones, and their laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.judge.betting import BLOCK, SINGLE, Bets, Span, block_averages, lower_bound, upper_bound
from rollout.judge.sequential import mean_width

UNIT, SIGNED = Span(0.0, 1.0), Span(-1.0, 1.0)
VALUES = st.lists(st.floats(-1, 1), max_size=60).map(np.array)


def bets_on(values: np.ndarray, span: Span) -> Bets:
    """Bets on the mean of values, from their block averages."""
    return Bets(block_averages(values, span), span)


def skewed(rng, shape):
    """Mean 0: mostly -0.02, now and then +0.98."""
    return np.where(rng.random(shape) < 0.02, 0.98, -0.02)


DRAWN = {
    "skewed": skewed,
    "skewed the other way": lambda rng, shape: -skewed(rng, shape),
    "two values": lambda rng, shape: rng.choice([-1.0, 1.0], shape),
    "narrow": lambda rng, shape: np.clip(rng.normal(0, 0.02, shape), -1, 1),
}


@pytest.mark.parametrize("alpha", [0.05, 0.005])
@pytest.mark.parametrize("name", DRAWN)
def test_a_true_mean_is_ever_below_its_lower_bound_seldom_enough_from_the_first_value_on(name, alpha):
    drawn = DRAWN[name](np.random.default_rng(21), (600, 120))
    ever = np.zeros(len(drawn), bool)
    for path, values in enumerate(drawn):
        ever[path] = any(bets_on(values[:n], SIGNED).log_capital(np.zeros(1))[0] >= -np.log(alpha) for n in LOOKS)
    assert ever.mean() <= alpha + 3 * (alpha * (1 - alpha) / len(drawn)) ** 0.5


LOOKS = (1, 2, 3, 5, 8, 12, 20, 30, 45, 60, 80, 100, 120)


def test_where_the_asymptotic_interval_errs_many_times_too_often_bets_do_not():
    alpha, n = 0.005, 30
    drawn = -skewed(np.random.default_rng(22), (4000, n))
    asymptotic = drawn.mean(axis=1) > mean_width(np.maximum(drawn.std(axis=1, ddof=1), 1e-12), n, alpha, 100)
    bets = np.array([bets_on(each, SIGNED).log_capital(np.zeros(1))[0] >= -np.log(alpha) for each in drawn])
    assert asymptotic.mean() > 10 * alpha
    assert bets.mean() <= alpha


@given(values=VALUES, at=st.floats(-1, 1), alpha=st.floats(0.001, 0.2))
def test_a_bound_is_beyond_the_asked_value_just_when_the_bets_are_won(values, at, alpha):
    low, high = lower_bound(values, SIGNED, alpha, at), upper_bound(values, SIGNED, alpha, at)
    assert -1 <= low <= high <= 1
    if len(values):
        assert low - 1e-9 <= values.mean() <= high + 1e-9
    won = bets_on(values, SIGNED).log_capital(np.array([at]))[0] >= -np.log(alpha)
    lost = bets_on(-values, SIGNED).log_capital(np.array([-at]))[0] >= -np.log(alpha)
    assert (low > at) == won
    assert (high <= at) == lost or at == 1


@given(values=VALUES, alpha=st.floats(0.001, 0.2))
def test_values_with_the_other_sign_mirror_the_bounds(values, alpha):
    low, high = lower_bound(values, SIGNED, alpha, 0.0), upper_bound(values, SIGNED, alpha, 0.0)
    assert (-upper_bound(-values, SIGNED, alpha, 0.0), -lower_bound(-values, SIGNED, alpha, 0.0)) == (low, high)


@given(values=VALUES, place=st.integers(0, 59), more=st.floats(0, 1))
def test_the_last_value_raised_never_lowers_the_capital(values, place, more):
    if len(values):
        higher = values.copy()
        higher[-1] = min(1.0, higher[-1] + more)
        before, now = (bets_on(each, SIGNED).log_capital(np.array([0.1]))[0] for each in (values, higher))
        assert now >= before - 1e-12


def test_no_value_says_nothing():
    none = np.array([])
    assert (lower_bound(none, UNIT, 0.05, 0.1), upper_bound(none, UNIT, 0.05, 0.1)) == (0.0, 1.0)


@settings(max_examples=10)
@given(rows=st.integers(SINGLE, SINGLE + 5 * BLOCK))
def test_many_values_count_in_full_blocks(rows):
    values = np.random.default_rng(23).beta(2, 5, rows)
    full = SINGLE + (rows - SINGLE) // BLOCK * BLOCK
    means = np.array([0.2, 0.28])
    assert (bets_on(values, UNIT).log_capital(means) == bets_on(values[:full], UNIT).log_capital(means)).all()
    assert lower_bound(values, UNIT, 0.05, 0.2) <= 2 / 7 <= upper_bound(values, UNIT, 0.05, 0.2)


def test_means_far_within_a_limit_pass_from_few_values():
    near = np.random.default_rng(24).beta(2, 98, 80)
    assert upper_bound(near, UNIT, 0.05, 0.1) <= 0.1
    assert lower_bound(np.full(20, 0.4), UNIT, 0.001, 0.1) > 0.1
