"""Check `restarts`: a server that restarted in a step fails its candidate; one that was moved does not."""

import pytest

from rollout.judge import SHADOW, TRAFFIC, JudgeLimits, Restarts, Verdict, judge
from rollout.judge.checks.restarts import MOST_BEFORE
from tests.rollout.judge.cases import healthy

LIMITS = JudgeLimits()


@pytest.mark.parametrize("checks", [SHADOW, TRAFFIC])
def test_one_restart_in_a_step_fails_a_candidate_that_is_perfect_otherwise(checks: tuple[str, ...]) -> None:
    seen = Restarts.begin({"a": 0, "b": 1})
    assert judge(healthy(restarts=seen), LIMITS, checks=checks).verdict is Verdict.PASS
    found = judge(healthy(restarts=seen.add({"a": 0, "b": 2})), LIMITS, checks=checks)
    assert found.verdict is Verdict.FAIL
    assert found.reason.startswith("restarts: servers of the candidate restarted once in this step")


def test_a_server_that_had_restarted_23_times_and_is_ready_at_each_look_fails() -> None:
    found = judge(healthy(restarts=Restarts.begin({"a": 23})), LIMITS, checks=TRAFFIC)
    assert (found.verdict, "had restarted 23 times before" in found.reason) == (Verdict.FAIL, True)
    slow_start = Restarts.begin({"a": MOST_BEFORE})
    assert judge(healthy(restarts=slow_start), LIMITS, checks=TRAFFIC).verdict is Verdict.PASS


def test_a_pod_that_was_drained_or_scaled_away_has_not_restarted() -> None:
    seen = Restarts.begin({"a": 1, "b": 0})
    for counts in ({"b": 0}, {"b": 0, "c": 0}, {}, {"c": 0, "d": 0}):
        seen = seen.add(counts)
    assert seen.within == 0
    seen = seen.add({"c": 2}).add({"d": 0})
    assert seen.within == 2
    assert judge(healthy(restarts=seen), LIMITS, checks=TRAFFIC).verdict is Verdict.FAIL


def test_servers_that_stand_are_no_evidence_to_pass_on() -> None:
    seen = healthy(restarts=Restarts.begin({"a": 0}))
    found = judge(seen, JudgeLimits(required=()), checks=("restarts",))
    assert (found.verdict, found.findings) == (Verdict.WAIT, ())
    blind = judge(healthy(unreadable={"restarts": "no pods"}), LIMITS, checks=TRAFFIC)
    assert (blind.verdict, blind.reason) == (Verdict.WAIT, "restarts: could not be read: no pods")
