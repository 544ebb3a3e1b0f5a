"""A promotion that a person takes back: alias and service, on this machine and on a cluster."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from console.operations import rollout_running
from console.operations import rollouts as operations
from matchday.errors import MatchdayError
from matchday.patience import NotYet
from matchday.settings import Settings
from rollout import window
from rollout.embedded.repository import FolderRepository
from rollout.embedded.settings import RolloutSettings
from rollout.embedded.workspace import Workspace
from rollout.kubernetes.api import Api
from rollout.kubernetes.repository import ClusterRepository
from rollout.repository import RolloutRepository
from rollout.spec import Spec
from rollout.state import Commands, Phase, PromotionStage, State
from rollout.state_machine import advance
from tests.rollout.fakes import FakeVersions, MemoryStore, RolloutWorld, count_errors, sources
from tests.rollout.kubernetes.cluster import NAMESPACE, Cluster
from tests.rollout.kubernetes.simulation import both_modes, simulate
from tests.rollout.runs import kill_at, run
from tests.rollout.scenarios import SPEC
from tests.rollout.states import NOW, facts, spec, state
from tests.waiting import eventually

UNDONE = "a person takes the promotion back"
ALIASED = SPEC.model_copy(update={"candidate": "challenger"})


@pytest.fixture(autouse=True)
def _quick_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "judge", count_errors)


def promoted(asked: Spec = ALIASED) -> tuple[RolloutWorld, MemoryStore]:
    """A world in which version 2 was promoted."""
    world = RolloutWorld()
    store = MemoryStore(world)
    run(asked, world, store)
    assert (store.state.phase, world.champion, world.stable) == (Phase.PROMOTED, "2", "2")
    return world, store


def test_alias_and_service_go_back_and_the_version_is_marked() -> None:
    world, store = promoted()
    store.given = Commands(undo=1)
    run(ALIASED, world, store)
    assert (store.state.phase, store.state.reason) == (Phase.ROLLED_BACK, UNDONE)
    assert (world.champion, world.stable, world.candidate, world.weight) == ("1", "1", "", 0)
    assert world.aliases == {"challenger": "2"} and set(world.marked) == {"2"}
    run(ALIASED, world, store, rounds=5)
    assert store.state.phase is Phase.ROLLED_BACK and store.state.attempt == 1


@pytest.mark.parametrize("point", range(14))
def test_an_undo_that_is_killed_anywhere_is_carried_to_its_end(point: int) -> None:
    world, store = promoted()
    store.given, world.kill = Commands(undo=1), kill_at(point)
    run(ALIASED, world, store)
    assert store.state.phase is Phase.ROLLED_BACK
    assert (world.champion, world.stable, world.candidate) == ("1", "1", "")


@pytest.mark.parametrize(
    ("phase", "commands", "stable"),
    [
        (Phase.PROMOTED, Commands(undo=2), "2"),
        (Phase.PROMOTED, Commands(), "2"),
        (Phase.ROLLED_BACK, Commands(undo=1), "1"),
        (Phase.REFUSED, Commands(undo=1), "1"),
    ],
)
def test_nothing_else_is_undone(phase: Phase, commands: Commands, stable: str) -> None:
    before = state(phase, weight=100)
    assert advance(spec(), before, facts(commands=commands, stable=stable)).history == before.history


def test_a_champion_that_came_later_is_left_alone_and_named() -> None:
    world, store = promoted()
    world.champion, store.given = "3", Commands(undo=1)
    run(ALIASED, world, store, rounds=3)
    assert store.state.phase is Phase.PROMOTED and world.champion == "3"
    assert store.state.problem == "nothing to undo: the champion is version 3 by now, not 2"


def test_another_rollout_of_the_service_ends_first() -> None:
    world, store = promoted()
    store.given, store.other = Commands(undo=1), "second"
    run(ALIASED, world, store, rounds=3)
    assert store.state.phase is Phase.PROMOTED
    assert store.state.problem == "cannot be undone before the end of rollout second of the same service"
    store.other = ""
    run(ALIASED, world, store)
    assert store.state.phase is Phase.ROLLED_BACK


def test_a_retry_asked_for_later_counts_more_than_the_undo_before() -> None:
    before = state(Phase.PROMOTED, weight=100)
    after = advance(spec(), before, facts(commands=Commands(undo=1, retry=2), stable="2"))
    assert (after.phase, after.attempt) == (Phase.PENDING, 2)


def test_an_alias_that_cannot_be_given_back_keeps_no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    world, store = promoted()

    def refuse(*_: object) -> None:
        raise NotYet("MLflow answers 503")

    monkeypatch.setattr(FakeVersions, "promote", refuse)
    store.given = Commands(undo=1)
    run(ALIASED, world, store, rounds=100)
    assert (store.state.phase, world.stable, world.champion) == (Phase.ROLLED_BACK, "1", "2")
    assert "'matchday model promote 1' does it" in store.state.reason


@both_modes
@pytest.mark.parametrize("replicas", [1, 3])
def test_on_a_cluster_it_goes_back_without_losing_a_request(mode: str, replicas: int) -> None:
    """The cluster insists after every write that all shares lead to ready pods."""
    sim = simulate(mode, replicas=replicas)
    sim.create()
    sim.until("Promoted")
    sim.assert_serves_only("2")
    sim.annotate("undo", "1")
    assert sim.until("RolledBack", most=40).reason == UNDONE
    sim.assert_serves_only("1")
    assert "2" in sim.world.marked


@both_modes
def test_an_operator_that_is_killed_before_any_write_of_it_costs_time_only(mode: str) -> None:
    whole = simulate(mode)
    whole.create()
    whole.until("Promoted")
    begun = whole.cluster.writes
    whole.annotate("undo", "1")
    whole.until("RolledBack")
    for at in range(begun + 1, whole.cluster.writes + 1):
        sim = simulate(mode)
        sim.create()
        sim.until("Promoted")
        sim.annotate("undo", "1")
        sim.cluster.kill_at = at
        sim.until("RolledBack")
        sim.assert_serves_only("1")


# -- `matchday rollout undo`


def repositories(tmp_path: Path) -> list[tuple[RolloutRepository, Any]]:
    """Of a folder and of a cluster, each with how a test saves a state."""
    folder, cluster = FolderRepository(tmp_path / "rollouts"), Cluster()

    def save_in_folder(name: str, now: State) -> None:
        store = folder.store(name)
        store.load()
        store.save(now)

    def save_on_cluster(name: str, now: State) -> None:
        cluster.get("modelrollouts", name)["status"] = now.to_dict()

    there = ClusterRepository(NAMESPACE, Api(NAMESPACE, cluster))
    return [(folder, save_in_folder), (there, save_on_cluster)]


@pytest.mark.parametrize("where", [0, 1], ids=["folder", "cluster"])
def test_the_last_promotion_is_the_one_that_is_undone(
    where: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, save = repositories(tmp_path)[where]
    monkeypatch.setattr(operations, "open_rollouts", lambda namespace: here)
    service = "match-outcome"
    for count, (name, phase) in enumerate(
        [("first", Phase.PROMOTED), ("second", Phase.PROMOTED), ("third", Phase.ROLLED_BACK), ("fourth", Phase.REFUSED)]
    ):
        here.create(name, Spec.parse({"inferenceService": service}))
        save(name, State(phase=phase, since=NOW + count, attempt=count + 1))
    here.create("other", Spec.parse({"inferenceService": "total-goals"}))
    save("other", State(phase=Phase.PROMOTED, since=NOW + 9))
    order = operations.undo(service, NAMESPACE)
    assert order.name == "second" and here.commands("second") == Commands(undo=2)
    assert here.commands("first") == here.commands("other") == Commands()
    save("second", State(phase=Phase.ROLLED_BACK, since=NOW + 20))
    assert operations.undo(service, NAMESPACE).name == "first"


@pytest.mark.parametrize("where", [0, 1], ids=["folder", "cluster"])
def test_a_promotion_in_its_bake_is_the_last_one(where: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, save = repositories(tmp_path)[where]
    monkeypatch.setattr(operations, "open_rollouts", lambda namespace: here)
    for name, phase in (("first", Phase.PROMOTED), ("second", Phase.BAKING)):
        here.create(name, Spec.parse({"inferenceService": "match-outcome"}))
        save(name, State(phase=phase, since=NOW))
    assert operations.undo("match-outcome", NAMESPACE).name == "second"
    assert operations.approve("second", NAMESPACE).approved == "1/bake"
    assert here.commands("second") == Commands(undo=1, approved="1/bake")


def test_a_process_that_watches_a_bake_takes_it_back_and_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that holds the lease has read the order; this one prints what it decides."""
    workspace = Workspace(Settings(home=tmp_path), RolloutSettings())
    monkeypatch.setattr(operations, "open_workspace", lambda: workspace)
    monkeypatch.setattr(rollout_running, "Workspace", lambda *_: workspace)
    monkeypatch.setattr(rollout_running, "open_sources", lambda _: sources(RolloutWorld("2")))
    monkeypatch.setattr(rollout_running, "POLL_SECONDS", 0.01)
    workspace.rollouts.create("second", Spec.parse({"inferenceService": "match-outcome"}))
    store = workspace.rollouts.store("second")
    store.load()
    store.save(State(phase=Phase.BAKING, stable_version="1", candidate_version="2"))
    printed: list[str] = []

    def watch() -> None:
        eventually(lambda: workspace.rollouts.commands("second").undo == 1)
        for phase in (Phase.PROMOTING, Phase.ROLLING_BACK, Phase.ROLLED_BACK):
            store.save(store.load().transition(NOW, phase, UNDONE))

    with workspace.lease("match-outcome", "second"), ThreadPoolExecutor(1) as pool:
        watcher = pool.submit(watch)
        result = rollout_running.undo_here(
            "match-outcome", RolloutSettings(), lambda entry: printed.append(str(entry.phase)), Event()
        )
        watcher.result()
    assert result.state.phase is Phase.ROLLED_BACK
    assert printed == ["Promoting", "RollingBack", "RolledBack"]


@pytest.mark.parametrize("where", [0, 1], ids=["folder", "cluster"])
@pytest.mark.parametrize(
    ("states", "said"),
    [
        ([], "nothing to undo: no rollout of service match-outcome stands promoted"),
        ([State(phase=Phase.ROLLED_BACK)], "nothing to undo: no rollout of service match-outcome stands promoted"),
        (
            [State(phase=Phase.PROMOTED), State(phase=Phase.PROGRESSING, step=0, weight=5)],
            "rollout r1 of match-outcome is Progressing at 5 %: abort it, or let it end",
        ),
        (
            [State(phase=Phase.PROMOTING, stage=PromotionStage.SERVICE)],
            "rollout r0 of match-outcome is Promoting: abort it, or let it end",
        ),
    ],
)
def test_what_cannot_be_undone_is_refused_in_a_sentence(
    where: int, states: list[State], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, save = repositories(tmp_path)[where]
    monkeypatch.setattr(operations, "open_rollouts", lambda namespace: here)
    for count, now in enumerate(states):
        here.create(f"r{count}", Spec.parse({"inferenceService": "match-outcome"}))
        save(f"r{count}", now)
    with pytest.raises(MatchdayError, match=said):
        operations.undo("match-outcome", NAMESPACE)
