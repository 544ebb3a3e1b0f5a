"""One-sided tests of a difference of rates: their guarantee, exactly and by simulation, and their laws."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from rollout.judge.rate_test import exceeds, one_sided_bounds, stays_within
from rollout.judge.sequential import Hits, difference_log_evalue

LIMITS = [0.005, 0.05, 0.3]
TESTS = {"exceeds": exceeds, "stays within": stays_within}


@st.composite
def counted(draw, most=5000):
    n = draw(st.integers(1, most))
    return Hits(draw(st.integers(0, n)), n)


def null_rates(name, limit):
    """Rates of stable and canary on the border of the null hypothesis and inside it."""
    stable = np.array([0.0, 0.001, 0.01, 0.2, 0.6, 0.9, 1.0])
    stable = stable[stable <= 1 - limit] if name == "stays within" else stable
    beyond = np.array([0.0, 0.02, 0.4]) if name == "stays within" else -np.array([0.0, 0.004, 0.25])
    return [(a, float(np.clip(a + limit + more, 0, 1))) for a in stable for more in beyond]


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize("sizes", [(1, 1), (9, 2), (30, 12)])
def test_over_all_outcomes_the_mean_e_value_is_at_most_one(name, limit, sizes):
    hits = np.array(list(product(*(range(size + 1) for size in sizes)))).T
    evalue = np.exp(TESTS[name](Hits(hits[0], sizes[0]), Hits(hits[1], sizes[1]), limit))
    for stable, canary in null_rates(name, limit):
        chance = binom.pmf(hits[0], sizes[0], stable) * binom.pmf(hits[1], sizes[1], canary)
        assert float(evalue @ chance) <= 1 + 1e-9, (stable, canary)


@pytest.mark.parametrize("share", [0.05, 0.5, "by errors so far"])
@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize("rate", [0.004, 0.1])
def test_a_true_null_is_ever_rejected_seldom_enough_however_requests_are_split(name, rate, share):
    rng, paths, looks, limit, alpha = np.random.default_rng(31), 200, 40, 0.01, 0.05
    stable, canary, ever = np.zeros((2, paths)), np.zeros((2, paths)), np.zeros(paths, bool)
    for look in range(looks):
        asked = 10 + look**2
        part = np.where(canary[0] > 0.01 * canary[1], 0.7, 0.1) if isinstance(share, str) else share
        to_canary = rng.binomial(asked, part, paths)
        stable += rng.binomial(asked - to_canary, rate), asked - to_canary
        canary += rng.binomial(to_canary, rate + limit), to_canary
        both = canary[1] > 0
        evidence = TESTS[name](Hits(*stable[:, both]), Hits(*canary[:, both]), limit)
        ever[both] |= evidence >= -np.log(alpha)
    assert ever.mean() <= alpha + 3 * (alpha * (1 - alpha) / paths) ** 0.5


@settings(max_examples=60)
@given(stable=counted(), canary=counted(), more=st.integers(0, 500), limit=st.sampled_from(LIMITS))
def test_more_hits_of_the_canary_never_speak_for_it(stable, canary, more, limit):
    worse = Hits(min(canary.hits + more, canary.n), canary.n)
    assert stays_within(stable, worse, limit) <= stays_within(stable, canary, limit) + 1e-6
    before, now = exceeds(stable, canary, limit), exceeds(stable, worse, limit)
    assert before <= 1 or now >= before - 1e-6


@settings(max_examples=60)
@given(stable=counted(), canary=counted(), limit=st.sampled_from(LIMITS))
def test_evidence_never_speaks_for_both_sides(stable, canary, limit):
    assert min(exceeds(stable, canary, limit), stays_within(stable, canary, limit)) <= 0


@settings(max_examples=40)
@given(stable=counted(), canary=counted(), limit=st.sampled_from([*LIMITS, 0.0123]))
def test_the_interval_says_at_the_limit_what_the_tests_say(stable, canary, limit):
    low, high = one_sided_bounds(stable, canary, limit, 0.01, 0.05)
    assert low <= canary.rate - stable.rate <= high
    assert (low > limit) == bool(exceeds(stable, canary, limit) >= -np.log(0.01))
    assert (high <= limit) == bool(stays_within(stable, canary, limit) >= -np.log(0.05))


@settings(max_examples=30)
@given(stable=counted(300), canary=counted(300), times=st.integers(2, 30))
def test_the_same_rates_from_more_requests_have_more_evidence(stable, canary, times):
    limit = 0.05
    before = max(exceeds(stable, canary, limit), stays_within(stable, canary, limit))
    assume(before > 1)
    more = [Hits(times * each.hits, times * each.n) for each in (stable, canary)]
    assert max(exceeds(*more, limit), stays_within(*more, limit)) > before


def test_functions_work_on_arrays_of_counts_as_on_each():
    hits, n = np.array([[0, 3, 50], [1, 1, 1]]), np.array([[100, 100, 1000], [20, 30, 40]])
    for test in TESTS.values():
        whole = test(Hits(hits, n), Hits(hits[:, ::-1], n[:, ::-1]), 0.01)
        for place in np.ndindex(hits.shape):
            row, column = place
            other = Hits(hits[row, 2 - column], n[row, 2 - column])
            assert whole[place] == pytest.approx(float(test(Hits(hits[place], n[place]), other, 0.01)))


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_a_version_that_does_the_same_passes_from_fewer_requests_than_by_the_two_sided_mixtures(share):
    n = np.arange(1000.0, 12_000, 250)
    both = Hits(0.005 * n * (1 - share) / share, n * (1 - share) / share), Hits(0.005 * n, n)
    one_sided, mixtures = (each(*both, 0.005) >= -np.log(0.05) for each in (stays_within, difference_log_evalue))
    assert one_sided.argmax() > 0 and n[one_sided.argmax()] <= 0.7 * n[mixtures.argmax()]


@given(
    stable=st.tuples(st.integers(0, 300), st.integers(1, 20_000)),
    canary=st.tuples(st.integers(0, 300), st.integers(1, 5000)),
    limit=st.sampled_from([0.0005, 0.005, 0.02, 0.2]),
    by=st.sampled_from([1.0, 3.7]),
)
@settings(max_examples=200, deadline=None)
def test_cells_that_are_left_out_change_no_evidence(
    stable: tuple[int, int], canary: tuple[int, int], limit: float, by: float
) -> None:
    one, other = (Hits(min(hits, n) / by, n / by) for hits, n in (stable, canary))
    twice = [Hits(np.full(2, each.hits), np.full(2, each.n)) for each in (one, other)]
    for test in (exceeds, stays_within):
        alone, among = float(test(one, other, limit)), test(twice[0], twice[1], limit)
        np.testing.assert_allclose([alone, alone], among, rtol=1e-9, atol=1e-9)
