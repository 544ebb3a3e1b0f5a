"""Stages of a promotion: their order, and what undoes them."""

from typing import Any

import pytest

from matchday.patience import NotYet
from rollout import window
from rollout.splitter import Readiness
from rollout.state import Commands, Phase, PromotionStage, State
from rollout.state_machine import advance
from tests.rollout.fakes import FakeVersions, MemoryStore, RolloutWorld, count_errors
from tests.rollout.runs import run
from tests.rollout.scenarios import SPEC
from tests.rollout.states import NOW, facts, spec, state


@pytest.fixture
def quick_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the real judge, which has tests of its own."""
    monkeypatch.setattr(window, "judge", count_errors)


def early_stage(stage: PromotionStage) -> bool:
    """Whether the alias has not moved yet."""
    return stage in (PromotionStage.SHIFT, PromotionStage.ALIAS)


@pytest.mark.parametrize(
    ("stage", "phase", "following"),
    [
        (PromotionStage.SHIFT, Phase.ROLLING_BACK, None),
        (PromotionStage.ALIAS, Phase.PROMOTING, PromotionStage.UNDO),
        (PromotionStage.SERVICE, Phase.PROMOTING, PromotionStage.UNDO),
        (PromotionStage.UNDO, Phase.ROLLING_BACK, None),
    ],
)
def test_a_promotion_that_takes_too_long_is_undone(
    stage: PromotionStage, phase: Phase, following: PromotionStage | None
) -> None:
    before = state(Phase.PROMOTING, stage=stage, since=NOW - 121, weight=100)
    after = advance(spec(), before, facts(done=False, problem="it hangs", stable="1" if early_stage(stage) else "2"))
    assert (after.phase, after.stage) == (phase, following)
    assert "it hangs" in after.reason
    early = advance(spec(), before.model_copy(update={"since": NOW - 119}), facts(done=False, problem="it hangs"))
    assert (early.phase, early.stage) == (Phase.PROMOTING, stage)


def test_the_stages_of_a_promotion_come_in_order(verdict: Any) -> None:
    now = state(Phase.PROMOTING, stage=PromotionStage.SHIFT)
    stages = []
    for _ in range(3):
        stages.append(now.stage)
        now = advance(spec(), now, facts())
    assert (
        stages == [PromotionStage.SHIFT, PromotionStage.ALIAS, PromotionStage.SERVICE] and now.phase is Phase.PROMOTED
    )


@pytest.mark.parametrize(
    ("stage", "phase", "following"),
    [
        (PromotionStage.SHIFT, Phase.ROLLING_BACK, None),
        (PromotionStage.ALIAS, Phase.PROMOTING, PromotionStage.UNDO),
        (PromotionStage.SERVICE, Phase.PROMOTING, PromotionStage.UNDO),
    ],
)
@pytest.mark.parametrize("done", [True, False])
def test_an_abort_is_honoured_in_every_stage(
    stage: PromotionStage, phase: Phase, following: PromotionStage | None, done: bool
) -> None:
    champion = "2" if stage is PromotionStage.SERVICE else "1"
    seen = facts(done=done, stable=champion, commands=Commands(aborted=True, paused=True))
    after = advance(spec(), state(Phase.PROMOTING, stage=stage, weight=100), seen)
    assert (after.phase, after.stage, after.reason) == (phase, following, "aborted by a person")
    assert not after.paused


@pytest.mark.parametrize("stage", PromotionStage)
def test_a_promotion_aborted_in_any_stage_is_taken_back_whole(stage: PromotionStage, quick_judge: None) -> None:
    world, store = RolloutWorld(), MemoryStore(RolloutWorld())
    store.world = world

    def abort(now: State) -> None:
        if now.stage is stage or (stage is PromotionStage.UNDO and now.stage is PromotionStage.SERVICE):
            store.given = Commands(aborted=True)

    run(SPEC.model_copy(update={"candidate": "challenger"}), world, store, watch=abort)
    assert store.state.phase is Phase.ROLLED_BACK
    assert (world.champion, world.stable, world.candidate, world.weight) == ("1", "1", "", 0)
    assert world.aliases["challenger"] == "2"


@pytest.mark.parametrize("stage", [PromotionStage.SHIFT, PromotionStage.ALIAS, PromotionStage.SERVICE])
def test_servers_that_never_answer_again_end_a_promotion_at_once(stage: PromotionStage) -> None:
    before = state(Phase.PROMOTING, stage=stage, weight=100)
    gone = Readiness(False, "its server ended", permanent=True)
    after = advance(spec(), before, facts(done=False, readiness=gone))
    assert after.phase is Phase.ROLLING_BACK or after.stage is PromotionStage.UNDO
    assert "its server ended" in after.reason


def test_an_alias_that_cannot_be_given_back_holds_no_traffic_on_the_candidate(
    quick_judge: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, store, began = RolloutWorld(), MemoryStore(RolloutWorld()), []
    store.world = world
    world.faults.add("promote")
    moves = FakeVersions.promote

    def refuse(self: FakeVersions, model: str, version: str) -> None:
        if version == "1":
            began.append(world.now)
            raise NotYet("MLflow answers 403")
        moves(self, model, version)

    monkeypatch.setattr(FakeVersions, "promote", refuse)
    run(SPEC, world, store, rounds=400)
    assert store.state.phase is Phase.ROLLED_BACK
    assert (world.stable, world.weight, world.candidate) == ("1", 0, "")
    assert began[-1] - began[0] <= SPEC.promotion_seconds + 20
    for said in ("could not be given back", "MLflow answers 403", "'matchday model promote 1'"):
        assert said in store.state.reason


def test_a_service_without_an_answering_server_waits_for_no_alias() -> None:
    before = state(Phase.PROMOTING, stage=PromotionStage.UNDO, weight=100, reason="aborted by a person")
    lost = Readiness(False, "requests go to nobody")
    after = advance(spec(), before, facts(done=False, problem="MLflow is away", readiness=lost, stable=""))
    assert after.phase is Phase.ROLLING_BACK
    assert after.reason.startswith("aborted by a person; the alias champion could not be given back: MLflow is away")
    assert advance(spec(), before, facts(done=True, readiness=lost)).reason == "aborted by a person"


def test_a_roll_back_that_takes_too_long_says_so() -> None:
    before = state(Phase.ROLLING_BACK, since=NOW - 119, reason="errors")
    seen = facts(done=False, problem="0 HTTPRoutes are labelled")
    assert not advance(spec(), before, seen).stalled
    after = advance(spec(), before.model_copy(update={"since": NOW - 121}), seen)
    assert (after.phase, after.stalled, after.problem) == (Phase.ROLLING_BACK, True, "0 HTTPRoutes are labelled")
    assert not advance(spec(), after, facts()).stalled


@pytest.mark.parametrize("phase", [Phase.ROLLING_BACK, Phase.PROMOTING])
def test_a_pause_holds_up_no_way_back(phase: Phase) -> None:
    stage = PromotionStage.UNDO if phase is Phase.PROMOTING else None
    now = state(phase, stage=stage, since=NOW, tick=NOW, paused=True, reason="errors")
    for count in range(1, 40):
        seen = facts(now=NOW + 10 * count, done=False, problem="MLflow is away", commands=Commands(paused=True))
        now = advance(spec(), now, seen)
    assert now.phase is Phase.ROLLING_BACK and now.stalled
