"""Judged windows: verdicts, deadlines, the undecided policy, gates."""

import re
from dataclasses import replace
from typing import Any

import pytest

from rollout.evidence import Evidence
from rollout.judge import Verdict
from rollout.splitter import Readiness
from rollout.state import Commands, Phase, State
from rollout.state_machine import advance
from rollout.window import window_alpha
from tests.rollout.fakes import cohort, pairs
from tests.rollout.states import NOW, at, facts, spec, state


def test_a_hold_begins_when_the_weight_is_in_force(verdict: Any) -> None:
    seen = facts(evidence=Evidence(opened=NOW - 59))
    assert advance(spec(), at(0, since=NOW - 1000), seen).step == 0
    assert advance(spec(), at(0, since=NOW - 1000), facts(evidence=Evidence(opened=NOW - 61))).step == 1


def test_a_step_waits_for_its_least_requests(verdict: Any) -> None:
    steps = [{"weight": 5, "holdSeconds": 1, "minRequests": 500, "deadlineSeconds": 600}, {"weight": 50}]
    few, enough = (Evidence(opened=NOW - 100, canary=cohort(n)) for n in (499, 500))
    assert advance(spec(steps=steps), at(0), facts(evidence=few)).step == 0
    assert advance(spec(steps=steps), at(0), facts(evidence=enough)).step == 1
    late = Evidence(opened=NOW - 600, canary=cohort(499))
    back = advance(spec(steps=steps, undecided="RollBack"), at(0, since=NOW - 600), facts(evidence=late))
    assert back.phase is Phase.ROLLING_BACK and "too few requests" in back.reason
    assert (back.verdict, back.mark_version) == ("inconclusive", False)


@pytest.mark.parametrize("before", [state(Phase.SHADOW), at(0), at(1)])
def test_a_fail_rolls_back_at_once_and_keeps_its_findings(verdict: Any, before: State) -> None:
    verdict(Verdict.FAIL)
    after = advance(spec(), before.model_copy(update={"since": NOW}), facts(evidence=Evidence(opened=NOW)))
    assert (after.phase, after.weight, after.verdict) == (Phase.ROLLING_BACK, 0, "fail")
    assert after.findings[0]["check"] == "errors"
    assert after.history[-1].findings == after.findings


@pytest.mark.parametrize("before", [state(Phase.SHADOW), at(0), at(1)])
def test_a_wait_stays_in_the_step(verdict: Any, before: State) -> None:
    verdict(Verdict.WAIT)
    after = advance(spec(), before, facts())
    assert (after.phase, after.step) == (before.phase, before.step)
    assert after.reason == "it is a wait"


def test_a_deadline_without_a_verdict_rolls_back(verdict: Any) -> None:
    verdict(Verdict.INCONCLUSIVE)
    long = Evidence(opened=NOW - 7200)
    after = advance(spec(undecided="RollBack"), at(0, since=NOW - 7200), facts(evidence=long))
    assert after.phase is Phase.ROLLING_BACK and "no verdict before the deadline" in after.reason


@pytest.mark.parametrize("before", [state(Phase.SHADOW), at(0, since=NOW - 7200)])
@pytest.mark.parametrize(("found", "marked"), [(Verdict.INCONCLUSIVE, False), (Verdict.FAIL, True)])
def test_only_a_failed_version_is_marked(verdict: Any, before: State, found: Verdict, marked: bool) -> None:
    verdict(found)
    now = advance(spec(undecided="RollBack"), before, facts(evidence=Evidence(opened=NOW - 7200)))
    assert (now.phase, now.mark_version, now.verdict) == (Phase.ROLLING_BACK, marked, str(found))
    ended = advance(spec(undecided="RollBack"), now, facts())
    assert (ended.phase, ended.mark_version, ended.verdict) == (Phase.ROLLED_BACK, marked, str(found))
    assert advance(spec(), ended, facts(commands=Commands(retry=2))).mark_version


def test_an_undecided_history_asks_a_person(verdict: Any) -> None:
    verdict(Verdict.INCONCLUSIVE)
    held = advance(spec(), state(Phase.SHADOW), facts())
    assert (held.phase, held.gate) == (Phase.SHADOW, "1/shadow") and "past weeks give no verdict" in held.reason
    opened = advance(spec(), held, facts(commands=Commands(approved="1/shadow")))
    assert (opened.phase, opened.gate) == (Phase.PROGRESSING, "")


def test_with_wait_an_undecided_step_stays_and_goes_on_by_itself_once_it_passes(verdict: Any) -> None:
    verdict(Verdict.INCONCLUSIVE)
    late = facts(evidence=Evidence(opened=NOW - 600))
    held = advance(spec(), at(0, since=NOW - 600), late)
    assert (held.phase, held.step, held.gate, held.verdict) == (Phase.PROGRESSING, 0, "1/5", "inconclusive")
    assert "no verdict before the deadline: it is a inconclusive; it goes on when the evidence suffices" in held.reason
    assert advance(spec(), held, late) == held
    verdict(Verdict.PASS)
    assert advance(spec(), held, facts(commands=Commands(paused=True))).step == 0
    on = advance(spec(), held, late)
    assert (on.step, on.gate) == (1, "")
    verdict(Verdict.FAIL)
    assert advance(spec(), held, late).phase is Phase.ROLLING_BACK


@pytest.mark.parametrize("more", [{"undecided": "Pause"}, {"promotion": "Manual"}])
def test_a_gate_that_only_a_person_opens_says_when_the_judge_passes(verdict: Any, more: dict[str, Any]) -> None:
    verdict(Verdict.INCONCLUSIVE)
    held = advance(spec(**more), at(1, since=NOW - 600), facts())
    assert held.gate == "1/promotion" and "goes on" not in held.reason
    verdict(Verdict.PASS)
    after = advance(spec(**more), held, facts())
    assert (after.phase, after.gate) == (Phase.PROGRESSING, "1/promotion")
    assert after.reason == "it is a pass; waits for approval of 1/promotion"


def test_a_deadline_that_passes_at_a_gate_takes_nothing_back(verdict: Any) -> None:
    asked = spec(promotion="Manual", undecided="RollBack")
    held = advance(asked, at(1), facts())
    verdict(Verdict.INCONCLUSIVE)
    after = advance(asked, held, facts(now=NOW + 10_000))
    assert (after.phase, after.gate) == (Phase.PROGRESSING, "1/promotion")


def test_with_pause_an_undecided_step_waits_for_a_person(verdict: Any) -> None:
    verdict(Verdict.INCONCLUSIVE)
    held = advance(spec(undecided="Pause"), at(0), facts())
    assert (held.phase, held.gate) == (Phase.PROGRESSING, "1/5")
    assert advance(spec(undecided="Pause"), held, facts()).gate == "1/5"
    on = advance(spec(undecided="Pause"), held, facts(commands=Commands(approved="1/5")))
    assert (on.step, on.gate) == (1, "")


def test_an_undecided_last_step_asks_for_the_promotion(verdict: Any) -> None:
    verdict(Verdict.INCONCLUSIVE)
    assert advance(spec(undecided="Pause"), at(1), facts()).gate == "1/promotion"


@pytest.mark.parametrize(
    ("more", "before", "gate"),
    [
        ({"promotion": "Manual"}, at(1), "1/promotion"),
        ({"shadow": {"approval": True}}, state(Phase.SHADOW), "1/shadow"),
        ({"steps": [{"weight": 5, "holdSeconds": 60, "approval": True}, {"weight": 50}]}, at(0), "1/5"),
    ],
)
def test_a_gate_opens_for_its_own_name_only(verdict: Any, more: dict[str, Any], before: State, gate: str) -> None:
    held = advance(spec(**more), before, facts(commands=Commands(approved="0/promotion")))
    assert held.gate == gate and held.phase is before.phase
    for other in ("", "promotion", "2" + gate[1:], "1/25"):
        assert advance(spec(**more), held, facts(commands=Commands(approved=other))).gate == gate
    opened = advance(spec(**more), held, facts(commands=Commands(approved=gate)))
    assert opened.gate == "" and gate in opened.reason


def test_a_rollout_at_a_gate_is_still_judged(verdict: Any) -> None:
    held = advance(spec(promotion="Manual"), at(1), facts())
    verdict(Verdict.FAIL)
    assert advance(spec(promotion="Manual"), held, facts()).phase is Phase.ROLLING_BACK


def test_an_approval_does_not_promote_a_candidate_that_is_not_ready(verdict: Any) -> None:
    held = advance(spec(promotion="Manual"), at(1), facts())
    seen = facts(commands=Commands(approved="1/promotion"), readiness=Readiness(False, "silent"))
    assert advance(spec(promotion="Manual"), held, seen).phase is Phase.PROGRESSING


def test_a_pass_from_before_does_not_carry_on_a_candidate_that_is_not_ready(verdict: Any) -> None:
    seen = facts(readiness=Readiness(False, "silent"), evidence=Evidence(opened=NOW - 600))
    after = advance(spec(undecided="RollBack"), at(0, since=NOW - 600), seen)
    assert after.phase is Phase.ROLLING_BACK and "silent" in after.reason
    waits = advance(spec(), at(0, since=NOW - 600), seen)
    assert (waits.phase, waits.step) == (Phase.PROGRESSING, 0) and "silent" in waits.reason


def test_the_real_judge_passes_good_evidence_and_fails_bad() -> None:
    good = Evidence(NOW - 100, stable=cohort(20_000), canary=cohort(5000), pairs=pairs(400))
    assert advance(spec(), at(0), facts(evidence=good)).weight == 50
    wrong = replace(good, canary=cohort(5000, wrong=500))
    assert "errors" in advance(spec(), at(0), facts(evidence=wrong)).reason
    swapped = replace(good, pairs=pairs(400, swapped=True))
    back = advance(spec(), at(0), facts(evidence=swapped))
    assert back.phase is Phase.ROLLING_BACK and "predictions" in back.reason


def test_an_undecided_step_says_what_it_needs_and_how_long_that_takes() -> None:
    seen = Evidence(NOW - 100, stable=cohort(9500), canary=cohort(500), pairs=pairs(400))
    after = advance(spec(), at(0), facts(evidence=seen))
    assert after.phase is Phase.PROGRESSING
    assert re.fullmatch(r"about [0-9,]+ more requests, about \d+ (s|min) at this traffic, for .*errors.*", after.needs)
    slow = replace(seen, stable=cohort(950), canary=cohort(50))
    assert "which is later than the deadline in 8 min" in advance(spec(), at(0), facts(evidence=slow)).needs
    enough = replace(seen, stable=cohort(95_000), canary=cohort(5000))
    assert advance(spec(), at(0), facts(evidence=enough)).needs == ""


def test_the_windows_share_alpha() -> None:
    for shadow in (None, {}):
        asked = spec(shadow=shadow)
        first = window_alpha(asked, Phase.SHADOW) if asked.shadow else 0.0
        assert first + 2 * window_alpha(asked, Phase.PROGRESSING) == pytest.approx(0.05)
