"""States that an earlier release saved are carried to their end, or refused with what to do about them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rollout import window
from rollout.embedded.repository import FolderRepository
from rollout.evidence import Evidence
from rollout.reconciler import Reconciler
from rollout.spec import SpecError, UndecidedPolicy
from rollout.state import Phase, StateError
from tests.rollout.fakes import FakeSplitter, RolloutWorld, count_errors, sources
from tests.rollout.kubernetes.simulation import simulate

SAVED = Path(__file__).parent / "saved" / "release-0.1"
"""What the release before the layout of rollout/ was changed has written; nobody edits it."""
SERVED = 10_000_000
"""Requests of each version by now: more than any saved state has counted."""
ENDS = {
    "starting": Phase.PROMOTED,
    "shadow": Phase.PROMOTED,
    "progressing": Phase.PROMOTED,
    "waiting": Phase.PROMOTED,
    "promoting": Phase.PROMOTED,
    "rolled-back": Phase.ROLLED_BACK,
    "promoted": Phase.PROMOTED,
}


@pytest.fixture(autouse=True)
def _quick_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "judge", count_errors)


@pytest.fixture
def rollouts(tmp_path: Path) -> FolderRepository:
    shutil.copytree(SAVED / "rollouts", tmp_path / "rollouts")
    return FolderRepository(tmp_path / "rollouts")


def rewrite(file: Path, change: Any) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


@pytest.mark.parametrize("name", ENDS)
def test_a_rollout_that_an_earlier_release_began_is_carried_to_its_end(rollouts: FolderRepository, name: str) -> None:
    before = rollouts.state(name)
    world = RolloutWorld()
    world.now, world.candidate, world.weight = before.tick + 5, "2", before.weight
    world.served = {"1": SERVED, "2": SERVED}
    rollouts.command(name, lambda state: {"approved": state.gate or "1/promotion", "paused": False})
    rollout = Reconciler(
        rollouts.spec(name), FakeSplitter(world), sources(world), rollouts.store(name), lambda: world.now
    )
    for _ in range(120):
        if (state := rollout.reconcile()).ended:
            break
        world.passed(60.0 if state.phase is Phase.BAKING else 10.0)  # an earlier release knew no bake: the default one
    assert state.phase is ENDS[name], state.reason
    assert state.history[: len(before.history)] == before.history
    assert not (before.ended and state != before.model_copy(update={"tick": state.tick, "paused": False}))


@pytest.mark.parametrize("name", ENDS)
def test_what_an_earlier_release_did_with_an_undecided_step_is_still_read(
    rollouts: FolderRepository, name: str
) -> None:
    assert rollouts.spec(name).undecided is UndecidedPolicy.ROLL_BACK
    assert rollouts.state(name).mark_version


def test_what_an_earlier_release_counted_goes_on_being_counted(rollouts: FolderRepository) -> None:
    evidence = Evidence.from_text(rollouts.state("waiting").evidence)
    assert evidence.opened == 1035.0
    assert (evidence.stable.requests, evidence.canary.requests) == (30_000, 30_000)
    assert evidence.pairs is not None and evidence.pairs.stable.shape == (400, 3)


@pytest.mark.parametrize("mode", ["Standard", "Knative"])
def test_a_modelrollout_of_an_earlier_release_is_carried_to_its_end(mode: str) -> None:
    saved = json.loads((SAVED / f"modelrollout-{mode.lower()}.json").read_text())
    sim = simulate(mode)
    sim.create(promotion="Manual")
    while sim.state().weight != 50:
        sim.step()
    sim.cluster.get("modelrollouts", "try")["status"] = saved["status"]
    assert sim.state().evidence and sim.state().weight == 50
    while not sim.state().gate:
        sim.step()
    sim.annotate("approved", sim.state().gate)
    assert sim.until("Promoted").history[0].reason == "version 2 beside version 1"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda kept: kept["state"].update(phase="Proving"), "another release wrote this state: phase: "),
        (lambda kept: kept["state"].update(history=7), "another release wrote this state: history: "),
        (lambda kept: kept.update(state=[1]), "another release wrote this state: it is no JSON object"),
        (lambda kept: kept.pop("revision"), "another release wrote this state"),
        (lambda kept: kept.pop("state"), "another release wrote this state"),
    ],
)
def test_a_state_of_another_release_is_refused_with_what_to_do(
    rollouts: FolderRepository, change: Any, reason: str
) -> None:
    file = rollouts.root / "progressing" / "state.json"
    rewrite(file, change)
    with pytest.raises(StateError) as refused:
        rollouts.state("progressing")
    for said in ("rollout progressing", reason, "Carry it to its end with the release", f"delete {file.parent}"):
        assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_spec_of_another_release_is_refused_with_what_to_do(rollouts: FolderRepository) -> None:
    file = rollouts.root / "progressing" / "spec.json"
    rewrite(file, lambda spec: spec.update(steps=[{"percent": 5}]))
    with pytest.raises(SpecError, match=r"rollout progressing: .*steps\.0\.percent.*; mend .*spec\.json, or delete"):
        rollouts.spec("progressing")


def test_commands_of_another_release_are_refused_with_what_to_do(rollouts: FolderRepository) -> None:
    rewrite(rollouts.root / "waiting" / "requests.json", lambda asked: asked.update(retry="soon"))
    with pytest.raises(StateError, match=r"requests\.json was not written by this release: delete it and ask again"):
        rollouts.commands("waiting")


@pytest.mark.parametrize("evidence", ["garbage", "eJwrSS0uAQAEXQHB", "eJxTTFICAAHlAL4=", "W10="])
def test_evidence_of_another_release_begins_the_window_anew_and_says_so(
    rollouts: FolderRepository, evidence: str
) -> None:
    store, world = rollouts.store("progressing"), RolloutWorld()
    state = store.load()
    world.now, world.candidate, world.weight = state.tick + 5, "2", state.weight
    world.served = {"1": SERVED, "2": SERVED}
    store.save(state.model_copy(update={"evidence": evidence}))
    rollout = Reconciler(rollouts.spec("progressing"), FakeSplitter(world), sources(world), store, lambda: world.now)
    after = rollout.reconcile()
    assert "cannot be read: the window begins anew" in after.problem
    assert (after.phase, after.weight) == (state.phase, state.weight)
    assert Evidence.from_text(after.evidence).opened == world.now
    world.passed()
    assert rollout.reconcile().problem == ""


def test_one_modelrollout_that_cannot_be_read_holds_up_no_other() -> None:
    sim = simulate("Standard")
    sim.create("old", inferenceService="other")
    sim.create()
    sim.cluster.get("modelrollouts", "old")["status"] = {"phase": "Proving"}
    for _ in range(60):
        sim.rounds.run_once()
        sim.cluster.settle()
        sim.cluster.clock += 5
        sim.world.now = sim.cluster.clock
    assert sim.cluster.get("modelrollouts", "try")["status"]["phase"] != "Pending"
    assert sim.cluster.get("modelrollouts", "old")["status"] == {"phase": "Proving"}
    told = [each for each in sim.cluster.having("events") if each["reason"] == "Unreadable"]
    assert len(told) == 1 and told[0]["type"] == "Warning"
    assert "ModelRollout old: another release wrote this state: phase: " in told[0]["message"]
    assert "or give it up: delete it" in told[0]["message"]
