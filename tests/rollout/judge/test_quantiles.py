"""Quantiles are read from histograms, and bounds of their ratio hold at every look at once."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rollout.judge.quantiles import Buckets, _log_evalue, quantile, ratio_bounds, ratio_log_evalue
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


@example(sizes=(50, 54), slower=0.9, ratio=0.8, q=0.99, floor=0.0)
@given(
    sizes=st.tuples(st.integers(50, 30_000), st.integers(50, 30_000)),
    slower=st.sampled_from([0.5, 0.9, 1.0, 1.3, 1.6, 3.0]),
    ratio=st.sampled_from([0.8, 1.0, 1.25, 2.0]),
    q=st.sampled_from([0.5, 0.95, 0.99]),
    floor=st.sampled_from([0.0, 0.04]),
)
def test_evidence_is_never_above_its_least_value_over_every_quantile_of_stables(sizes, slower, ratio, q, floor):
    rng = np.random.default_rng(6)
    stable, canary = (
        Buckets(counted(median * np.exp(rng.normal(0, 0.7, n)))[None], SECONDS)
        for median, n in zip((0.05, 0.05 * slower), sizes, strict=True)
    )
    told = float(ratio_log_evalue(stable, canary, q, np.array([ratio]), floor)[0])
    least = max(floor, 1e-9) * max(1, 1 / ratio)
    x = np.maximum(np.geomspace(0.0005, 5, 6000), least)[None]
    every = _log_evalue(stable, q, np.log(x), floor) + _log_evalue(canary, q, np.log(x * ratio), floor)
    assert told <= every.min() + 1e-9
    assert told >= every.min() - 0.15 - 0.03 * abs(every.min())


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
