"""A runner that is killed at any point is followed by one that brings the rollout to the same end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from rollout import window
from rollout.embedded.workspace import Busy
from rollout.evidence import Evidence
from rollout.state import Phase, State
from tests.rollout.fakes import MemoryStore, RolloutWorld, count_errors
from tests.rollout.runs import kill_at, run
from tests.rollout.scenarios import SPEC, erring, good, never_ready, service_fails


@pytest.fixture(autouse=True, scope="module")
def _quick_judge() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "judge", count_errors)
        yield


@dataclass
class RequestCount:
    """Compares the requests of a window by the world's own count with those of the evidence."""

    world: RolloutWorld
    window: tuple[int, int] | None = None
    before: dict[str, int] = field(default_factory=dict)

    def check(self, state: State) -> None:
        evidence = Evidence.from_text(state.evidence)
        if state.phase is not Phase.PROGRESSING or evidence.opened is None:
            return
        if self.window != (state.attempt, state.step):
            self.window, self.before = (state.attempt, state.step), dict(self.world.served)
        served = {version: self.world.served.get(version, 0) - self.before.get(version, 0) for version in "12"}
        assert served == {"1": evidence.stable.requests, "2": evidence.canary.requests}


def decisions(store: MemoryStore) -> list[tuple[Phase, int, str]]:
    return [(entry.phase, entry.weight, entry.reason) for entry in store.state.history]


SCENARIOS: dict[Callable[[RolloutWorld], None], tuple[Phase, str]] = {
    good: (Phase.PROMOTED, "2"),
    erring: (Phase.ROLLED_BACK, "1"),
    never_ready: (Phase.ROLLED_BACK, "1"),
    service_fails: (Phase.ROLLED_BACK, "1"),
}


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_killed_at_any_point_it_ends_the_same_with_the_same_evidence(scenario: Callable[[RolloutWorld], None]) -> None:
    undisturbed = RolloutWorld()
    scenario(undisturbed)
    points: list[str] = []
    undisturbed.kill = points.append
    store = MemoryStore(undisturbed)
    run(SPEC, undisturbed, store)
    phase, version = SCENARIOS[scenario]
    assert (store.state.phase, undisturbed.stable, undisturbed.champion) == (phase, version, version)
    assert len(points) > 20
    for index, point in enumerate(points):
        world = RolloutWorld()
        scenario(world)
        world.kill = kill_at(index)
        killed = MemoryStore(world)
        assert run(SPEC, world, killed, watch=RequestCount(world).check) == [point]
        assert decisions(killed) == decisions(store), point
        assert (world.stable, world.champion, world.candidate, world.weight) == (version, version, "", 0), point
        assert not world.leased, point


def test_every_operation_and_every_save_is_among_the_points() -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    points: list[str] = []
    phases = set()

    def note(point: str) -> None:
        points.append(point)
        if point == "before save" and store.saves:
            phases.add(store.saves[-1].phase)

    world.kill = note
    run(SPEC, world, store)
    operations = ("lease", "rival", "open", "champion", "check", "load", "deploy", "split", "readiness", "replay")
    assert {f"before {each}" for each in (*operations, "meter", "save", "alias", "promote")} <= set(points)
    after = ("deploy", "split", "save", "alias", "the other server ended")
    assert {f"after {each}" for each in after} <= set(points)
    assert phases >= {Phase.STARTING, Phase.SHADOW, Phase.PROGRESSING, Phase.PROMOTING}


def test_a_window_stays_open_over_kills_and_requests_are_counted_once() -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    opened: dict[int, float] = {}
    count = RequestCount(world)

    def watch(state: State) -> None:
        count.check(state)
        evidence = Evidence.from_text(state.evidence)
        if state.phase is Phase.PROGRESSING and evidence.opened:
            assert opened.setdefault(state.step, evidence.opened) == evidence.opened

    while not store.state.ended:
        run(SPEC, world, store, rounds=1, watch=watch)
        world.passed()
    assert store.state.phase is Phase.PROMOTED and set(opened) == {0, 1}


def test_a_second_runner_of_a_service_is_refused_while_the_first_runs() -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    refusals: list[str] = []

    def start_another(point: str) -> None:
        if point == "after deploy" and not refusals:
            world.kill = lambda point: None
            with pytest.raises(Busy) as refused:
                run(SPEC, world, store)
            refusals.append(str(refused.value))

    world.kill = start_another
    run(SPEC, world, store)
    assert refusals == ["service match-outcome is in the hands of another process"]
    assert store.state.phase is Phase.PROMOTED
