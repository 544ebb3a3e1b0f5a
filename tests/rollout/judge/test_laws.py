"""What holds of every judgement, whatever was observed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.judge import Cohort, Histogram, JudgeLimits, Judgement, Observation, Pairs, Verdict, judge

LIMITS = JudgeLimits()
DECIDED = {Verdict.PASS, Verdict.FAIL}
COUNTS = st.integers(0, 2000)


@st.composite
def cohorts(draw, most=2000):
    requests = draw(st.integers(0, most))
    errors = draw(st.dictionaries(st.sampled_from(["bad_request", "internal_server_error"]), st.integers(0, requests)))
    cuts = sorted(draw(st.lists(st.integers(0, requests), min_size=3, max_size=3)))
    counts = np.diff([0, *cuts, requests]).tolist()
    return Cohort(
        requests,
        errors,
        draw(st.sampled_from([None, Histogram((0.01, 0.1, 1.0), tuple(counts))])),
        draw(st.integers(0, requests)),
        draw(st.integers(0, requests)),
    )


@st.composite
def arrays(draw, most, classes=None):
    rows = draw(st.integers(0, most))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    shape = (rows,) if classes is None else (rows, classes)
    values = rng.normal(draw(st.sampled_from([-1.0, 0.0, 1.0])), draw(st.sampled_from([0.0, 0.01, 1.0])), shape)
    return np.where(rng.random(shape) < draw(st.sampled_from([0.0, 0.1, 1.0])), np.nan, values)


@st.composite
def observations(draw, requests=2000, rows=200, matches=200, past=200):
    classes = draw(st.sampled_from([1, 3]))
    one = draw(arrays(rows, classes))
    other = one[:, ::-1] if draw(st.booleans()) else one + draw(st.sampled_from([0.0, 0.3]))
    return Observation(
        draw(cohorts(requests)),
        draw(cohorts(requests)),
        draw(st.sampled_from([None, Pairs(one, other)])),
        draw(st.none() | arrays(matches)),
        draw(st.none() | arrays(past)),
    )


FEW = observations(LIMITS.min_requests - 1, LIMITS.min_pairs - 1, LIMITS.min_matches - 1, LIMITS.min_history - 1)


@settings(max_examples=50)
@given(seen=FEW, time_up=st.booleans())
def test_fewer_than_the_minimum_never_pass_or_fail(seen, time_up):
    judgement = judge(seen, LIMITS, time_up=time_up)
    assert judgement.verdict not in DECIDED
    assert not any(finding.verdict in DECIDED for finding in judgement.findings)


@settings(max_examples=60)
@given(seen=observations(), time_up=st.booleans())
def test_whatever_is_observed_has_a_verdict_a_reason_and_numbers_that_can_be_stored(seen, time_up):
    judgement = judge(seen, LIMITS, time_up=time_up)
    assert judgement.reason
    assert Judgement.from_dict(judgement.to_dict()).to_dict() == judgement.to_dict()
    for finding in judgement.findings:
        if finding.interval is not None:
            assert finding.interval[0] <= finding.estimate <= finding.interval[1]
        if finding.verdict in DECIDED:
            assert finding.interval is not None
            assert finding.limit is not None


@settings(max_examples=60)
@given(seen=observations())
def test_a_failed_finding_fails_the_whole_and_one_that_blocks_undecided_keeps_it_from_passing(seen):
    judgement = judge(seen, LIMITS)
    verdicts = [finding.verdict for finding in judgement.findings]
    assert (judgement.verdict is Verdict.FAIL) == (Verdict.FAIL in verdicts)
    if judgement.verdict is Verdict.PASS:
        assert all(finding.verdict is Verdict.PASS for finding in judgement.findings if finding.blocks)


@given(requests=st.integers(50, 3000), errors=st.integers(0, 50), more=st.integers(0, 200))
def test_more_errors_never_look_better(requests, errors, more):
    stable = Cohort(2000, {"other": 10})
    low, high = (
        judge(Observation(stable, Cohort(requests, {"other": count})), LIMITS, checks=["errors"]).findings[0]
        for count in (min(errors, requests), min(errors + more, requests))
    )
    assert low.interval[0] <= high.interval[0] + 1e-9
    assert low.interval[1] <= high.interval[1] + 1e-9
    rank = [Verdict.PASS, Verdict.WAIT, Verdict.FAIL]
    assert rank.index(low.verdict) <= rank.index(high.verdict)


BOUNDS = tuple(0.001 * 1.25**k for k in range(40))


def counted(took):
    return Histogram(BOUNDS, tuple(np.bincount(np.searchsorted(BOUNDS, took), minlength=len(BOUNDS) + 1).tolist()))


@settings(max_examples=25)
@given(steps=st.lists(st.sampled_from([1.0, 1.1, 1.3, 1.6, 2.5]), min_size=2, max_size=2), n=st.integers(60, 4000))
def test_slower_never_looks_better(steps, n):
    took = 0.05 * np.exp(np.random.default_rng(1).normal(0, 0.5, n))
    stable = Cohort(n, latency=counted(took))
    less, more = (
        judge(Observation(stable, Cohort(n, latency=counted(times * took))), LIMITS, checks=["latency"]).findings
        for times in sorted(steps)
    )
    for one, other in zip(less, more, strict=True):
        assert one.interval[0] <= other.interval[0] + 1e-6
        assert one.interval[1] <= other.interval[1] + 1e-6


def widths(check, times):
    counts = tuple(times * count for count in (10, 60, 25, 4, 1))
    both = [Cohort(100 * times, {"other": times}, Histogram((0.02, 0.04, 0.08, 0.16), counts), times, times)] * 2
    found = judge(Observation(*both), LIMITS, checks=[check]).findings
    return [each.interval[1] - each.interval[0] for each in found]


@pytest.mark.parametrize("check", ["errors", "features", "latency"])
def test_the_same_rates_from_more_requests_have_a_narrower_interval(check):
    few, many, most = (widths(check, times) for times in (1, 10, 100))
    assert all(a >= b > c for a, b, c in zip(few, many, most, strict=True))


@pytest.mark.parametrize("check", ["predictions", "skill", "history"])
def test_the_same_differences_on_more_rows_have_a_narrower_interval(check):
    rng = np.random.default_rng(1)
    rows, moved = rng.dirichlet([3, 2, 2], 200), rng.normal(0, 0.01, 200)

    def spans(times):
        pairs = Pairs(np.tile(rows, (times, 1)), np.tile(0.9 * rows + 0.1 * rows[::-1], (times, 1)))
        seen = Observation(pairs=pairs, skill=np.tile(moved, times), history=np.tile(moved, times))
        return [each.interval[1] - each.interval[0] for each in judge(seen, LIMITS, checks=[check]).findings]

    assert all(few > many for few, many in zip(spans(1), spans(20), strict=True))
