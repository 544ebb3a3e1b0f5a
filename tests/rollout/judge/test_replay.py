"""Check `replay`: replayed requests settle errors and latency before traffic, and live ones confirm."""

import numpy as np
import pytest

from rollout.judge import SHADOW, TRAFFIC, Cohort, JudgeLimits, Pairs, ReplayedCohorts, Verdict, judge, step_alphas
from rollout.judge.confirmation import MOST, confirming
from rollout.judge.limits import MOST_MISSED
from tests.rollout.judge.cases import cohort, healthy, histogram, pairs

LIMITS = JudgeLimits(required=("predictions",))
MADE = 2000


def replayed(requests: int = MADE, errors: int = 0, slower: float = 1.0, ended: bool = False) -> ReplayedCohorts:
    latency = histogram(requests, 0.03 * slower, seed=9)
    return ReplayedCohorts(cohort(requests), Cohort(requests, {"other": errors}, latency), ended)


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (replayed(), Verdict.PASS),
        (replayed(errors=60), Verdict.FAIL),
        (replayed(slower=2.0), Verdict.FAIL),
        (replayed(300), Verdict.WAIT),
        (replayed(300, ended=True), Verdict.PASS),
        (replayed(300, errors=60, ended=True), Verdict.FAIL),
    ],
)
def test_a_candidate_is_judged_before_traffic_as_far_as_replayed_requests_can(
    seen: ReplayedCohorts, verdict: Verdict
) -> None:
    found = judge(healthy(replayed=seen), LIMITS, alpha=step_alphas(3)[0], checks=SHADOW)
    assert found.verdict is verdict
    if verdict is Verdict.FAIL:
        assert found.reason.startswith("replay ")


def live(requests: int, errors: int = 0, **more: object) -> Verdict:
    seen = healthy(
        stable=cohort(19 * requests), canary=Cohort(requests, {"other": errors}, histogram(requests)), **more
    )
    return judge(seen, JudgeLimits(), alpha=step_alphas(3)[-1], checks=TRAFFIC).verdict


def test_live_requests_confirm_with_less_than_they_need_alone() -> None:
    alone, after = (
        next(n for n in range(50, 5000, 50) if live(n, **more) is Verdict.PASS)
        for more in ({}, {"replayed": replayed()})
    )
    assert 50 < after < 0.8 * alone


def test_replayed_requests_never_excuse_live_ones() -> None:
    assert live(50, replayed=replayed(20_000)) is Verdict.WAIT
    assert live(2000, 60, replayed=replayed(20_000)) is Verdict.FAIL


@pytest.mark.parametrize("missed", [0.2, MOST_MISSED])
def test_wide_limits_are_confirmed_too(missed: float) -> None:
    assert confirming(JudgeLimits(missed=missed), 50.0).missed == MOST_MISSED


def test_bad_or_missing_replayed_requests_make_live_ones_need_no_less() -> None:
    for seen in (replayed(errors=30), replayed(40), ReplayedCohorts()):
        wait = [n for n in (600, 700, 800) if live(n, replayed=seen) is not live(n)]
        assert seen.canary.requests == 40 or wait == []


@pytest.mark.parametrize("log_evalue", [-5.0, 0.0, 1.0, 2.0, 50.0])
def test_three_steps_let_through_what_only_live_requests_show_no_more_often_than_one_does(log_evalue: float) -> None:
    found = confirming(JudgeLimits(), log_evalue).missed
    assert JudgeLimits().missed <= found <= JudgeLimits().missed ** (1 - MOST) + 1e-12
    assert found**3 <= JudgeLimits().missed + 1e-12
    if 0 < log_evalue < -np.log(JudgeLimits().missed) * MOST:
        assert found == pytest.approx(JudgeLimits().missed * np.exp(log_evalue))


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (replayed(), Verdict.PASS),
        (replayed(errors=60), Verdict.FAIL),
        (replayed(slower=2.0), Verdict.FAIL),
        (replayed(300), Verdict.WAIT),
        (replayed(300, ended=True), Verdict.PASS),
    ],
)
def test_a_candidate_is_judged_before_traffic_by_copied_requests(seen: ReplayedCohorts, verdict: Verdict) -> None:
    found = judge(healthy(mirrored=seen), LIMITS, alpha=step_alphas(3)[0], checks=SHADOW)
    assert found.verdict is verdict
    if verdict is not Verdict.PASS:
        assert "mirrored requests" in found.reason


def test_replayed_and_copied_requests_are_judged_apart() -> None:
    """Their durations are measured in different places, so that a sum of both would be of neither."""
    many = 2 * MADE
    slow = ReplayedCohorts(*(Cohort(many, latency=histogram(many, 0.09, seed=1)) for _ in range(2)))
    found = judge(healthy(replayed=slow, mirrored=replayed(200, ended=True)), LIMITS, checks=SHADOW)
    assert found.verdict is Verdict.PASS
    bad = judge(healthy(replayed=slow, mirrored=replayed(slower=2.0)), LIMITS, checks=SHADOW)
    assert bad.verdict is Verdict.FAIL and "of mirrored requests" in bad.reason


def test_answers_to_copied_requests_fail_a_candidate_and_never_hold_it_up() -> None:
    same = pairs()
    for given, verdict in (
        (same, Verdict.PASS),
        (Pairs(same.stable[:5], same.canary[:5]), Verdict.PASS),
        (Pairs(same.stable, same.stable[:, ::-1].copy()), Verdict.FAIL),
    ):
        seen = healthy(mirrored=replayed(), mirrored_pairs=given)
        assert judge(seen, LIMITS, alpha=step_alphas(3)[0], checks=SHADOW).verdict is verdict


def test_copied_requests_leave_less_for_live_ones_to_show_and_never_excuse_them() -> None:
    alone, after, both = (
        next(n for n in range(50, 5000, 50) if live(n, **more) is Verdict.PASS)
        for more in ({}, {"mirrored": replayed()}, {"mirrored": replayed(), "replayed": replayed()})
    )
    assert 50 < both <= after < 0.8 * alone
    assert live(50, mirrored=replayed(20_000), replayed=replayed(20_000)) is Verdict.WAIT
    assert live(2000, 60, mirrored=replayed(20_000)) is Verdict.FAIL
