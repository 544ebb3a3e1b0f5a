"""Bounds hold at every look at once, are exact where they say so, and mirror when the versions trade places."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from rollout.judge.sequential import (
    Hits,
    difference_bounds,
    difference_log_evalue,
    mean_width,
    rate_bounds,
    rate_log_evalue,
    student_width,
)

PATHS = 600


@st.composite
def counted(draw):
    n = draw(st.integers(1, 5000))
    return Hits(draw(st.integers(0, n)), n)


@given(one=counted(), other=counted())
def test_versions_that_trade_places_mirror_the_bounds(one, other):
    low, high = difference_bounds(one, other, 0.01, 0.01)
    mirrored = difference_bounds(other, one, 0.01, 0.01)
    assert (low, high) == pytest.approx((-mirrored[1], -mirrored[0]), abs=1e-6)
    assert low <= other.rate - one.rate <= high


@given(stable=counted(), canary=counted(), difference=st.floats(-0.99, 0.99))
def test_evidence_is_the_least_over_every_rate_that_stable_may_have(stable, canary, difference):
    def against(rate):
        return float(rate_log_evalue(*stable, rate) + rate_log_evalue(*canary, rate + difference))

    ends = max(0.0, -difference), min(1.0, 1 - difference)
    least = minimize_scalar(against, bounds=ends, method="bounded", options={"xatol": 1e-10}).fun
    assert float(difference_log_evalue(stable, canary, difference)) <= least + 1e-3 * (1 + abs(least))


@given(hits=counted(), alpha=st.floats(0.0001, 0.2))
def test_at_a_bound_evidence_is_what_alpha_asks_and_just_within_it_is_not(hits, alpha):
    for bound, end, inside in zip(rate_bounds(*hits, alpha, alpha), (0.0, 1.0), (1e-6, -1e-6), strict=True):
        assert bound == end or rate_log_evalue(*hits, bound) >= -np.log(alpha)
        assert rate_log_evalue(*hits, np.clip(bound + inside, 0, 1)) < -np.log(alpha)


def test_functions_work_on_arrays_of_counts_as_on_each():
    hits, n = np.array([0, 3, 50]), np.array([100, 100, 1000])
    whole = difference_bounds(Hits(hits, n), Hits(hits[::-1], n[::-1]), 0.01, 0.05)
    for index in range(3):
        each = difference_bounds(Hits(hits[index], n[index]), Hits(hits[2 - index], n[2 - index]), 0.01, 0.05)
        assert [float(bound[index]) for bound in whole] == pytest.approx([float(bound) for bound in each])


@pytest.mark.parametrize(("rate", "weight"), [(0.005, 0.05), (0.02, 0.5), (0.3, 0.25)])
def test_a_true_difference_is_ever_outside_seldom_enough(rate, weight):
    rng = np.random.default_rng(11)
    asked = np.cumsum(rng.binomial(20, weight, (PATHS, 300)), axis=1)
    others = 20 * np.arange(1, 301) - asked
    stable, canary = (
        np.cumsum(rng.binomial(np.diff(n, axis=1, prepend=0), p), axis=1)
        for n, p in ((others, rate), (asked, rate + 0.01))
    )
    seen = asked > 0
    evidence = difference_log_evalue(Hits(stable[seen], others[seen]), Hits(canary[seen], asked[seen]), 0.01)
    ever = np.zeros(seen.shape, bool)
    ever[seen] = evidence >= -np.log(0.05)
    assert ever.any(axis=1).mean() <= 0.05 + 3 * (0.05 * 0.95 / PATHS) ** 0.5


@pytest.mark.parametrize(("tails", "alpha"), [("normal", 0.025), ("normal", 0.002), ("heavy", 0.025), ("heavy", 0.002)])
def test_a_true_mean_is_ever_below_its_lower_bound_seldom_enough(tails, alpha):
    rng = np.random.default_rng(12)
    paths, rows = 4000, 500
    drawn = rng.normal(size=(paths, rows)) if tails == "normal" else rng.standard_t(5, (paths, rows))
    n = np.arange(1, rows + 1)
    mean = np.cumsum(drawn, axis=1) / n
    sd = np.sqrt(np.maximum((np.cumsum(drawn**2, axis=1) - n * mean**2) / np.maximum(n - 1, 1), 1e-12))
    ever = (mean > mean_width(sd, n, alpha, 100))[:, 29:].any(axis=1)
    assert ever.mean() <= alpha + 3 * (alpha * (1 - alpha) / paths) ** 0.5


def test_one_look_is_students_interval():
    assert float(student_width(2.0, 16, 0.025)) == pytest.approx(2.0 / 4 * 2.13145, rel=1e-5)


def test_looking_often_costs_less_than_twice_the_width_of_one_look():
    assert 1 < mean_width(1.0, 100, 0.025, 100) / student_width(1.0, 100, 0.025) < 2
