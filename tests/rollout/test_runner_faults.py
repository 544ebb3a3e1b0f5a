"""Operations that fail for a while cost a rollout time; whatever happens, alias and service end on the same version."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchday.patience import NotYet
from rollout import window
from rollout.state import Commands, Phase
from tests.rollout.fakes import FakeVersions, MemoryStore, RolloutWorld, count_errors
from tests.rollout.runs import kill_at, run
from tests.rollout.scenarios import SPEC, alias_fails, erring


@pytest.fixture(autouse=True, scope="module")
def _quick_judge() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "judge", count_errors)
        yield


@pytest.mark.parametrize("fault", ["meter", "replay", "readiness", "split"])
def test_a_fault_that_passes_costs_time_and_no_more(fault: str) -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    run(SPEC, world, store, rounds=5)
    world.faults.add(fault)
    run(SPEC, world, store, rounds=10)
    assert store.state.phase in (Phase.PROGRESSING, Phase.SHADOW)
    assert f"{fault} does not work" in store.state.problem + store.state.reason
    world.faults.clear()
    run(SPEC, world, store)
    assert (store.state.phase, world.champion, world.stable) == (Phase.PROMOTED, "2", "2")


def test_a_registry_that_is_down_at_the_start_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    world = RolloutWorld()
    store = MemoryStore(world)

    def silent(self: FakeVersions, model: str) -> str:
        raise NotYet("MLflow does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(FakeVersions, "champion", silent)
        run(SPEC, world, store, rounds=3)
        assert store.state.phase is Phase.PENDING and "does not answer" in store.state.reason
    run(SPEC, world, store)
    assert store.state.phase is Phase.PROMOTED


def test_an_alias_that_cannot_be_moved_puts_everything_back() -> None:
    world = RolloutWorld()
    alias_fails(world)
    store = MemoryStore(world)
    run(SPEC, world, store)
    assert (store.state.phase, world.champion, world.stable, world.candidate) == (Phase.ROLLED_BACK, "1", "1", "")
    assert store.state.reason == "the promotion failed: alias does not work"


def test_errors_are_counted_whether_rows_can_be_replayed_or_not() -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    run(SPEC, world, store, rounds=3)
    assert store.state.phase is Phase.PROGRESSING
    world.faults.add("replay")
    erring(world)
    run(SPEC, world, store, rounds=5)
    assert (store.state.phase, world.champion) == (Phase.ROLLED_BACK, "1")
    assert "it is a fail" in store.state.reason


FAULTS = (
    "open",
    "deploy",
    "split",
    "readiness",
    "promote",
    "roll back",
    "alias",
    "champion",
    "mark",
    "meter",
    "replay",
)
ROUND = st.builds(
    dict,
    faults=st.sets(st.sampled_from((*FAULTS, "check")), max_size=2),
    kill=st.one_of(st.none(), st.none(), st.integers(0, 16)),
    aborted=st.sampled_from([False, False, False, False, True]),
    paused=st.sampled_from([False, False, True]),
    errs=st.sampled_from([0.0, 0.0, 0.0, 0.3]),
    ready=st.sampled_from([True, True, True, False]),
    seconds=st.sampled_from([1.0, 20.0, 60.0, 400.0]),
)
GOOD = {"faults": set(), "kill": None, "aborted": False, "paused": False, "errs": 0.0, "ready": True, "seconds": 20.0}
MOSTLY_GOOD = st.one_of(
    st.just(GOOD),
    st.just(GOOD),
    st.builds(lambda bad, one: GOOD | {one: bad[one]}, ROUND, st.sampled_from(sorted(GOOD))),
)
"""A good round, or one with one thing wrong: so that some rollouts get to their promotion."""


def play(world: RolloutWorld, store: MemoryStore, rounds: list[dict[str, Any]]) -> None:
    """One runner for each round. An error before the rollout has begun ends the runner, as it should."""
    for each in rounds:
        world.faults, world.ready, world.errors = each["faults"], each["ready"], {"2": each["errs"]}
        world.kill = kill_at(each["kill"]) if each["kill"] is not None else lambda point: None
        store.given = Commands(aborted=each["aborted"], paused=each["paused"])
        try:
            run(SPEC, world, store, rounds=1)
        except Exception:  # noqa: BLE001
            assert store.state.phase is Phase.PENDING
        world.passed(each["seconds"])


@given(rounds=st.lists(st.one_of(MOSTLY_GOOD, MOSTLY_GOOD, MOSTLY_GOOD, ROUND), min_size=5, max_size=30))
def test_whatever_happens_alias_and_service_end_on_the_same_version(rounds: list[dict[str, Any]]) -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    play(world, store, rounds)
    world.faults, world.ready, world.kill = set(), True, lambda point: None
    store.given = Commands()
    run(SPEC, world, store, rounds=300)
    state = store.state
    assert state.ended
    assert world.champion == world.stable
    assert (world.candidate, world.weight) == ("", 0)
    assert world.champion == ("2" if state.phase is Phase.PROMOTED else "1")
    if state.phase is Phase.ROLLED_BACK:
        assert ("2" in world.marked) == state.mark_version
