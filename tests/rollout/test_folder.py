"""Rollouts in a folder: names, revisions, rivals, and one process at a time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from matchday.settings import Settings
from rollout.embedded.files import FolderError
from rollout.embedded.repository import FolderRepository, NameRefused
from rollout.embedded.settings import RolloutSettings
from rollout.embedded.workspace import Busy, Workspace
from rollout.repository import UnknownRollout
from rollout.spec import Spec, SpecError
from rollout.state import Commands, Phase, State
from rollout.store import Conflict
from tests.rollout.fakes import FakeVersions, World

SPEC = Spec.parse({"inferenceService": "match-outcome", "candidate": "2"})
OTHER = Spec.parse({"inferenceService": "player-points", "candidate": "2"})


@pytest.fixture
def rollouts(tmp_path: Path) -> FolderRepository:
    return FolderRepository(tmp_path / "rollouts")


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return Workspace(Settings(home=tmp_path), RolloutSettings())


def test_what_is_created_is_found_again_oldest_first(rollouts: FolderRepository) -> None:
    assert rollouts.names() == []
    for name in ("second", "first"):
        rollouts.create(name, SPEC)
    again = FolderRepository(rollouts.root)
    assert again.names() == ["second", "first"]
    assert again.spec("first") == SPEC
    assert again.state("first") == State() and again.requests("first") == Commands()
    again.ask("first", Commands(paused=True))
    assert rollouts.requests("first").paused and not rollouts.requests("second").paused


@pytest.mark.parametrize("name", ["", "Upper", "../out", "a/b", "-a", "a-", "a" * 64, "ä"])
def test_names_that_kubernetes_would_not_take_are_refused(rollouts: FolderRepository, name: str) -> None:
    with pytest.raises(NameRefused, match="no name for a rollout"):
        rollouts.create(name, SPEC)
    assert not rollouts.root.exists()


def test_a_name_is_taken_once_and_an_unknown_one_is_told_the_others(rollouts: FolderRepository) -> None:
    rollouts.create("first", SPEC)
    with pytest.raises(NameRefused, match="a rollout first already"):
        rollouts.create("first", SPEC)
    with pytest.raises(UnknownRollout, match="no rollout second; there are: first"):
        rollouts.state("second")


def test_the_second_to_save_is_told_that_the_first_did(rollouts: FolderRepository) -> None:
    rollouts.create("first", SPEC)
    one, other = rollouts.store("first"), rollouts.store("first")
    assert one.load() == other.load() == State()
    one.save(State(phase=Phase.STARTING))
    with pytest.raises(Conflict, match="another process"):
        other.save(State(phase=Phase.REFUSED))
    assert rollouts.state("first").phase is Phase.STARTING
    one.save(State(phase=Phase.SHADOW))
    assert other.load().phase is Phase.SHADOW
    other.save(State(phase=Phase.PROGRESSING))
    with pytest.raises(Conflict):
        one.save(State())


def test_a_state_is_kept_whole_or_not_at_all(rollouts: FolderRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    rollouts.create("first", SPEC)
    store = rollouts.store("first")
    store.load()
    store.save(State(phase=Phase.STARTING, reason="kept"))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FolderError, match="No space left"):
        store.save(State(phase=Phase.SHADOW))
    monkeypatch.undo()
    assert rollouts.state("first").reason == "kept"


def test_a_file_that_somebody_spoiled_is_named(rollouts: FolderRepository) -> None:
    rollouts.create("first", SPEC)
    (rollouts.root / "first" / "state.json").write_text("{")
    with pytest.raises(FolderError, match=r"state\.json cannot be read"):
        rollouts.state("first")


def test_rivals_are_of_the_same_service_and_under_way(rollouts: FolderRepository) -> None:
    for name, spec in (("first", SPEC), ("second", SPEC), ("third", OTHER)):
        rollouts.create(name, spec)
        store = rollouts.store(name)
        store.load()
        if name != "second":
            store.save(State(phase=Phase.PROGRESSING, step=0, weight=5))
    assert rollouts.store("second").rival() == "first"
    assert rollouts.store("first").rival() == ""
    assert rollouts.store("third").rival() == ""
    first = rollouts.store("first")
    first.load()
    first.save(State(phase=Phase.PROMOTED))
    assert rollouts.store("second").rival() == ""


def test_one_process_has_a_service_and_its_end_however_it_comes_lets_go(place: Workspace) -> None:
    held = (
        "import sys, time; from pathlib import Path; from matchday.settings import Settings;"
        "from rollout.embedded.workspace import Workspace, RolloutSettings;"
        "place = Workspace(Settings(home=Path(sys.argv[1])), RolloutSettings());\n"
        "with place.lease('match-outcome', 'first'): print('held', flush=True); time.sleep(60)"
    )
    home = str(place.rollouts.root.parent)
    with subprocess.Popen([sys.executable, "-c", held, home], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        assert place.carrier("match-outcome") == f"rollout first, process {holder.pid}"
        with pytest.raises(Busy, match=f"in the hands of another process: rollout first, process {holder.pid}"):
            place.lease("match-outcome", "second").__enter__()
        with place.lease("player-points", "other"):
            pass
        holder.kill()
    assert place.carrier("match-outcome") == ""
    with place.lease("match-outcome", "second"):
        assert "rollout second" in place.carrier("match-outcome")


def test_what_could_not_begin_is_not_admitted(place: Workspace) -> None:
    versions = FakeVersions(World())
    place.admit(SPEC, versions)
    with pytest.raises(SpecError, match="version 1 of match-outcome is the champion already"):
        place.admit(SPEC.model_copy(update={"candidate": "1"}), versions)
    place.rollouts.create("first", SPEC)
    store = place.rollouts.store("first")
    store.load()
    store.save(State(phase=Phase.PROGRESSING, step=0, weight=5))
    with pytest.raises(Busy, match="rollout first of service match-outcome is at 5 %"):
        place.admit(SPEC, versions)
    place.admit(OTHER, versions)


def test_a_service_is_found_where_it_was_put(place: Workspace) -> None:
    assert place.address("match-outcome") is None and place.services() == []
    place.splitter("match-outcome", "match-outcome")
    elsewhere = Workspace(Settings(home=place.rollouts.root.parent), RolloutSettings(port=9999))
    assert elsewhere.address("match-outcome") == ("127.0.0.1", 8080)
    assert elsewhere.splitter("match-outcome", "match-outcome").proxy.port == 8080
    assert elsewhere.services() == ["match-outcome"]
    with pytest.raises(SpecError, match="no name for a service"):
        place.splitter("../out", "match-outcome")


def test_every_revision_is_counted(rollouts: FolderRepository) -> None:
    rollouts.create("first", SPEC)
    store = rollouts.store("first")
    for _ in range(3):
        store.save(store.load())
    assert json.loads((rollouts.root / "first" / "state.json").read_text())["revision"] == 3
