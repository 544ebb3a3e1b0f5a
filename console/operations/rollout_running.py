"""Carrying out a rollout on this machine, and following one that another process carries out."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from console.operations.rollouts import last_promoted, open_rollouts, read_spec, undo
from matchday.errors import MatchdayError
from matchday.settings import Settings
from rollout.embedded.runner import Runner
from rollout.embedded.settings import RolloutSettings
from rollout.embedded.workspace import Workspace
from rollout.observations.factory import open_sources
from rollout.repository import RolloutRepository
from rollout.spec import Spec
from rollout.state import HistoryEntry, State

POLL_SECONDS = 1.0

OnEntry = Callable[[HistoryEntry], None]
OnState = Callable[[State], None]


@dataclass(frozen=True)
class RolloutResult:
    """The last state of a rollout that was carried out or followed: ended, unless it was stopped before its end.

    service, address: where its model is served on this machine; None for a rollout of a cluster.
    """

    name: str
    state: State
    service: str
    address: tuple[str, int] | None = None


def start_here(
    name: str,
    spec: Spec | None,
    rollout: RolloutSettings,
    on_entry: OnEntry,
    on_state: OnState,
    stopped: Event,
) -> RolloutResult:
    """Begin a rollout on this machine, or go on with the one of that name, until it ends or `stopped` is set.

    spec: of a new rollout; None goes on with a known one, or begins one with the defaults.
    on_entry: called with each decision. on_state: called with the state after each round.
    Raises MatchdayError for a rollout that cannot begin, Busy while another process carries it out.
    """
    workspace = Workspace(Settings(), rollout)
    if spec or name not in workspace.rollouts.names():
        create_here(workspace, name, spec or read_spec(None, None))
    sources = open_sources(Settings(), prometheus_url=rollout.prometheus_url)
    runner = Runner(workspace, name, sources, rollout.interval_seconds, on_entry, on_state, stopped=stopped)
    state = runner.run()
    service = workspace.rollouts.spec(name).inference_service
    return RolloutResult(name, state, service, workspace.address(service))


def undo_here(service: str, rollout: RolloutSettings, on_entry: OnEntry, stopped: Event) -> RolloutResult:
    """Take the last promotion of a service of this machine back, and carry that out until it is done.

    A process that runs it already, as in its bake, does that; it is followed. Raises MatchdayError where there is
    nothing to undo, Busy while another process has the service.
    """
    workspace = Workspace(Settings(), rollout)
    sources = open_sources(Settings())
    name = last_promoted(service, None)
    model, before = workspace.rollouts.spec(name).model, workspace.rollouts.state(name)
    version = before.candidate_version
    if (champion := sources.versions.champion(model)) != version:
        raise MatchdayError(
            f"nothing to undo: rollout {name} promoted version {version}, and the champion is {champion} by now; "
            f"'matchday model promote VERSION' chooses another"
        )
    undo(service, None)
    if workspace.lease_holder(service):  # the process that runs it, as in its bake, takes it back
        return _follow(name, workspace.rollouts, before, on_entry, lambda state: None, stopped)
    runner = Runner(workspace, name, sources, rollout.interval_seconds, on_entry, stopped=stopped)
    return RolloutResult(name, runner.run(), service, workspace.address(service))


def create_here(workspace: Workspace, name: str, spec: Spec) -> None:
    """Store a new rollout of this machine, once it is clear that it can begin. Raises MatchdayError."""
    if name in workspace.rollouts.names() and workspace.rollouts.spec(name) == spec:
        return
    workspace.check_can_start(spec, open_sources(Settings()).versions)
    workspace.rollouts.create(name, spec)


def start_on_cluster(
    name: str, spec: Spec | None, namespace: str, on_entry: OnEntry, on_state: OnState
) -> RolloutResult:
    """Begin a rollout that an operator carries out, or follow the one of that name, until it ends.

    spec: of a new rollout; None follows a known one.
    """
    rollouts = open_rollouts(namespace)
    if spec:
        rollouts.create(name, spec)
    return _follow(name, rollouts, State(), on_entry, on_state, Event())


def _follow(
    name: str, rollouts: RolloutRepository, before: State, on_entry: OnEntry, on_state: OnState, stopped: Event
) -> RolloutResult:
    """Follow a rollout that another process carries out, until it ends or `stopped` is set. before: known already."""
    while True:
        state = rollouts.state(name)
        for entry in state.entries_since(before):
            on_entry(entry)
        before = state
        on_state(state)
        if state.ended or stopped.wait(POLL_SECONDS):
            return RolloutResult(name, state, rollouts.spec(name).inference_service)
