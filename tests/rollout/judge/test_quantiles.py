"""Quantiles are read from histograms, and bounds of their ratio hold at every look at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.judge.quantiles import Buckets, quantile, ratio_bounds, ratio_log_evalue
from serving.metrics import SECONDS


def counted(took: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(SECONDS, took), minlength=len(SECONDS) + 1)


@pytest.mark.parametrize("q", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("median", [0.001, 0.03, 0.5])
def test_a_quantile_is_read_within_a_bucket(q, median):
    took = median * np.exp(np.random.default_rng(1).normal(0, 0.5, 200_000))
    assert float(quantile(Buckets(counted(took), SECONDS), q)) == pytest.approx(np.quantile(took, q), rel=0.05)


def test_what_is_beyond_the_last_bound_is_still_above_it():
    counts = np.zeros(len(SECONDS) + 1)
    counts[-1] = 10
    assert SECONDS[-1] < float(quantile(Buckets(counts, SECONDS), 0.5)) < 2 * SECONDS[-1]


@given(times=st.sampled_from([0.5, 1.0, 1.5, 3.0]), n=st.integers(50, 5000), q=st.sampled_from([0.5, 0.95, 0.99]))
def test_versions_that_trade_places_invert_the_bounds(times, n, q):
    took = 0.05 * np.exp(np.random.default_rng(2).normal(0, 0.6, n))
    one, other = Buckets(counted(took), SECONDS), Buckets(counted(times * took), SECONDS)
    estimate, low, high = ratio_bounds(one, other, q, 0.0, 0.02, 0.02)
    back = ratio_bounds(other, one, q, 0.0, 0.02, 0.02)
    assert low <= estimate <= high
    assert (1 / back[2], 1 / back[1]) == pytest.approx((low, high), rel=0.02)


def test_versions_may_count_in_other_buckets():
    took = 0.05 * np.exp(np.random.default_rng(3).normal(0, 0.5, 20_000))
    coarse = (0.01, 0.025, 0.05, 0.1, 0.25)
    other = Buckets(np.bincount(np.searchsorted(coarse, took), minlength=6), coarse)
    estimate, low, high = ratio_bounds(Buckets(counted(took), SECONDS), other, 0.5, 0.0, 0.02, 0.02)
    assert (estimate, low < 1 < high) == (pytest.approx(1, abs=0.05), True)


def test_below_the_floor_all_are_equal():
    rng = np.random.default_rng(4)
    one, other = (Buckets(counted(rng.exponential(mean, 5000)), SECONDS) for mean in (0.0003, 0.0009))
    estimate, _, high = ratio_bounds(one, other, 0.5, 0.01, 0.02, 0.05)
    assert estimate == 1
    assert high < 1.01
    assert ratio_bounds(one, other, 0.5, 0.0, 0.02, 0.05)[1] > 2


@pytest.mark.parametrize("weight", [0.05, 0.5])
@pytest.mark.parametrize("q", [0.5, 0.95, 0.99])
def test_a_true_ratio_is_ever_outside_seldom_enough(q, weight):
    rng = np.random.default_rng(5)
    paths, looks = 300, 60
    shares = np.diff(np.concatenate([[0], np.clip(np.log(np.array(SECONDS) / 0.005) / 3, 0, 1), [1]]))
    asked = rng.binomial(200, weight, (paths, looks))
    canary, stable = (np.cumsum(rng.multinomial(n, shares), axis=1) for n in (asked, 200 - asked))
    evidence = ratio_log_evalue(Buckets(stable, SECONDS), Buckets(canary, SECONDS), q, np.ones((paths, looks)))
    ever = (evidence >= -np.log(0.05)).any(axis=1)
    assert ever.mean() <= 0.05 + 3 * (0.05 * 0.95 / paths) ** 0.5
