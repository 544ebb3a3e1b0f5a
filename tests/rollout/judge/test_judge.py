"""The table of cases: what two versions did, and what the judge says of it."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from matchday.errors import MatchdayError
from rollout.judge import (
    CHECK_NAMES,
    CHECKS,
    SHADOW,
    TRAFFIC,
    Cohort,
    Finding,
    JudgeLimits,
    Judgement,
    Observation,
    Pairs,
    Restarts,
    Verdict,
    judge,
    step_alphas,
)
from rollout.judge.check import check
from tests.rollout.judge.cases import ENOUGH, cohort, forecasts, healthy, histogram, pairs

LIMITS = JudgeLimits()
STABLE = forecasts()


def noise(n: int, mean: float = 0.0, sd: float = 0.01) -> np.ndarray:
    """Differences of score of exactly this mean and standard deviation."""
    drawn = np.random.default_rng(4).normal(size=n)
    return mean + sd * (drawn - drawn.mean()) / drawn.std(ddof=1)


PASS, FAIL, WAIT, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.WAIT, Verdict.INCONCLUSIVE
CASES = {
    "two that do the same": (TRAFFIC, healthy(), PASS, "within limits"),
    "one that never answers": (TRAFFIC, healthy(canary=cohort(200, 200)), FAIL, "errors: 100.00%"),
    "more errors": (TRAFFIC, healthy(canary=cohort(errors=500)), FAIL, "internal_server_error"),
    "no more errors than stable": (
        TRAFFIC,
        healthy(stable=cohort(errors=100), canary=cohort(errors=100)),
        PASS,
        "errors",
    ),
    "refusals of what stable accepts": (
        TRAFFIC,
        healthy(stable=cohort(errors={"bad_request": 20}), canary=cohort(errors={"bad_request": 900})),
        FAIL,
        "bad_request",
    ),
    "the kind that grew is named, not the commonest": (
        TRAFFIC,
        healthy(
            stable=cohort(errors={"bad_request": 1000}),
            canary=cohort(errors={"bad_request": 1000, "internal_server_error": 800}),
        ),
        FAIL,
        "internal_server_error",
    ),
    "slower": (TRAFFIC, healthy(canary=cohort(slower=1.5)), FAIL, "latency p50"),
    "slower in the tail": (TRAFFIC, healthy(canary=cohort(latency=histogram(ENOUGH, tail=2.0))), FAIL, "latency p9"),
    "slower, and too fast to matter": (
        TRAFFIC,
        healthy(stable=cohort(slower=0.004), canary=cohort(slower=0.008)),
        PASS,
        "latency",
    ),
    "a server of 2 ms that takes twice as long": (
        TRAFFIC,
        healthy(stable=cohort(slower=0.067), canary=cohort(slower=0.133)),
        FAIL,
        "latency p",
    ),
    "faster": (TRAFFIC, healthy(canary=cohort(slower=0.5)), PASS, "latency"),
    "missing features": (TRAFFIC, healthy(canary=cohort(incomplete=2000)), FAIL, "features incomplete"),
    "stale features": (TRAFFIC, healthy(canary=cohort(degraded=2000)), FAIL, "features degraded"),
    "trained again": (SHADOW, Observation(pairs=pairs(500)), PASS, "predictions"),
    "home and away swapped": (SHADOW, Observation(pairs=Pairs(STABLE[:300], STABLE[:300, ::-1])), FAIL, "predictions"),
    "always the base rate": (
        SHADOW,
        Observation(pairs=Pairs(STABLE, np.tile(STABLE.mean(axis=0), (len(STABLE), 1)))),
        FAIL,
        "predictions",
    ),
    "no numbers": (SHADOW, Observation(pairs=Pairs(STABLE, np.full_like(STABLE, np.nan))), FAIL, "no forecast"),
    "rows that sum to two": (SHADOW, Observation(pairs=Pairs(STABLE, 2 * STABLE)), FAIL, "no forecast"),
    "negative probabilities": (
        SHADOW,
        Observation(pairs=Pairs(STABLE, STABLE + np.array([0.5, 0.5, -1.0]))),
        FAIL,
        "no forecast",
    ),
    "one row in ten without a number": (
        SHADOW,
        Observation(pairs=Pairs(STABLE, np.where(np.arange(600)[:, None] % 10 == 0, np.nan, STABLE))),
        FAIL,
        "60 of 600",
    ),
    "rows that stable has not answered say nothing": (
        SHADOW,
        Observation(pairs=Pairs(np.full_like(STABLE, np.nan), STABLE)),
        WAIT,
        "0 of at least 100 rows",
    ),
    "worse on past weeks": (SHADOW, healthy(history=noise(380, 0.002)), FAIL, "history"),
    "as good on past weeks": (SHADOW, healthy(history=noise(380)), PASS, "history"),
    "past weeks that tell nothing": (SHADOW, healthy(history=noise(380, sd=0.1)), INCONCLUSIVE, "history"),
    "too few past weeks stop nobody": (SHADOW, healthy(history=noise(99, 1.0)), PASS, "predictions"),
    "worse on matches played": (TRAFFIC, healthy(skill=noise(200, 0.01)), FAIL, "skill live"),
    "few matches played stop nobody": (TRAFFIC, healthy(skill=noise(12, 1.0)), PASS, "errors"),
    "undecided matches stop nobody": (TRAFFIC, healthy(skill=noise(60, sd=0.1)), PASS, "errors"),
    "no requests yet": (TRAFFIC, Observation(pairs=pairs()), WAIT, "0 of at least 50 requests"),
    "not enough requests": (TRAFFIC, healthy(canary=cohort(49, 49)), WAIT, "49 of at least 50 requests"),
    "not enough of stable's": (TRAFFIC, healthy(stable=cohort(49)), WAIT, "49 of at least 50 requests"),
    "no latencies": (TRAFFIC, healthy(canary=cohort(latency=None)), WAIT, "latency: no data yet"),
    "no rows answered by both": (TRAFFIC, healthy(pairs=None), WAIT, "predictions: no data yet"),
    "some more errors, undecided": (TRAFFIC, healthy(canary=cohort(1000, 5)), WAIT, "errors"),
    "nothing at all": ((), Observation(), WAIT, "no check has data"),
}


@pytest.mark.parametrize(("checks", "seen", "verdict", "reason"), CASES.values(), ids=CASES.keys())
def test_the_table_of_cases(checks, seen, verdict, reason):
    judgement = judge(seen, LIMITS, checks=checks)
    assert (judgement.verdict, reason in judgement.reason) == (verdict, True), judgement


@pytest.mark.parametrize(("checks", "seen", "verdict", "reason"), CASES.values(), ids=CASES.keys())
def test_when_time_is_up_nothing_waits_and_nothing_else_changes(checks, seen, verdict, reason):
    expected = INCONCLUSIVE if verdict is WAIT else verdict
    judgement = judge(seen, LIMITS, checks=checks, time_up=True)
    assert judgement.verdict is expected
    assert all(finding.verdict is not WAIT for finding in judgement.findings)


@pytest.mark.parametrize(("checks", "seen", "verdict", "reason"), CASES.values(), ids=CASES.keys())
def test_a_judgement_survives_being_stored(checks, seen, verdict, reason):
    judgement = judge(seen, LIMITS, checks=checks)
    stored = json.dumps(judgement.to_dict(), allow_nan=False)
    assert json.loads(json.dumps(Judgement.from_dict(json.loads(stored)).to_dict())) == json.loads(stored)
    assert Judgement.from_dict(json.loads(stored)).verdict is judgement.verdict


@pytest.mark.parametrize(("checks", "seen", "verdict", "reason"), CASES.values(), ids=CASES.keys())
def test_every_interval_holds_its_estimate(checks, seen, verdict, reason):
    for finding in judge(seen, LIMITS, checks=checks).findings:
        if finding.interval is not None:
            low, high = finding.interval
            assert low <= finding.estimate <= high, finding


def test_required_skill_is_waited_for():
    limits = JudgeLimits(required=("skill",))
    assert judge(healthy(), limits, checks=["skill"]).verdict is WAIT
    assert judge(healthy(skill=noise(12)), limits, checks=["errors", "skill"]).verdict is WAIT
    assert judge(healthy(skill=noise(400, sd=0.005)), limits, checks=["errors", "skill"]).verdict is PASS


def test_a_check_without_data_says_so_and_stops_nobody():
    limits = JudgeLimits(required=("errors",))
    judgement = judge(healthy(pairs=None), limits, checks=TRAFFIC)
    assert judgement.verdict is PASS
    [left_out] = [finding for finding in judgement.findings if finding.check == "predictions"]
    assert (left_out.verdict, left_out.blocks) == (INCONCLUSIVE, False)
    assert "left out" in left_out.reason


@pytest.mark.parametrize("name", CHECK_NAMES)
@pytest.mark.parametrize("required", [(), ("errors",)])
def test_what_cannot_be_read_blocks_and_only_what_is_absent_is_left_out(name, required):
    limits = JudgeLimits(required=required)
    seen = healthy(history=noise(380), skill=noise(200))
    assert judge(seen, limits).verdict is PASS
    blind = replace(seen, unreadable={name: "no answer"})
    judgement = judge(blind, limits)
    assert (judgement.verdict, judgement.reason) == (WAIT, f"{name}: could not be read: no answer")
    assert judge(blind, limits, time_up=True).verdict is INCONCLUSIVE
    absent = replace(blind, stable=Cohort(), canary=Cohort(), pairs=None, history=None, skill=None)
    assert judge(absent, limits).verdict is WAIT


def test_a_fail_stands_although_newer_data_cannot_be_read():
    seen = healthy(canary=cohort(errors=10_000), unreadable={"errors": "no answer"})
    assert judge(seen, LIMITS, checks=TRAFFIC).verdict is FAIL


def test_the_reason_of_a_failure_is_the_worst_one():
    seen = healthy(canary=cohort(errors=10_000, incomplete=700))
    judgement = judge(seen, LIMITS, checks=TRAFFIC)
    assert judgement.reason.startswith("errors")
    assert {finding.check for finding in judgement.findings if finding.verdict is FAIL} == {"errors", "features"}


def test_without_names_every_check_is_asked():
    crashed = healthy(restarts=Restarts.begin({}).add({"a": 1}))
    asked = {finding.check for finding in judge(crashed, LIMITS).findings}
    assert asked == set(CHECKS) == set(CHECK_NAMES)
    assert list(CHECKS) == list(CHECK_NAMES)


def test_a_check_that_is_not_known_is_refused_by_name():
    with pytest.raises(MatchdayError, match=r"'latancy' is no check; there are errors, "):
        judge(healthy(), LIMITS, checks=["latancy"])


def test_a_new_check_is_one_decorated_function(monkeypatch):
    monkeypatch.setattr("rollout.judge.check.CHECKS", CHECKS)

    @check("weather")
    def weather(observation, limits, alpha):
        return None

    try:
        [finding] = judge(healthy(), LIMITS, checks=["weather"]).findings
        assert finding.check == "weather"
    finally:
        del CHECKS["weather"]


def test_less_alpha_widens_what_fails_and_leaves_what_passes():
    [strict], [loose] = (judge(healthy(), LIMITS, alpha=a, checks=["errors"]).findings for a in (0.001, 0.05))
    assert strict.interval[0] < loose.interval[0]
    assert strict.interval[1] == loose.interval[1]


@pytest.mark.parametrize(("steps", "shadow"), [(1, True), (3, True), (5, False)])
def test_the_steps_share_alpha(steps, shadow):
    shares = step_alphas(steps, shadow=shadow)
    assert len(shares) == steps + shadow
    assert sum(shares) == pytest.approx(0.05)
    assert min(shares) > 0


def test_the_look_at_the_past_has_half_of_alpha():
    share = step_alphas(3)[0] * CHECKS["history"].weight / sum(CHECKS[name].weight for name in SHADOW)
    assert share == pytest.approx(0.025)


def test_an_open_end_of_an_interval_is_stored_as_none():
    finding = Finding("skill", WAIT, "two matches", 2, 0.1, (-math.inf, math.inf), 0.0)
    assert finding.to_dict()["interval"] == [None, None]
    assert Finding.from_dict(finding.to_dict()) == finding


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Cohort(-1),
        lambda: Cohort(1, {"other": -1}),
        lambda: histogram(10).__class__((0.1, 0.2), (1, 2)),
        lambda: histogram(10).__class__((0.2, 0.1), (1, 2, 3)),
        lambda: histogram(10).__class__((0.0, 0.1), (1, 2, 3)),
        lambda: histogram(10).__class__((0.1, 0.2), (1, 2, -3)),
        lambda: Pairs(np.zeros((3, 2)), np.zeros((2, 3))),
        lambda: Pairs(np.zeros(3), np.zeros(3)),
    ],
)
def test_an_observation_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError):
        wrong()
