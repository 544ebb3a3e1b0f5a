"""Rollouts in a folder: names, specifications, revisions, rivals."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rollout.embedded.json_file import JsonFileError
from rollout.embedded.repository import FolderRepository, NameRefused
from rollout.repository import UnknownRollout
from rollout.spec import Spec
from rollout.state import Commands, Phase, State
from rollout.store import Conflict

SPEC = Spec.parse({"inferenceService": "match-outcome", "candidate": "2"})
OTHER = Spec.parse({"inferenceService": "total-goals", "candidate": "2"})


@pytest.fixture
def rollouts(tmp_path: Path) -> FolderRepository:
    return FolderRepository(tmp_path / "rollouts")


def save(rollouts: FolderRepository, name: str, state: State) -> None:
    store = rollouts.store(name)
    store.load()
    store.save(state)


def test_created_rollouts_are_found_by_another_process_oldest_first(rollouts: FolderRepository) -> None:
    assert rollouts.names() == []
    for name in ("second", "first"):
        rollouts.create(name, SPEC)
    again = FolderRepository(rollouts.root)
    assert again.names() == ["second", "first"]
    assert again.spec("first") == SPEC
    assert again.state("first") == State() and again.commands("first") == Commands()
    again.command("first", lambda state: {"paused": True})
    assert rollouts.commands("first").paused and not rollouts.commands("second").paused


def test_a_command_changes_what_it_names_whoever_else_commands(rollouts: FolderRepository) -> None:
    rollouts.create("first", SPEC)
    changes: list[dict[str, Any]] = [{"aborted": True}, {"approved": "1/5"}, {"paused": True}, {"undo": 1}]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda change: rollouts.command("first", lambda state: change), changes))
    assert rollouts.commands("first") == Commands(aborted=True, approved="1/5", paused=True, undo=1)


@pytest.mark.parametrize("name", ["", "Upper", "../out", "a/b", "-a", "a-", "a" * 64, "ä"])
def test_names_that_kubernetes_would_not_take_are_refused(rollouts: FolderRepository, name: str) -> None:
    with pytest.raises(NameRefused, match="no name for a rollout"):
        rollouts.create(name, SPEC)
    assert not rollouts.root.exists()


def test_a_taken_name_is_refused_and_an_unknown_one_answered_with_the_known_ones(rollouts: FolderRepository) -> None:
    rollouts.create("first", SPEC)
    with pytest.raises(NameRefused, match="a rollout first already"):
        rollouts.create("first", SPEC)
    with pytest.raises(UnknownRollout, match="no rollout second; there are: first"):
        rollouts.state("second")


def test_of_two_that_decide_on_the_same_state_the_second_is_refused(rollouts: FolderRepository) -> None:
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


def test_each_save_increases_the_revision(rollouts: FolderRepository) -> None:
    rollouts.create("first", SPEC)
    store = rollouts.store("first")
    for _ in range(3):
        store.save(store.load())
    assert json.loads((rollouts.root / "first" / "state.json").read_text())["revision"] == 3


def test_a_full_disk_leaves_the_former_state(rollouts: FolderRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    rollouts.create("first", SPEC)
    save(rollouts, "first", State(phase=Phase.STARTING, reason="kept"))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    store = rollouts.store("first")
    store.load()
    with monkeypatch.context() as patch:
        patch.setattr("rollout.embedded.json_file.write_file", full)
        with pytest.raises(JsonFileError, match="No space left"):
            store.save(State(phase=Phase.SHADOW))
    assert rollouts.state("first").reason == "kept"


def test_a_damaged_file_is_named(rollouts: FolderRepository) -> None:
    rollouts.create("first", SPEC)
    (rollouts.root / "first" / "state.json").write_text("{")
    with pytest.raises(JsonFileError, match=r"state\.json cannot be read"):
        rollouts.state("first")


def test_a_rival_is_an_active_rollout_of_the_same_service(rollouts: FolderRepository) -> None:
    for name, spec in (("first", SPEC), ("second", SPEC), ("third", OTHER)):
        rollouts.create(name, spec)
        if name != "second":
            save(rollouts, name, State(phase=Phase.PROGRESSING, step=0, weight=5))
    assert rollouts.store("second").rival() == "first"
    assert rollouts.store("first").rival() == ""
    assert rollouts.store("third").rival() == ""
    save(rollouts, "first", State(phase=Phase.PROMOTED))
    assert rollouts.store("second").rival() == ""
