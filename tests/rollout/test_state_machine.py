"""State machine: the next phase from state and facts, without the network."""

from dataclasses import replace
from typing import Any

import pytest

from rollout.evidence import Evidence
from rollout.judge import Verdict
from rollout.splitter import Readiness
from rollout.state import ENDED, Commands, Phase, PromotionStage, State
from rollout.state_machine import advance
from tests.rollout.states import NOW, at, facts, spec, state


@pytest.mark.parametrize(
    ("before", "seen", "phase", "said"),
    [
        (State(), {}, Phase.STARTING, "version 2 beside version 1"),
        (State(), {"refusal": "no such model"}, Phase.REFUSED, "no such model"),
        (State(), {"not_yet": "rollout other"}, Phase.PENDING, "rollout other"),
        (State(), {"commands": Commands(aborted=True)}, Phase.REFUSED, "aborted"),
        (State(), {"commands": Commands(paused=True)}, Phase.PENDING, "paused"),
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
            "5 % was not observed in time: no counters",
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
def test_the_next_phase_follows_from_state_and_facts(
    verdict: Any, before: State, seen: dict[str, Any], phase: Phase, said: str
) -> None:
    after = advance(spec(), before, facts(**seen))
    assert after.phase is phase
    assert said in after.reason


def test_each_step_has_its_weight_and_a_new_window(verdict: Any) -> None:
    first = advance(spec(), state(Phase.SHADOW, evidence="x"), facts())
    assert (first.step, first.weight, first.evidence, first.since) == (0, 5, "", NOW)
    second = advance(spec(), at(0), facts())
    assert (second.step, second.weight) == (1, 50)
    assert [entry.weight for entry in (*first.history, *second.history)] == [5, 50]


def test_without_a_shadow_step_traffic_comes_first(verdict: Any) -> None:
    after = advance(spec(shadow=None), state(Phase.STARTING), facts())
    assert (after.phase, after.weight) == (Phase.PROGRESSING, 5)


def test_an_aborted_rollout_starts_again_only_when_a_person_asks(verdict: Any) -> None:
    aborted = Commands(aborted=True)
    refused = advance(spec(candidate="challenger"), State(), facts(commands=aborted))
    assert refused.phase is Phase.REFUSED
    for candidate in ("2", "3"):
        assert advance(spec(candidate="challenger"), refused, facts(commands=aborted, candidate=candidate)).ended
    again = advance(spec(candidate="challenger"), refused, facts(commands=Commands(retry=2), candidate="3"))
    assert (again.phase, again.attempt) == (Phase.PENDING, 2)


def test_the_problem_of_an_action_is_shown_until_the_action_is_done(verdict: Any) -> None:
    waits = advance(spec(), state(Phase.ROLLING_BACK, reason="bad"), facts(done=False, problem="no API"))
    assert (waits.reason, waits.problem) == ("bad", "no API")
    assert advance(spec(), waits, facts()).problem == ""


def test_paused_time_does_not_count(verdict: Any) -> None:
    verdict(Verdict.WAIT)
    resting = advance(spec(), at(0, since=NOW - 10), facts(commands=Commands(paused=True)))
    assert resting.paused
    later = replace(facts(commands=Commands(paused=True)), now=NOW + 5000)
    rested = advance(spec(), resting, later)
    assert rested.since == NOW - 10 + 5000
    awake = advance(spec(), rested, replace(facts(), now=NOW + 5001))
    assert not awake.paused and awake.phase is Phase.PROGRESSING and awake.since == NOW - 10 + 5001


def test_a_paused_rollout_only_rolls_back(verdict: Any) -> None:
    paused = Commands(paused=True)
    assert advance(spec(), at(0), facts(commands=paused)).step == 0
    held = at(1, gate="1/promotion")
    asked = Commands(paused=True, approved="1/promotion")
    assert advance(spec(), held, facts(commands=asked)).phase is Phase.PROGRESSING
    verdict(Verdict.FAIL)
    assert advance(spec(), at(0), facts(commands=paused)).phase is Phase.ROLLING_BACK


@pytest.mark.parametrize(
    ("before", "phase", "stage"),
    [
        (state(Phase.STARTING), Phase.ROLLING_BACK, None),
        (state(Phase.SHADOW), Phase.ROLLING_BACK, None),
        (at(0), Phase.ROLLING_BACK, None),
        (at(1, gate="1/promotion"), Phase.ROLLING_BACK, None),
        (state(Phase.PROMOTING, stage=PromotionStage.SHIFT), Phase.ROLLING_BACK, None),
        (state(Phase.PROMOTING, stage=PromotionStage.ALIAS), Phase.PROMOTING, PromotionStage.UNDO),
        (state(Phase.PROMOTING, stage=PromotionStage.SERVICE), Phase.PROMOTING, PromotionStage.UNDO),
        (state(Phase.PROMOTING, stage=PromotionStage.UNDO), Phase.ROLLING_BACK, None),
        (state(Phase.BAKING), Phase.PROMOTING, PromotionStage.UNDO),
        (state(Phase.ROLLING_BACK), Phase.ROLLED_BACK, None),
        (state(Phase.PROMOTED), Phase.PROMOTED, None),
    ],
)
def test_an_abort_rolls_back_what_it_can_and_the_alias_first(
    verdict: Any, before: State, phase: Phase, stage: PromotionStage | None
) -> None:
    after = advance(spec(), before, facts(commands=Commands(aborted=True)))
    assert (after.phase, after.stage) == (phase, stage)


@pytest.mark.parametrize(
    "before", [state(Phase.STARTING), state(Phase.SHADOW), at(0), state(Phase.PROMOTING, stage=PromotionStage.SHIFT)]
)
def test_another_champion_rolls_it_back(verdict: Any, before: State) -> None:
    after = advance(spec(), before, facts(stable="3"))
    assert after.phase is Phase.ROLLING_BACK and "the champion became version 3" in after.reason


@pytest.mark.parametrize("before", [state(Phase.SHADOW), at(0)])
def test_a_registry_that_does_not_answer_changes_nothing(verdict: Any, before: State) -> None:
    verdict(Verdict.WAIT)
    assert advance(spec(), before, facts(stable="")).phase is before.phase


@pytest.mark.parametrize("ended", sorted(ENDED))
def test_a_retry_starts_the_next_attempt_from_the_beginning(ended: Phase) -> None:
    after = advance(spec(), state(ended), facts(commands=Commands(retry=2)))
    assert (after.phase, after.attempt, after.candidate_version, after.step) == (Phase.PENDING, 2, "", -1)
    assert advance(spec(), state(ended, attempt=2), facts(commands=Commands(retry=2))).phase is ended


def test_a_candidate_that_resolves_to_another_version_is_tried() -> None:
    again = advance(spec(candidate="challenger"), state(Phase.ROLLED_BACK), facts(candidate="3"))
    assert (again.phase, again.attempt) == (Phase.PENDING, 2)
    for seen in ("2", "1", ""):
        assert advance(spec(candidate="challenger"), state(Phase.ROLLED_BACK), facts(candidate=seen)).ended
    edited = advance(spec(candidate="3"), state(Phase.ROLLED_BACK), facts(candidate="3"))
    assert (edited.phase, edited.attempt) == (Phase.PENDING, 2)
    assert advance(spec(candidate="2"), state(Phase.ROLLED_BACK), facts(candidate="2")).ended


@pytest.mark.parametrize(("gate", "paused"), [("1/5", False), ("", True), ("1/5", True)])
def test_a_candidate_that_stays_unready_is_rolled_back_also_at_a_gate_and_while_paused(
    verdict: Any, gate: str, paused: bool
) -> None:
    now, there = at(0, gate=gate, paused=paused), {"commands": Commands(paused=paused)}
    for seconds in range(0, 301, 50):
        now = advance(spec(), now, facts(now=NOW + seconds, readiness=Readiness(False, "no node"), **there))
        assert now.phase is Phase.PROGRESSING
    after = advance(spec(), now, facts(now=NOW + 302, readiness=Readiness(False, "no node"), **there))
    assert after.phase is Phase.ROLLING_BACK and "no node" in after.reason
