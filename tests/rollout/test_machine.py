"""The machine alone: every decision from a state and facts, in tables."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout import machine
from rollout.evidence import Evidence
from rollout.judge import Verdict
from rollout.machine import Facts, advance
from rollout.spec import Spec
from rollout.splitter import Readiness
from rollout.state import ENDED, Commands, Phase, PromotionStage, State
from tests.rollout.fakes import cohort, judgement, pairs

NOW = 10_000.0
READY = Readiness(True)
DEFAULTS: dict[str, Any] = {
    "inferenceService": "match-outcome",
    "candidate": "2",
    "steps": [
        {"weight": 5, "holdSeconds": 60, "deadlineSeconds": 600},
        {"weight": 50, "holdSeconds": 60, "deadlineSeconds": 600},
    ],
    "promotion": "Automatic",
    "readySeconds": 300,
    "promotionSeconds": 120,
}


def spec(**more: Any) -> Spec:
    return Spec.parse(DEFAULTS | more)


def state(phase: Phase, **more: Any) -> State:
    known = {"stable_version": "1", "candidate_version": "2", "since": NOW - 100, "tick": NOW - 1}
    return State(phase=phase, **(known | more))


def at(step: int, **more: Any) -> State:
    return state(Phase.PROGRESSING, step=step, weight=(5, 50)[step], **more)


def facts(**more: Any) -> Facts:
    known: dict[str, Any] = {"now": NOW, "stable": "1", "candidate": "2", "readiness": READY, "done": True}
    if "evidence" not in more:
        more["evidence"] = Evidence(opened=NOW - 100)
    return Facts(**(known | more))


@pytest.fixture
def verdict(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets what the judge says; a pass at first."""

    def say(verdict: Verdict) -> None:
        monkeypatch.setattr(machine, "judge", lambda *_, **__: judgement(verdict))

    say(Verdict.PASS)
    return say


@pytest.mark.parametrize(
    ("before", "seen", "phase", "said"),
    [
        (State(), {}, Phase.STARTING, "version 2 beside version 1"),
        (State(), {"refusal": "no such model"}, Phase.REFUSED, "no such model"),
        (State(), {"waits": "rollout other"}, Phase.PENDING, "rollout other"),
        (State(), {"requests": Commands(aborted=True)}, Phase.REFUSED, "aborted"),
        (State(), {"requests": Commands(paused=True)}, Phase.PENDING, "paused"),
        (state(Phase.STARTING), {}, Phase.SHADOW, "ready"),
        (state(Phase.STARTING), {"done": False}, Phase.STARTING, ""),
        (state(Phase.STARTING), {"readiness": Readiness(False, "loading")}, Phase.STARTING, "loading"),
        (
            state(Phase.STARTING),
            {"readiness": Readiness(False, "bad", True)},
            Phase.ROLLING_BACK,
            "never becomes ready: bad",
        ),
        (
            state(Phase.STARTING, since=NOW - 301),
            {"readiness": Readiness(False, "slow")},
            Phase.ROLLING_BACK,
            "for 300 s",
        ),
        (
            state(Phase.STARTING, since=NOW - 301),
            {"done": False, "problem": "a stable pod finds no node"},
            Phase.ROLLING_BACK,
            "could not begin in 300 s: a stable pod finds no node",
        ),
        (state(Phase.SHADOW), {}, Phase.PROGRESSING, "pass"),
        (state(Phase.SHADOW), {"readiness": Readiness(False, "gone", True)}, Phase.ROLLING_BACK, "gone"),
        (state(Phase.SHADOW), {"readiness": Readiness(False, "silent")}, Phase.SHADOW, "silent"),
        (at(0), {}, Phase.PROGRESSING, "pass"),
        (at(0), {"evidence": Evidence()}, Phase.PROGRESSING, "waits for 5 %"),
        (at(0, since=NOW - 301), {"evidence": Evidence(), "problem": "no route"}, Phase.ROLLING_BACK, "no route"),
        (at(0), {"evidence": Evidence(), "readiness": Readiness(False, "died", True)}, Phase.ROLLING_BACK, "died"),
        (at(0), {"readiness": Readiness(False, "died", True)}, Phase.ROLLING_BACK, "died"),
        (at(0), {"readiness": Readiness(False, "silent")}, Phase.PROGRESSING, "does not answer: silent"),
        (at(0, silent_since=NOW - 299), {"readiness": Readiness(False, "silent")}, Phase.PROGRESSING, "silent"),
        (at(0, silent_since=NOW - 301), {"readiness": Readiness(False, "silent")}, Phase.ROLLING_BACK, "for 300 s"),
        (at(0, silent_since=NOW - 301), {}, Phase.PROGRESSING, "pass"),
        (
            at(0, since=NOW - 301),
            {"evidence": Evidence(), "problem": "no counters"},
            Phase.ROLLING_BACK,
            "5 % was not watched in time: no counters",
        ),
        (at(1), {}, Phase.PROMOTING, "pass"),
        (state(Phase.PROMOTING, stage=PromotionStage.SHIFT), {}, Phase.PROMOTING, ""),
        (
            state(Phase.PROMOTING, stage=PromotionStage.SERVICE),
            {"stable": "2"},
            Phase.PROMOTED,
            "version 2 is champion",
        ),
        (state(Phase.ROLLING_BACK, reason="bad"), {}, Phase.ROLLED_BACK, "bad"),
        (state(Phase.ROLLING_BACK, reason="bad"), {"done": False}, Phase.ROLLING_BACK, "bad"),
    ],
)
def test_from_a_state_and_what_is_seen_to_the_next(
    verdict: Any, before: State, seen: dict[str, Any], phase: Phase, said: str
) -> None:
    after = advance(spec(), before, facts(**seen))
    assert after.phase is phase
    assert said in after.reason


def test_the_weights_follow_each_other_and_each_window_begins_anew(verdict: Any) -> None:
    first = advance(spec(), state(Phase.SHADOW, evidence="x"), facts())
    assert (first.step, first.weight, first.evidence, first.since) == (0, 5, "", NOW)
    second = advance(spec(), at(0), facts())
    assert (second.step, second.weight) == (1, 50)
    assert [entry.weight for entry in (*first.history, *second.history)] == [5, 50]


def test_without_a_shadow_the_first_weight_comes_at_once(verdict: Any) -> None:
    after = advance(spec(shadow=None), state(Phase.STARTING), facts())
    assert (after.phase, after.weight) == (Phase.PROGRESSING, 5)


def test_a_hold_counts_from_when_the_weight_was_in_force(verdict: Any) -> None:
    seen = facts(evidence=Evidence(opened=NOW - 59))
    assert advance(spec(), at(0, since=NOW - 1000), seen).step == 0
    assert advance(spec(), at(0, since=NOW - 1000), facts(evidence=Evidence(opened=NOW - 61))).step == 1


def test_a_step_waits_for_its_least_requests(verdict: Any) -> None:
    steps = [{"weight": 5, "holdSeconds": 1, "minRequests": 500, "deadlineSeconds": 600}, {"weight": 50}]
    few, enough = (Evidence(opened=NOW - 100, canary=cohort(n)) for n in (499, 500))
    assert advance(spec(steps=steps), at(0), facts(evidence=few)).step == 0
    assert advance(spec(steps=steps), at(0), facts(evidence=enough)).step == 1
    late = Evidence(opened=NOW - 600, canary=cohort(499))
    back = advance(spec(steps=steps), at(0, since=NOW - 600), facts(evidence=late))
    assert back.phase is Phase.ROLLING_BACK and "too few requests" in back.reason


@pytest.mark.parametrize("before", [state(Phase.SHADOW), at(0), at(1)])
def test_a_fail_goes_back_at_once_with_its_findings(verdict: Any, before: State) -> None:
    verdict(Verdict.FAIL)
    after = advance(spec(), before.model_copy(update={"since": NOW}), facts(evidence=Evidence(opened=NOW)))
    assert (after.phase, after.weight, after.verdict) == (Phase.ROLLING_BACK, 0, "fail")
    assert after.findings[0]["check"] == "errors"
    assert after.history[-1].findings == after.findings


@pytest.mark.parametrize("before", [state(Phase.SHADOW), at(0), at(1)])
def test_a_wait_goes_nowhere(verdict: Any, before: State) -> None:
    verdict(Verdict.WAIT)
    after = advance(spec(), before, facts())
    assert (after.phase, after.step) == (before.phase, before.step)
    assert after.reason == "it is a wait"


def test_time_up_without_evidence_goes_back(verdict: Any) -> None:
    verdict(Verdict.INCONCLUSIVE)
    long = Evidence(opened=NOW - 7200)
    after = advance(spec(), at(0, since=NOW - 7200), facts(evidence=long))
    assert after.phase is Phase.ROLLING_BACK and "time is up without evidence" in after.reason


def test_a_past_that_does_not_decide_is_not_waited_for(verdict: Any) -> None:
    verdict(Verdict.INCONCLUSIVE)
    after = advance(spec(), state(Phase.SHADOW), facts())
    assert after.phase is Phase.ROLLING_BACK and "the past does not decide" in after.reason


@pytest.mark.parametrize(("gate", "paused"), [("1/5", False), ("", True), ("1/5", True)])
def test_a_candidate_that_stays_silent_goes_back_whoever_is_waited_for(verdict: Any, gate: str, paused: bool) -> None:
    now, there = at(0, gate=gate, paused=paused), {"requests": Commands(paused=paused)}
    for seconds in range(0, 301, 50):
        now = advance(spec(), now, facts(now=NOW + seconds, readiness=Readiness(False, "no node"), **there))
        assert now.phase is Phase.PROGRESSING
    after = advance(spec(), now, facts(now=NOW + 302, readiness=Readiness(False, "no node"), **there))
    assert after.phase is Phase.ROLLING_BACK and "no node" in after.reason


def test_what_was_aborted_is_not_begun_again_by_itself(verdict: Any) -> None:
    aborted = Commands(aborted=True)
    refused = advance(spec(candidate="challenger"), State(), facts(requests=aborted))
    assert refused.phase is Phase.REFUSED
    for candidate in ("2", "3"):
        assert advance(spec(candidate="challenger"), refused, facts(requests=aborted, candidate=candidate)).ended
    again = advance(spec(candidate="challenger"), refused, facts(requests=Commands(retry=2), candidate="3"))
    assert (again.phase, again.attempt) == (Phase.PENDING, 2)


def test_what_is_not_done_is_told_as_long_as_it_is_not(verdict: Any) -> None:
    waits = advance(spec(), state(Phase.ROLLING_BACK, reason="bad"), facts(done=False, problem="no API"))
    assert (waits.reason, waits.problem) == ("bad", "no API")
    assert advance(spec(), waits, facts()).problem == ""


def test_at_100_percent_what_both_said_before_still_counts(verdict: Any) -> None:
    steps = [{"weight": 50, "holdSeconds": 0, "deadlineSeconds": 600}, {"weight": 100}]
    seen = Evidence(opened=NOW - 100, stable=cohort(10), canary=cohort(10), pairs=pairs(40))
    after = Evidence.unpacked(advance(spec(steps=steps), at(0), facts(evidence=seen)).evidence)
    assert after.pairs is not None and len(after.pairs.stable) == 40
    assert (after.stable.requests, after.canary.requests, after.opened) == (10, 0, None)


def test_or_waits_for_a_person_who_may_let_it_go_on(verdict: Any) -> None:
    verdict(Verdict.INCONCLUSIVE)
    held = advance(spec(undecided="Pause"), at(0), facts())
    assert (held.phase, held.gate) == (Phase.PROGRESSING, "1/5")
    assert advance(spec(undecided="Pause"), held, facts()).gate == "1/5"
    on = advance(spec(undecided="Pause"), held, facts(requests=Commands(approved="1/5")))
    assert (on.step, on.gate) == (1, "")


def test_evidence_that_is_missing_at_the_last_weight_asks_for_the_promotion_itself(verdict: Any) -> None:
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
def test_gates_open_for_their_own_name_only(verdict: Any, more: dict[str, Any], before: State, gate: str) -> None:
    held = advance(spec(**more), before, facts(requests=Commands(approved="0/promotion")))
    assert held.gate == gate and held.phase is before.phase
    for other in ("", "promotion", "2" + gate[1:], "1/25"):
        assert advance(spec(**more), held, facts(requests=Commands(approved=other))).gate == gate
    opened = advance(spec(**more), held, facts(requests=Commands(approved=gate)))
    assert opened.gate == "" and gate in opened.reason


def test_a_gate_is_still_judged(verdict: Any) -> None:
    held = advance(spec(promotion="Manual"), at(1), facts())
    verdict(Verdict.FAIL)
    assert advance(spec(promotion="Manual"), held, facts()).phase is Phase.ROLLING_BACK


def test_nobody_approves_a_candidate_that_does_not_answer(verdict: Any) -> None:
    held = advance(spec(promotion="Manual"), at(1), facts())
    seen = facts(requests=Commands(approved="1/promotion"), readiness=Readiness(False, "silent"))
    assert advance(spec(promotion="Manual"), held, seen).phase is Phase.PROGRESSING


def test_what_a_candidate_did_before_it_fell_silent_does_not_carry_it_on(verdict: Any) -> None:
    seen = facts(readiness=Readiness(False, "silent"), evidence=Evidence(opened=NOW - 600))
    after = advance(spec(), at(0, since=NOW - 600), seen)
    assert after.phase is Phase.ROLLING_BACK and "silent" in after.reason


def test_a_pause_stops_the_clocks(verdict: Any) -> None:
    verdict(Verdict.WAIT)
    resting = advance(spec(), at(0, since=NOW - 10), facts(requests=Commands(paused=True)))
    assert resting.paused
    later = replace(facts(requests=Commands(paused=True)), now=NOW + 5000)
    rested = advance(spec(), resting, later)
    assert rested.since == NOW - 10 + 5000
    awake = advance(spec(), rested, replace(facts(), now=NOW + 5001))
    assert not awake.paused and awake.phase is Phase.PROGRESSING and awake.since == NOW - 10 + 5001


def test_a_paused_rollout_goes_nowhere_but_back(verdict: Any) -> None:
    paused = Commands(paused=True)
    assert advance(spec(), at(0), facts(requests=paused)).step == 0
    held = at(1, gate="1/promotion")
    asked = Commands(paused=True, approved="1/promotion")
    assert advance(spec(), held, facts(requests=asked)).phase is Phase.PROGRESSING
    verdict(Verdict.FAIL)
    assert advance(spec(), at(0), facts(requests=paused)).phase is Phase.ROLLING_BACK


@pytest.mark.parametrize(
    ("before", "phase", "stage"),
    [
        (state(Phase.STARTING), Phase.ROLLING_BACK, None),
        (state(Phase.SHADOW), Phase.ROLLING_BACK, None),
        (at(0), Phase.ROLLING_BACK, None),
        (at(1, gate="1/promotion"), Phase.ROLLING_BACK, None),
        (state(Phase.PROMOTING, stage=PromotionStage.SHIFT), Phase.ROLLING_BACK, None),
        (state(Phase.PROMOTING, stage=PromotionStage.ALIAS), Phase.PROMOTING, PromotionStage.UNDO),
        (state(Phase.PROMOTING, stage=PromotionStage.SERVICE), Phase.PROMOTED, None),
        (state(Phase.PROMOTING, stage=PromotionStage.UNDO), Phase.ROLLING_BACK, None),
        (state(Phase.ROLLING_BACK), Phase.ROLLED_BACK, None),
        (state(Phase.PROMOTED), Phase.PROMOTED, None),
    ],
)
def test_an_abort_takes_back_what_can_be_and_the_alias_first(
    verdict: Any, before: State, phase: Phase, stage: PromotionStage | None
) -> None:
    after = advance(spec(), before, facts(requests=Commands(aborted=True)))
    assert (after.phase, after.stage) == (phase, stage)


@pytest.mark.parametrize(
    "before", [state(Phase.STARTING), state(Phase.SHADOW), at(0), state(Phase.PROMOTING, stage=PromotionStage.SHIFT)]
)
def test_a_champion_that_moved_meanwhile_ends_it(verdict: Any, before: State) -> None:
    after = advance(spec(), before, facts(stable="3"))
    assert after.phase is Phase.ROLLING_BACK and "the champion became version 3" in after.reason


@pytest.mark.parametrize("before", [state(Phase.SHADOW), at(0)])
def test_a_registry_that_does_not_answer_does_not(verdict: Any, before: State) -> None:
    verdict(Verdict.WAIT)
    assert advance(spec(), before, facts(stable="")).phase is before.phase


@pytest.mark.parametrize(
    ("stage", "phase", "following"),
    [
        (PromotionStage.SHIFT, Phase.ROLLING_BACK, None),
        (PromotionStage.ALIAS, Phase.PROMOTING, PromotionStage.UNDO),
        (PromotionStage.SERVICE, Phase.PROMOTING, PromotionStage.UNDO),
        (PromotionStage.UNDO, Phase.PROMOTING, PromotionStage.UNDO),
    ],
)
def test_a_promotion_that_takes_too_long_is_put_back(
    stage: PromotionStage, phase: Phase, following: PromotionStage | None
) -> None:
    before = state(Phase.PROMOTING, stage=stage, since=NOW - 121, weight=100)
    after = advance(spec(), before, facts(done=False, problem="it hangs"))
    assert (after.phase, after.stage) == (phase, following)
    if stage is not PromotionStage.UNDO:
        assert "it hangs" in after.reason
    early = advance(spec(), before.model_copy(update={"since": NOW - 119}), facts(done=False, problem="it hangs"))
    assert (early.phase, early.stage) == (Phase.PROMOTING, stage)


def test_the_acts_of_a_promotion_come_in_order(verdict: Any) -> None:
    now = state(Phase.PROMOTING, stage=PromotionStage.SHIFT)
    stages = []
    for _ in range(3):
        stages.append(now.stage)
        now = advance(spec(), now, facts())
    assert (
        stages == [PromotionStage.SHIFT, PromotionStage.ALIAS, PromotionStage.SERVICE] and now.phase is Phase.PROMOTED
    )


def test_at_100_percent_the_champion_of_the_step_before_is_compared_with(verdict: Any) -> None:
    whole = spec(steps=[{"weight": 50, "holdSeconds": 1}, {"weight": 100, "holdSeconds": 1}])
    seen = facts(evidence=Evidence(opened=NOW - 100, stable=cohort(5000), canary=cohort(5000)))
    after = advance(whole, state(Phase.PROGRESSING, step=0, weight=50), seen)
    assert after.weight == 100
    kept = Evidence.unpacked(after.evidence)
    assert (kept.stable.requests, kept.canary.requests, kept.opened) == (5000, 0, None)


@pytest.mark.parametrize("ended", sorted(ENDED))
def test_a_retry_begins_the_next_attempt_from_the_start(ended: Phase) -> None:
    after = advance(spec(), state(ended), facts(requests=Commands(retry=2)))
    assert (after.phase, after.attempt, after.candidate_version, after.step) == (Phase.PENDING, 2, "", -1)
    assert advance(spec(), state(ended, attempt=2), facts(requests=Commands(retry=2))).phase is ended


def test_a_candidate_that_comes_to_mean_another_version_is_tried_by_itself() -> None:
    again = advance(spec(candidate="challenger"), state(Phase.ROLLED_BACK), facts(candidate="3"))
    assert (again.phase, again.attempt) == (Phase.PENDING, 2)
    for seen in ("2", "1", ""):
        assert advance(spec(candidate="challenger"), state(Phase.ROLLED_BACK), facts(candidate=seen)).ended
    edited = advance(spec(candidate="3"), state(Phase.ROLLED_BACK), facts(candidate="3"))
    assert (edited.phase, edited.attempt) == (Phase.PENDING, 2)
    assert advance(spec(candidate="2"), state(Phase.ROLLED_BACK), facts(candidate="2")).ended


def test_the_real_judge_lets_good_evidence_pass_and_fails_bad() -> None:
    good = Evidence(NOW - 100, stable=cohort(20_000), canary=cohort(5000), pairs=pairs(400))
    assert advance(spec(), at(0), facts(evidence=good)).weight == 50
    wrong = replace(good, canary=cohort(5000, wrong=500))
    assert "errors" in advance(spec(), at(0), facts(evidence=wrong)).reason
    swapped = replace(good, pairs=pairs(400, swapped=True))
    back = advance(spec(), at(0), facts(evidence=swapped))
    assert back.phase is Phase.ROLLING_BACK and "predictions" in back.reason


def test_shares_of_the_chance_to_fail_a_good_candidate_add_up() -> None:
    for shadow in (None, {}):
        asked = spec(shadow=shadow)
        first = machine.share(asked, Phase.SHADOW) if asked.shadow else 0.0
        assert first + 2 * machine.share(asked, Phase.PROGRESSING) == pytest.approx(0.05)


FACTS = st.builds(
    dict,
    verdict=st.sampled_from(list(Verdict)),
    passed=st.sampled_from([0.0, 1.0, 50.0, 70.0, 700.0]),
    done=st.booleans(),
    stable=st.sampled_from(["1", "1", "1", "", "3"]),
    ready=st.sampled_from([READY, READY, READY, Readiness(False, "silent"), Readiness(False, "dead", True)]),
    opened=st.booleans(),
    paused=st.sampled_from([False, False, False, True]),
    aborted=st.sampled_from([False, False, False, False, True]),
    approved=st.sampled_from(["", "", "1/5", "1/shadow", "1/promotion", "2/promotion"]),
    retry=st.sampled_from([1, 1, 2]),
)


GOOD = {"verdict": Verdict.PASS, "passed": 70.0, "done": True, "stable": "1", "ready": READY, "opened": True}
GOOD |= {"paused": False, "aborted": False, "approved": "1/promotion", "retry": 1}
SOME_GOOD = st.one_of(
    st.just(GOOD),
    st.just(GOOD),
    st.builds(lambda bad, one: GOOD | {one: bad[one]}, FACTS, st.sampled_from(sorted(GOOD))),
    FACTS,
)
"""As it goes well, with one thing otherwise, or anyhow: so that some get to the end."""


@settings(max_examples=300)
@given(
    looks=st.lists(SOME_GOOD, min_size=5, max_size=30),
    promotion=st.sampled_from(["Manual", "Automatic"]),
    undecided=st.sampled_from(["Pause", "RollBack"]),
    shadow=st.sampled_from([None, {}, {"approval": True}]),
)
def test_nothing_is_promoted_without_a_pass_or_a_named_approval_at_every_window(
    looks: list[dict[str, Any]], promotion: str, undecided: str, shadow: dict[str, Any] | None
) -> None:
    asked = spec(promotion=promotion, undecided=undecided, shadow=shadow)
    now, clock = State(), NOW
    with pytest.MonkeyPatch.context() as patch:
        for look in looks:
            clock += look["passed"]
            verdict = look["verdict"]
            patch.setattr(machine, "judge", lambda *_, said=verdict, **__: judgement(said))
            requests = Commands(
                paused=look["paused"], aborted=look["aborted"], approved=look["approved"], retry=look["retry"]
            )
            evidence = Evidence(opened=now.since if look["opened"] else None)
            seen = Facts(
                clock, requests, look["stable"], "2", readiness=look["ready"], done=look["done"], evidence=evidence
            )
            before, now = now, advance(asked, now, seen)
            windows = (Phase.SHADOW, Phase.PROGRESSING)
            onward = now.phase in (Phase.PROGRESSING, Phase.PROMOTING) and (now.phase, now.step) != (
                before.phase,
                before.step,
            )
            if before.phase in windows and onward:
                approved = before.gate != "" and requests.approved == before.gate
                assert approved or verdict is Verdict.PASS
                assert look["ready"].ready and not requests.paused and not requests.aborted
                if now.phase is Phase.PROMOTING and promotion == "Manual":
                    assert approved and before.gate == f"{before.attempt}/promotion"
            if now.phase is Phase.PROMOTED and before.phase is not Phase.PROMOTED:
                assert (before.phase, before.stage) == (Phase.PROMOTING, PromotionStage.SERVICE)
            if now.phase is Phase.PROMOTING and before.phase is not Phase.PROMOTING:
                assert before.phase is Phase.PROGRESSING and before.step == len(asked.steps) - 1
