"""A rollout whose process is killed anywhere, whose world fails anywhere, still ends as it would have."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchday.registry import RegistryError
from rollout import machine
from rollout.evidence import Evidence
from rollout.judge import Judgement, Observation, Verdict
from rollout.spec import Spec
from rollout.state import Commands, Phase, State
from rollout.store import Conflict
from tests.rollout.fakes import FakeVersions, Killed, MemoryStore, World, judgement, process, surviving

GIVEN = {
    "inferenceService": "match-outcome",
    "candidate": "2",
    "steps": [{"weight": 5, "holdSeconds": 15}, {"weight": 50, "holdSeconds": 15}],
    "promotion": "Automatic",
    "shadow": {"rows": 400, "historyWeeks": 0},
    "readySeconds": 300,
    "promotionSeconds": 25,
}
SPEC = Spec.parse(GIVEN)
MOST_ROUNDS = 60


@pytest.fixture(autouse=True, scope="module")
def _quick_judge() -> Iterator[None]:
    """The judge has tests of its own; here one that only counts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "judge", counting)
        yield


def counting(observation: Observation, *_: Any, **__: Any) -> Judgement:
    canary = observation.canary
    if canary.failed > 0.05 * canary.requests:
        return judgement(Verdict.FAIL)
    return judgement(Verdict.PASS if observation.pairs is not None else Verdict.WAIT)


@dataclass
class Ledger:
    """What was served in each window, by the world's own count, beside what the evidence says."""

    world: World
    window: tuple[int, int] | None = None
    before: dict[str, int] = field(default_factory=dict)

    def check(self, state: State) -> None:
        evidence = Evidence.unpacked(state.evidence)
        if state.phase is not Phase.PROGRESSING or evidence.opened is None:
            return
        if self.window != (state.attempt, state.step):
            self.window, self.before = (state.attempt, state.step), dict(self.world.served)
        counted = {"1": evidence.stable.requests, "2": evidence.canary.requests}
        assert counted == {version: self.world.served.get(version, 0) - self.before.get(version, 0) for version in "12"}


def carried(
    spec: Spec, world: World, store: MemoryStore, rounds: int = MOST_ROUNDS, ledger: Ledger | None = None
) -> list[str]:
    """Rounds until it ends, each by a new process when the last was killed. Returns where it was."""
    kills: list[str] = []
    rollout = process(spec, world, store)
    for _ in range(rounds):
        with surviving(kills):
            state = rollout.tick()
            if ledger:
                ledger.check(state)
            if state.ended:
                break
            world.passed()
            continue
        rollout = process(spec, world, store)
    return kills


def told(store: MemoryStore) -> list[tuple[Phase, int, str]]:
    return [(entry.phase, entry.weight, entry.reason) for entry in store.load().history]


def good(world: World) -> None:
    """Nothing is wrong."""


def erring(world: World) -> None:
    world.errors["2"] = 0.2


def never_ready(world: World) -> None:
    world.ready, world.permanent = False, True


def alias_refused(world: World) -> None:
    world.faults.add("crown")


def service_refused(world: World) -> None:
    world.faults.add("promote")


SCENARIOS: dict[Callable[[World], None], tuple[Phase, str]] = {
    good: (Phase.PROMOTED, "2"),
    erring: (Phase.ROLLED_BACK, "1"),
    never_ready: (Phase.ROLLED_BACK, "1"),
    service_refused: (Phase.ROLLED_BACK, "1"),
}


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_killed_at_any_point_it_is_resumed_to_the_same_end_with_the_same_evidence(
    scenario: Callable[[World], None],
) -> None:
    plain = World()
    scenario(plain)
    points: list[str] = []
    plain.kill = points.append
    store = MemoryStore(plain)
    carried(SPEC, plain, store)
    plain.kill = lambda point: None
    phase, version = SCENARIOS[scenario]
    assert (store.load().phase, plain.stable, plain.champion) == (phase, version, version)
    wanted = told(store)
    assert len(points) > 20
    for place in range(len(points)):
        world = World()
        scenario(world)
        world.kill = killer(place)
        killed = MemoryStore(world)
        kills = carried(SPEC, world, killed, ledger=Ledger(world))
        assert len(kills) == 1
        world.kill = lambda point: None
        assert told(killed) == wanted, points[place]
        assert (world.stable, world.champion, world.candidate, world.weight) == (version, version, "", 0), points[place]


def killer(place: int) -> Callable[[str], None]:
    """Kills once, at the n-th point that is passed."""
    left = [place]

    def kill(point: str) -> None:
        left[0] -= 1
        if left[0] == -1:
            raise Killed(point)

    return kill


def test_a_kill_before_each_save_of_each_phase_is_among_them() -> None:
    phases = set()
    world = World()
    store = MemoryStore(world)
    world.kill = lambda point: phases.add(store.saves[-1].phase) if point == "before save" and store.saves else None
    carried(SPEC, world, store)
    assert phases >= {Phase.STARTING, Phase.SHADOW, Phase.PROGRESSING, Phase.PROMOTING}


def test_what_was_counted_before_a_kill_is_kept_and_counted_once() -> None:
    world = World()
    store = MemoryStore(world)
    opened = {}
    for _ in range(MOST_ROUNDS):
        state = process(SPEC, world, store).tick()
        evidence = Evidence.unpacked(state.evidence)
        if state.phase is Phase.PROGRESSING and evidence.opened:
            assert opened.setdefault(state.step, evidence.opened) == evidence.opened
        if state.ended:
            break
        world.passed()
    assert store.load().phase is Phase.PROMOTED and set(opened) == {0, 1}


def test_two_processes_never_both_decide() -> None:
    world = World()
    store = MemoryStore(world)
    one, other = process(SPEC, world, store), process(SPEC, world, MemoryStore(world, shelf=store.shelf))
    one.tick()
    world.passed()
    left = [True]

    def meanwhile(point: str) -> None:
        if point == "after deploy" and left:
            left.clear()
            other.tick()

    world.kill = meanwhile
    with pytest.raises(Conflict, match="somebody else"):
        one.tick()
    world.kill = lambda point: None
    assert store.load().phase is Phase.SHADOW
    carried(SPEC, world, store)
    assert store.load().phase is Phase.PROMOTED


def test_an_alias_that_cannot_be_moved_puts_everything_back() -> None:
    world = World()
    alias_refused(world)
    store = MemoryStore(world)
    carried(SPEC, world, store, rounds=30)
    state = store.load()
    assert (state.phase, world.champion, world.stable) == (Phase.PROMOTING, "1", "1")
    assert "the promotion failed: crown does not work" in state.reason
    world.faults.clear()
    carried(SPEC, world, store)
    assert (store.load().phase, world.champion, world.stable, world.candidate) == (Phase.ROLLED_BACK, "1", "1", "")


@pytest.mark.parametrize("fault", ["meter", "replay", "readiness", "split"])
def test_a_fault_that_passes_costs_time_and_no_more(fault: str) -> None:
    world = World()
    store = MemoryStore(world)
    carried(SPEC, world, store, rounds=5)
    world.faults.add(fault)
    carried(SPEC, world, store, rounds=10)
    assert store.load().phase in (Phase.PROGRESSING, Phase.SHADOW)
    world.faults.clear()
    carried(SPEC, world, store)
    assert (store.load().phase, world.champion, world.stable) == (Phase.PROMOTED, "2", "2")


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        ("1", "version 1 of match-outcome is the champion already"),
        ("9", "no version 9"),
        ("nobody", "no version nobody"),
    ],
)
def test_what_cannot_begin_is_refused(candidate: str, said: str) -> None:
    world = World()
    store = MemoryStore(world)
    carried(Spec.parse(GIVEN | {"candidate": candidate}), world, store)
    assert store.load().phase is Phase.REFUSED and said in store.load().reason
    assert (world.stable, world.candidate) == ("1", "")


def test_a_registry_that_does_not_answer_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from matchday.patience import NotYet
    from tests.rollout.fakes import FakeVersions

    world = World()
    store = MemoryStore(world)

    def silent(self: FakeVersions, model: str) -> str:
        raise NotYet("MLflow does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(FakeVersions, "champion", silent)
        carried(SPEC, world, store, rounds=3)
        assert store.load().phase is Phase.PENDING and "does not answer" in store.load().reason
    carried(SPEC, world, store)
    assert store.load().phase is Phase.PROMOTED


def test_a_rival_is_waited_for() -> None:
    world = World()
    store = MemoryStore(world, other="first")
    carried(SPEC, world, store, rounds=3)
    assert store.load().phase is Phase.PENDING and "rollout first of the same service" in store.load().reason
    store.other = ""
    carried(SPEC, world, store)
    assert store.load().phase is Phase.PROMOTED


def test_a_version_that_was_rolled_back_is_left_alone_until_it_cooled_or_a_person_asks() -> None:
    world = World()
    erring(world)
    first = MemoryStore(world)
    carried(SPEC, world, first)
    assert first.load().phase is Phase.ROLLED_BACK and set(world.marked) == {"2"}
    world.errors.clear()
    second = MemoryStore(world)
    carried(SPEC, world, second)
    assert second.load().phase is Phase.REFUSED and "left alone for" in second.load().reason
    second.asked = Commands(retry=2)
    carried(SPEC, world, second)
    assert second.load().phase is Phase.PROMOTED
    world.champion = world.stable = "1"
    world.now += SPEC.cooldown_seconds
    third = MemoryStore(world)
    carried(SPEC, world, third)
    assert third.load().phase is Phase.PROMOTED


FAULTS = (
    "deploy",
    "split",
    "readiness",
    "promote",
    "withdraw",
    "crown",
    "champion",
    "mark",
    "meter",
    "replay",
    "check",
)
ROUND = st.builds(
    dict,
    faults=st.sets(st.sampled_from(FAULTS), max_size=2),
    kill=st.one_of(st.none(), st.none(), st.integers(0, 12)),
    aborted=st.sampled_from([False, False, False, False, True]),
    paused=st.sampled_from([False, False, True]),
    errs=st.sampled_from([0.0, 0.0, 0.0, 0.3]),
    ready=st.sampled_from([True, True, True, False]),
    seconds=st.sampled_from([1.0, 20.0, 60.0, 400.0]),
)


def play(world: World, store: MemoryStore, rounds: list[dict[str, Any]]) -> None:
    for look in rounds:
        world.faults, world.ready, world.errors = look["faults"], look["ready"], {"2": look["errs"]}
        world.kill = killer(look["kill"]) if look["kill"] is not None else lambda point: None
        store.asked = Commands(aborted=look["aborted"], paused=look["paused"])
        with surviving([]):
            process(SPEC, world, store).tick()
        world.passed(look["seconds"])


GOOD = {"faults": set(), "kill": None, "aborted": False, "paused": False, "errs": 0.0, "ready": True, "seconds": 20.0}
SOME_GOOD = st.one_of(
    st.just(GOOD),
    st.just(GOOD),
    st.builds(lambda bad, one: GOOD | {one: bad[one]}, ROUND, st.sampled_from(sorted(GOOD))),
)
"""As it goes well, or with one thing otherwise: so that some get to their promotion."""


@given(rounds=st.lists(st.one_of(SOME_GOOD, SOME_GOOD, SOME_GOOD, ROUND), min_size=5, max_size=30))
def test_whatever_happens_alias_and_service_end_on_the_same_version(rounds: list[dict[str, Any]]) -> None:
    world = World()
    store = MemoryStore(world)
    play(world, store, rounds)
    world.faults, world.ready, world.kill = set(), True, lambda point: None
    store.asked = Commands()
    carried(SPEC, world, store, rounds=300)
    state = store.load()
    assert state.ended
    assert world.champion == world.stable
    assert (world.candidate, world.weight) == ("", 0)
    assert world.champion == ("2" if state.phase is Phase.PROMOTED else "1")
    if state.phase is Phase.ROLLED_BACK:
        assert "2" in world.marked


def test_rows_are_asked_for_once_where_requests_are_counted() -> None:
    world = World()
    world.known_rows = 40
    store = MemoryStore(world)
    spec = SPEC.model_copy(update={"shadow": None})
    rollout, opened = process(spec, world, store), set()
    while not (state := rollout.tick()).ended:
        opened.add(Evidence.unpacked(state.evidence).opened)
        world.passed(5)
    assert state.phase is Phase.PROMOTED
    assert len(world.replays) == len(spec.steps)
    assert set(world.replays) <= opened


def test_errors_are_counted_whether_rows_can_be_replayed_or_not() -> None:
    world = World()
    store = MemoryStore(world)
    carried(SPEC, world, store, rounds=3)
    assert store.load().phase is Phase.PROGRESSING
    world.faults.add("replay")
    erring(world)
    carried(SPEC, world, store, rounds=4)
    state = store.load()
    assert (state.phase, world.champion) == (Phase.ROLLED_BACK, "1")
    assert "it is a fail" in state.reason


def test_a_version_that_is_gone_from_the_registry_holds_up_no_roll_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise RegistryError("match-outcome has no version 2")

    monkeypatch.setattr(FakeVersions, "mark_rolled_back", gone)
    world = World()
    erring(world)
    store = MemoryStore(world)
    carried(SPEC, world, store)
    assert store.load().phase is Phase.ROLLED_BACK


def test_a_promotion_that_is_undone_leaves_the_alias_of_the_candidate() -> None:
    world = World()
    service_refused(world)
    store = MemoryStore(world)
    carried(SPEC.model_copy(update={"candidate": "challenger"}), world, store)
    assert (store.load().phase, world.champion) == (Phase.ROLLED_BACK, "1")
    assert world.aliases == {"challenger": "2"}


def test_only_the_attempt_that_a_person_asked_for_passes_over_the_cooldown() -> None:
    world = World()
    world.marked["2"] = world.now
    store = MemoryStore(world)
    spec = SPEC.model_copy(update={"candidate": "challenger", "cooldown_seconds": 86_400.0})
    carried(spec, world, store)
    assert store.load().phase is Phase.REFUSED
    store.asked = Commands(retry=2)
    carried(spec, world, store, rounds=2)
    assert (store.load().phase, store.load().attempt) == (Phase.STARTING, 2)
    erring(world)
    carried(spec, world, store)
    assert store.load().phase is Phase.ROLLED_BACK
    for version in ("3", "2"):
        world.marked[version] = world.now
        world.aliases["challenger"] = version
        carried(spec, world, store, rounds=3)
        assert store.load().phase is Phase.REFUSED
