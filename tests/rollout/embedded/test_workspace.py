"""Workspace of a machine: leases, addresses of services, and what may start."""

import subprocess
import sys
from pathlib import Path

import pytest

from matchday.settings import Settings
from rollout.embedded.json_file import JsonFileError
from rollout.embedded.settings import RolloutSettings
from rollout.embedded.workspace import Busy, Workspace
from rollout.spec import Spec, SpecError
from rollout.state import Phase, State
from tests.rollout.fakes import FakeVersions, RolloutWorld

SPEC = Spec.parse({"inferenceService": "match-outcome", "candidate": "2"})
OTHER = Spec.parse({"inferenceService": "total-goals", "candidate": "2"})

HOLD_LEASE = """
import sys, time
from pathlib import Path
from matchday.settings import Settings
from rollout.embedded.settings import RolloutSettings
from rollout.embedded.workspace import Workspace

workspace = Workspace(Settings(home=Path(sys.argv[1])), RolloutSettings())
with workspace.lease("match-outcome", "first"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(Settings(home=tmp_path), RolloutSettings())


def test_one_process_holds_a_lease_until_it_ends_however_it_ends(workspace: Workspace, tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD_LEASE, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        assert workspace.lease_holder("match-outcome") == f"rollout first, process {holder.pid}"
        with pytest.raises(Busy, match=f"in the hands of another process: rollout first, process {holder.pid}"):
            workspace.lease("match-outcome", "second").__enter__()
        with workspace.lease("total-goals", "other"):
            pass
        holder.kill()
    assert workspace.lease_holder("match-outcome") == ""
    with workspace.lease("match-outcome", "second"):
        assert "rollout second" in workspace.lease_holder("match-outcome")


def test_a_rollout_that_could_not_begin_may_not_start(workspace: Workspace) -> None:
    versions = FakeVersions(RolloutWorld())
    workspace.check_can_start(SPEC, versions)
    with pytest.raises(SpecError, match="version 1 of match-outcome is the champion already"):
        workspace.check_can_start(SPEC.model_copy(update={"candidate": "1"}), versions)
    workspace.rollouts.create("first", SPEC)
    store = workspace.rollouts.store("first")
    store.load()
    store.save(State(phase=Phase.PROGRESSING, step=0, weight=5))
    with pytest.raises(Busy, match="rollout first of service match-outcome is at 5 %"):
        workspace.check_can_start(SPEC, versions)
    store.save(State(phase=Phase.BAKING, weight=100))
    with pytest.raises(Busy, match=r"is baking: let it end, .* \('matchday rollout approve first' ends its bake\)"):
        workspace.check_can_start(SPEC, versions)
    workspace.check_no_rival("match-outcome", but="first")
    workspace.check_can_start(OTHER, versions)


def test_a_service_keeps_its_address_whatever_the_settings_say_later(workspace: Workspace, tmp_path: Path) -> None:
    assert workspace.address("match-outcome") is None and workspace.services() == []
    workspace.splitter("match-outcome", "match-outcome")
    later = Workspace(Settings(home=tmp_path), RolloutSettings(port=9999))
    assert later.address("match-outcome") == ("127.0.0.1", 8080)
    assert later.splitter("match-outcome", "match-outcome").envoy.port == 8080
    assert later.services() == ["match-outcome"]
    with pytest.raises(SpecError, match="no name for a service"):
        workspace.splitter("../out", "match-outcome")


def test_an_address_of_another_release_is_refused_with_what_to_do(workspace: Workspace, tmp_path: Path) -> None:
    workspace.splitter("match-outcome", "match-outcome")
    (tmp_path / "services" / "match-outcome" / "address.json").write_text('{"url": "http://x"}')
    with pytest.raises(JsonFileError, match=r"address\.json names no host and port: end the service's Envoy, then"):
        workspace.address("match-outcome")
