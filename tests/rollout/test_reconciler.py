"""Rounds of the reconciler: prerequisites, conflicts, cooldown, and what is undone when a promotion fails."""

from collections.abc import Iterator

import pytest

from matchday.registry import RegistryError
from rollout import window
from rollout.evidence import Evidence
from rollout.judge import Verdict
from rollout.spec import Spec
from rollout.state import Commands, Phase, State
from rollout.store import Conflict
from tests.rollout.fakes import FakeVersions, MemoryStore, RolloutWorld, count_errors, judgement
from tests.rollout.runs import reconciler, run
from tests.rollout.scenarios import GIVEN, SPEC, erring, service_fails


@pytest.fixture(autouse=True, scope="module")
def _quick_judge() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "judge", count_errors)
        yield


def test_of_two_processes_that_decide_at_once_one_is_refused() -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    one, other = (reconciler(SPEC, world, MemoryStore(world, saved=store.saved)) for _ in range(2))
    one.reconcile()
    world.passed()
    pending = [other.reconcile]

    def run_other(point: str) -> None:
        if point == "after deploy" and pending:
            pending.pop()()

    world.kill = run_other
    with pytest.raises(Conflict, match="somebody else"):
        one.reconcile()
    world.kill = lambda point: None
    assert store.state.phase is Phase.SHADOW
    run(SPEC, world, store)
    assert store.state.phase is Phase.PROMOTED


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        ("1", "version 1 of match-outcome is the champion already"),
        ("9", "no version 9"),
        ("nobody", "no version nobody"),
    ],
)
def test_a_candidate_that_cannot_be_tried_is_refused(candidate: str, reason: str) -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    run(Spec.parse(GIVEN | {"candidate": candidate}), world, store)
    assert store.state.phase is Phase.REFUSED and reason in store.state.reason
    assert (world.stable, world.candidate) == ("1", "")


def test_a_rival_is_waited_for() -> None:
    world = RolloutWorld()
    store = MemoryStore(world, other="first")
    run(SPEC, world, store, rounds=3)
    assert store.state.phase is Phase.PENDING and "rollout first of the same service" in store.state.reason
    store.other = ""
    run(SPEC, world, store)
    assert store.state.phase is Phase.PROMOTED


def test_a_version_that_was_rolled_back_is_not_tried_before_its_cooldown_has_passed_or_a_person_asks() -> None:
    world = RolloutWorld()
    erring(world)
    first = MemoryStore(world)
    run(SPEC, world, first)
    assert first.state.phase is Phase.ROLLED_BACK and set(world.marked) == {"2"}
    world.errors.clear()
    second = MemoryStore(world)
    run(SPEC, world, second)
    assert second.state.phase is Phase.REFUSED and "is not tried again for 24.0 h" in second.state.reason
    second.given = Commands(retry=2)
    run(SPEC, world, second)
    assert second.state.phase is Phase.PROMOTED
    world.champion = world.stable = "1"
    world.now += SPEC.cooldown_seconds
    third = MemoryStore(world)
    run(SPEC, world, third)
    assert third.state.phase is Phase.PROMOTED


@pytest.mark.parametrize("change", ["window not observed", "champion moved", "undecided"])
def test_a_version_is_not_marked_when_nothing_was_found_against_it(
    change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, store = RolloutWorld(), MemoryStore(RolloutWorld())
    store.world = world
    if change == "window not observed":
        world.faults.add("meter")
    elif change == "undecided":
        monkeypatch.setattr(window, "judge", lambda *_, **__: judgement(Verdict.INCONCLUSIVE))

    def move_champion(state: State) -> None:
        if change == "champion moved" and state.phase is Phase.PROGRESSING:
            world.champion = "3"

    run(Spec.parse(GIVEN | {"undecided": "RollBack"}), world, store, watch=move_champion)
    assert store.state.phase is Phase.ROLLED_BACK, store.state.reason
    assert not world.marked and not store.state.mark_version
    again = MemoryStore(world)
    world.faults.clear()
    run(SPEC.model_copy(update={"candidate": "2"}), world, again, rounds=3)
    assert again.state.phase is not Phase.REFUSED


def test_only_the_attempt_that_a_person_asked_for_skips_the_cooldown() -> None:
    world = RolloutWorld()
    world.marked["2"] = world.now
    store = MemoryStore(world)
    spec = SPEC.model_copy(update={"candidate": "challenger", "cooldown_seconds": 86_400.0})
    run(spec, world, store)
    assert store.state.phase is Phase.REFUSED
    store.given = Commands(retry=2)
    one = reconciler(spec, world, store)
    one.reconcile()
    one.reconcile()
    assert (store.state.phase, store.state.attempt) == (Phase.STARTING, 2)
    erring(world)
    run(spec, world, store)
    assert store.state.phase is Phase.ROLLED_BACK
    for version in ("3", "2"):
        world.marked[version] = world.now
        world.aliases["challenger"] = version
        for _ in range(3):
            one.reconcile()
        assert store.state.phase is Phase.REFUSED


def test_rows_are_replayed_once_in_each_window_with_traffic() -> None:
    world = RolloutWorld()
    world.known_rows = 10
    store = MemoryStore(world)
    spec = SPEC.model_copy(update={"shadow": None})
    one, opened = reconciler(spec, world, store), set()
    while not (state := one.reconcile()).ended:
        opened.add(Evidence.from_text(state.evidence).opened)
        world.passed(5)
    assert state.phase is Phase.PROMOTED
    assert len(world.replays) == len(spec.steps)
    assert set(world.replays) <= opened


def test_a_version_that_is_gone_from_the_registry_holds_up_no_roll_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise RegistryError("match-outcome has no version 2")

    monkeypatch.setattr(FakeVersions, "mark_rolled_back", gone)
    world = RolloutWorld()
    erring(world)
    store = MemoryStore(world)
    run(SPEC, world, store)
    assert store.state.phase is Phase.ROLLED_BACK


def test_a_promotion_that_is_undone_restores_the_candidates_alias() -> None:
    world = RolloutWorld()
    service_fails(world)
    store = MemoryStore(world)
    run(SPEC.model_copy(update={"candidate": "challenger"}), world, store)
    assert (store.state.phase, world.champion) == (Phase.ROLLED_BACK, "1")
    assert world.aliases == {"challenger": "2"}
