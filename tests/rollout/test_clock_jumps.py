"""A clock that jumps by hours or days: no hold or deadline ends early, and no rollout freezes."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout import window
from rollout.elapsed import MOST_ROUND_SECONDS
from rollout.evidence import Evidence
from rollout.facts import Facts
from rollout.judge import Verdict
from rollout.promotion import LOST_SECONDS
from rollout.spec import Spec
from rollout.splitter import Readiness
from rollout.state import Commands, Phase, PromotionStage, State
from rollout.state_machine import advance
from tests.rollout.fakes import judgement
from tests.rollout.states import NOW, READY, at, spec, state

HOURS = 3600.0
JUMPS = st.sampled_from([0.0] * 8 + [HOURS, -HOURS, 24 * HOURS, -24 * HOURS, 90.0, -90.0])
ROUNDS = st.lists(st.tuples(st.floats(0.5, 20.0), JUMPS), min_size=150, max_size=150)
"""Seconds that each round really takes, and how far the clock jumps before it."""
MOST_ROUNDS = 4_000


def seconds_in(
    first: State, rounds: list[tuple[float, float]], see: Callable[[float], Facts], asked: Spec
) -> tuple[float, int, State]:
    """How long a state really stays in its step or stage, the number of jumps forward meanwhile, and what follows."""
    clock, real, forward, now = first.tick, 0.0, 0, first
    place = (first.phase, first.step, first.stage)
    for took, jump in [*rounds, *[(10.0, 0.0)] * MOST_ROUNDS]:
        clock, real, forward = clock + took + jump, real + took, forward + (jump > 0)
        now = advance(asked, now, see(clock))
        if (now.phase, now.step, now.stage) != place:
            return real, forward, now
    raise AssertionError(f"it stays {now.phase} for ever: {now.reason}")


def assert_took(real: float, forward: int, wanted: float) -> None:
    """As long as wanted; each jump forward may count as one long round, and each jump back as none."""
    assert real >= wanted - MOST_ROUND_SECONDS * forward
    assert real <= wanted + 20.0 * 150


@settings(max_examples=60, deadline=None)
@given(rounds=ROUNDS)
def test_a_hold_or_a_deadline_takes_its_real_time(rounds: list[tuple[float, float]]) -> None:
    asked = spec(undecided="RollBack", steps=[{"weight": 5, "holdSeconds": 900, "deadlineSeconds": 3000}])
    for verdict, wanted, phase in ((Verdict.PASS, 900, Phase.PROMOTING), (Verdict.WAIT, 3000, Phase.ROLLING_BACK)):
        with pytest.MonkeyPatch.context() as patch:
            later = verdict if verdict is Verdict.PASS else Verdict.INCONCLUSIVE
            patch.setattr(
                window,
                "judge",
                lambda *_, time_up, said=verdict, late=later, **__: judgement(late if time_up else said),
            )
            opened = Evidence(opened=NOW)
            first = state(Phase.PROGRESSING, step=0, weight=5, since=NOW, tick=NOW)
            see = lambda clock, seen=opened: Facts(clock, stable="1", candidate="2", readiness=READY, evidence=seen)  # noqa: E731
            real, forward, after = seconds_in(first, rounds, see, asked)
        assert after.phase is phase, after.reason
        assert_took(real, forward, wanted)


@settings(max_examples=60, deadline=None)
@given(rounds=ROUNDS, stage=st.sampled_from([PromotionStage.SHIFT, PromotionStage.ALIAS, PromotionStage.UNDO]))
def test_a_stage_of_a_promotion_takes_its_real_time(rounds: list[tuple[float, float]], stage: PromotionStage) -> None:
    first = state(Phase.PROMOTING, stage=stage, weight=100, since=NOW, tick=NOW)
    see = lambda clock: Facts(clock, stable="1", candidate="2", readiness=READY)  # noqa: E731
    real, forward, after = seconds_in(first, rounds, see, spec(promotionSeconds=900))
    assert after.phase is Phase.ROLLING_BACK or after.stage is PromotionStage.UNDO
    assert_took(real, forward, 900)


@settings(max_examples=60, deadline=None)
@given(rounds=ROUNDS, paused=st.booleans())
def test_a_candidate_that_does_not_answer_has_its_real_time(rounds: list[tuple[float, float]], paused: bool) -> None:
    silent = Readiness(False, "no answer")
    first = at(0, since=NOW, tick=NOW, silent_since=NOW)
    see = lambda clock: Facts(  # noqa: E731
        clock, Commands(paused=paused), stable="1", candidate="2", readiness=silent, evidence=Evidence(opened=NOW)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "judge", lambda *_, **__: judgement(Verdict.WAIT))
        real, forward, after = seconds_in(first, rounds, see, spec(readySeconds=900))
    assert after.phase is Phase.ROLLING_BACK and "was not ready" in after.reason
    assert_took(real, forward, 900)


@pytest.mark.parametrize("jump", [HOURS, -HOURS, 24 * HOURS, -24 * HOURS])
@pytest.mark.parametrize("when", ["before the window opens", "after it"])
def test_one_jump_costs_a_hold_a_minute_at_most(jump: float, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "judge", lambda *_, **__: judgement(Verdict.PASS))
    now, clock, held = at(0, since=NOW, tick=NOW), NOW, 0.0
    opened = NOW if when == "after it" else None
    for count in range(200):
        clock += 5.0 + (jump if count == 3 else 0.0)
        opened = clock if opened is None and count >= 4 else opened
        now = advance(spec(), now, Facts(clock, stable="1", candidate="2", readiness=READY, done=True,
                                         evidence=Evidence(opened=opened)))  # fmt: skip
        if now.step:
            break
        held = 5.0 * (count + 1)
    assert now.step == 1, now.reason
    assert 0.0 <= held <= 60.0 + 5.0 * 7
    if jump < 0:
        assert held >= 55.0


def test_requests_that_go_to_nobody_for_a_moment_undo_no_promotion() -> None:
    now = state(Phase.PROMOTING, stage=PromotionStage.SERVICE, weight=100, since=NOW, tick=NOW)
    lost = Readiness(False, "requests go to match-outcome-v2-predictor, which has no ready pod")
    clock = NOW
    for readiness in [lost] * 4 + [READY] + [lost] * 4:
        clock += LOST_SECONDS / 4
        now = advance(spec(), now, Facts(clock, stable="2", candidate="2", readiness=readiness))
        assert now.stage is PromotionStage.SERVICE
    while now.stage is PromotionStage.SERVICE:
        clock += LOST_SECONDS / 4
        now = advance(spec(), now, Facts(clock, stable="2", candidate="2", readiness=lost))
    assert now.stage is PromotionStage.UNDO and "has no ready pod" in now.reason
