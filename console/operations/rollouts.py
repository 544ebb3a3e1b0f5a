"""Rollouts: list, describe and command them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from matchday.errors import MatchdayError
from matchday.models.catalogue import KINDS
from matchday.settings import Settings
from rollout.embedded.settings import RolloutSettings
from rollout.embedded.workspace import Workspace
from rollout.gates import bake_gate
from rollout.judge import Finding
from rollout.repository import ChooseCommand, RolloutRepository
from rollout.spec import Spec, SpecError
from rollout.state import Phase, State

DEFAULT_MODEL = next(iter(KINDS))
UNDOABLE = frozenset({Phase.PROMOTED, Phase.BAKING})
"""Phases of a rollout whose promotion can be taken back."""


@dataclass(frozen=True)
class LocalService:
    """A service of this machine.

    runner: the process that carries a rollout out, empty when none does. address: where Envoy listens, None while it
    does not run. servers: URL of each version's server.
    """

    runner: str
    address: tuple[str, int] | None
    servers: dict[str, str]


@dataclass(frozen=True)
class RolloutRecord:
    """A rollout as it was asked for and as it is. service: only for a rollout of this machine."""

    name: str
    spec: Spec
    state: State
    service: LocalService | None = None

    @property
    def candidate(self) -> str:
        """The candidate's version, or what the spec calls it while that is not known."""
        return self.state.candidate_version or self.spec.candidate


@dataclass(frozen=True)
class Order:
    """An order to a rollout that was stored. running: whether a process is there to carry it out."""

    name: str
    running: bool
    approved: str = ""


def open_rollouts(namespace: str | None) -> RolloutRepository:
    """The rollouts of a namespace of a cluster, or of this machine."""
    if not namespace:
        return open_workspace().rollouts
    from rollout.kubernetes.repository import ClusterRepository

    return ClusterRepository(namespace)


def open_workspace() -> Workspace:
    """Rollouts and services of this machine."""
    return Workspace(Settings(), RolloutSettings())


def read_spec(candidate: str | None, file: Path | None, model: str | None = None) -> Spec:
    """A spec from a YAML file, bare or as a ModelRollout, with the given candidate and model.

    A service that is not named has the name of its model. Raises SpecError.
    """
    given: dict[str, Any] = {}
    if file:
        try:
            read = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise SpecError(f"{file} cannot be read: {' '.join(str(error).split())}") from None
        if not isinstance(read, dict):
            raise SpecError(f"{file} holds no rollout: write keys such as candidate and steps")
        given |= dict(read["spec"]) if isinstance(read.get("spec"), dict) else read
    given |= {key: value for key, value in (("candidate", candidate), ("model", model)) if value}
    service = given.get("model", DEFAULT_MODEL)
    return Spec.parse({"inferenceService": service, "model": service, **given})


def list_rollouts(namespace: str | None) -> list[RolloutRecord]:
    """All rollouts, oldest first. Raises MatchdayError when there are none."""
    rollouts = open_rollouts(namespace)
    found = [RolloutRecord(name, rollouts.spec(name), rollouts.state(name)) for name in rollouts.names()]
    if not found:
        raise MatchdayError("there are no rollouts; begin one with 'matchday rollout start NAME --candidate VERSION'")
    return found


def describe(name: str, namespace: str | None) -> RolloutRecord:
    """One rollout; on this machine with its service. Raises UnknownRollout."""
    rollouts = open_rollouts(namespace)
    spec, state = rollouts.spec(name), rollouts.state(name)
    return RolloutRecord(name, spec, state, None if namespace else _local_service(spec))


def read_state(name: str, namespace: str | None) -> State:
    """The state of a rollout, with every decision that is kept, oldest first. Raises UnknownRollout, StateError."""
    return open_rollouts(namespace).state(name)


def find_findings(state: State) -> list[Finding]:
    """What the judge found: now, or when it last decided; empty before it judged anything."""
    last = next((entry.findings for entry in reversed(state.history) if entry.findings), ())
    return [Finding.from_dict(finding) for finding in state.findings or last]


def approve(name: str, namespace: str | None) -> Order:
    """Approve what a rollout waits for, or end its bake. Raises MatchdayError when it waits for nothing."""

    def choose(state: State) -> dict[str, Any]:
        if state.phase is Phase.BAKING:
            return {"approved": bake_gate(state)}
        if not state.gate:
            raise MatchdayError(f"rollout {name} waits for no approval: it is {phase_text(state)}")
        return {"approved": state.gate}

    return _order(name, choose, namespace)


def pause(name: str, namespace: str | None, *, paused: bool) -> Order:
    """Hold a rollout at its weight, or let it go on. A bad candidate is rolled back all the same."""
    return _order(name, lambda state: _unfinished(name, state, {"paused": paused}), namespace)


def abort(name: str, namespace: str | None) -> Order:
    """Roll a candidate back, in its bake too. Raises MatchdayError when the rollout has ended."""
    return _order(name, lambda state: _unfinished(name, state, {"aborted": True}), namespace)


def retry(name: str, namespace: str | None) -> Order:
    """Start a rollout that has ended again from its beginning. Raises MatchdayError when it has not ended."""

    def choose(state: State) -> dict[str, Any]:
        if not state.ended:
            raise MatchdayError(f"rollout {name} has not ended: it is {phase_text(state)}")
        return {"retry": state.attempt + 1, "aborted": False, "paused": False}

    return _order(name, choose, namespace)


def undo(service: str, namespace: str | None) -> Order:
    """Take the last promotion of a service back: alias and service. Raises MatchdayError where there is none."""
    name = last_promoted(service, namespace)

    def choose(state: State) -> dict[str, Any]:
        if state.phase not in UNDOABLE:
            raise MatchdayError(f"rollout {name} cannot be undone: it is {phase_text(state)}")
        return {"undo": state.attempt}

    return _order(name, choose, namespace)


def stop_service(service: str) -> None:
    """Stop Envoy and the servers of a service of this machine. Raises MatchdayError when there is none."""
    workspace = open_workspace()
    if service not in workspace.services():
        raise MatchdayError(f"nothing serves {service} here; there is: {', '.join(workspace.services()) or 'nothing'}")
    workspace.stop(service)


def phase_text(state: State) -> str:
    """The phase for people, with the candidate's share of requests while that grows."""
    return f"{state.phase} at {state.weight} %" if state.phase is Phase.PROGRESSING else str(state.phase)


def _unfinished(name: str, state: State, change: dict[str, Any]) -> dict[str, Any]:
    """The change, for a rollout that has not ended. Raises MatchdayError for another."""
    if state.ended:
        raise MatchdayError(f"rollout {name} has ended: it is {phase_text(state)}")
    return change


def last_promoted(service: str, namespace: str | None) -> str:
    """The rollout whose promotion a service has had last. Raises MatchdayError where none can be undone."""
    rollouts = open_rollouts(namespace)
    states = {name: rollouts.state(name) for name in rollouts.names()}
    found = {name: state for name, state in states.items() if _is_of(rollouts, name, service)}
    for name, state in found.items():
        if state.active and state.phase not in UNDOABLE:
            raise MatchdayError(f"rollout {name} of {service} is {phase_text(state)}: abort it, or let it end")
    promoted = [(state.since, name) for name, state in found.items() if state.phase in UNDOABLE]
    if not promoted:
        raise MatchdayError(f"nothing to undo: no rollout of service {service} stands promoted")
    return max(promoted)[1]


def _is_of(rollouts: RolloutRepository, name: str, service: str) -> bool:
    try:
        return rollouts.spec(name).inference_service == service
    except SpecError:
        return False


def _order(name: str, choose: ChooseCommand, namespace: str | None) -> Order:
    rollouts = open_rollouts(namespace)
    service = "" if namespace else rollouts.spec(name).inference_service
    commands = rollouts.command(name, choose)
    running = bool(namespace) or bool(open_workspace().lease_holder(service))
    return Order(name, running, commands.approved)


def _local_service(spec: Spec) -> LocalService:
    workspace, name = open_workspace(), spec.inference_service
    address = workspace.address(name)
    servers: dict[str, str] = {}
    if address:
        running = workspace.splitter(name, spec.model).servers
        servers = {version: running.url(version) for version in running.table.ports}
    return LocalService(workspace.lease_holder(name), address, servers)
