"""Rollouts on the terminal: begun and followed, asked about, told what to do."""

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
import yaml

from console.screen import console, table
from matchday import telemetry
from matchday.errors import MatchdayError
from matchday.settings import Settings
from rollout.embedded.runner import Runner
from rollout.embedded.settings import RolloutSettings
from rollout.embedded.workspace import Workspace
from rollout.judge import Finding
from rollout.repository import RolloutRepository
from rollout.spec import Spec, SpecError
from rollout.state import Commands, HistoryEntry, Phase, State

SERVICE = "match-outcome"
EXIT = {Phase.PROMOTED: 0, Phase.ROLLED_BACK: 1, Phase.REFUSED: 2}
"""What a rollout that ended so makes of the command that followed it."""
RESTS = 3
"""The same where the command was stopped before the rollout's end."""
FOLLOW_SECONDS = 1.0
LEAST_SHOWN = 1e-4


def start(name: str, candidate: str | None, file: Path | None, rollout: RolloutSettings, namespace: str | None) -> None:
    """Begin a rollout, or go on with the one of that name, until it ends."""
    telemetry.start("matchday-console")
    if namespace:
        rollouts = of_place(namespace)
        if candidate or file:
            rollouts.create(name, read_spec(candidate, file))
        _finish(_follow(rollouts, name))
    place = Workspace(Settings(), rollout)
    if candidate or file or name not in place.rollouts.names():
        _ask_for(place, name, read_spec(candidate, file))
    _finish(_carry_out(place, name, rollout))


def status(name: str, namespace: str | None) -> None:
    """Print where a rollout is."""
    rollouts = of_place(namespace)
    spec, state = rollouts.spec(name), rollouts.state(name)
    candidate = state.candidate_version or spec.candidate
    beside = f" beside version {state.stable_version}" if state.stable_version else ""
    lines = [
        ("rollout", f"{name} of service {spec.inference_service}"),
        ("candidate", f"version {candidate} of {spec.model}{beside}"),
        ("phase", f"{_phase(state)}{', paused' if state.paused else ''}"),
        ("verdict", state.verdict or "none yet"),
        ("reason", state.reason or "none yet"),
        *([("problem", state.problem)] if state.problem else []),
    ]
    if state.gate:
        lines.append(("waits", f"for a person: matchday rollout approve {name}"))
    if not namespace:
        lines += _here(spec)
    for title, text in lines:
        console.print(f"{title:<10} {text}", markup=False)


def show_all(namespace: str | None) -> None:
    """Print a line for each rollout."""
    rollouts = of_place(namespace)
    rows = []
    for name in rollouts.names():
        spec, state = rollouts.spec(name), rollouts.state(name)
        candidate = state.candidate_version or spec.candidate
        age = _age(state.history[0].time) if state.history else "-"
        row = (
            name,
            spec.inference_service,
            candidate,
            str(state.phase),
            state.verdict or "-",
            f"{state.weight} %",
            age,
        )
        rows.append(row)
    if not rows:
        raise MatchdayError("there are no rollouts; begin one with 'matchday rollout start NAME --candidate VERSION'")
    table(("name", "service", "candidate", "phase", "verdict", "weight", "age"), rows, text_columns=5)


def history(name: str, namespace: str | None) -> None:
    """Print every decision that is kept, oldest first."""
    for entry in of_place(namespace).state(name).history:
        console.print(f"{_moment(entry.time)}  {line(entry)}", markup=False)


def explain(name: str, namespace: str | None) -> None:
    """Print what the judge found: now, or when it last decided."""
    state = of_place(namespace).state(name)
    found = state.findings or next((entry.findings for entry in reversed(state.history) if entry.findings), ())
    console.print(f"{_phase(state)}: {state.reason}", markup=False)
    if not found:
        raise MatchdayError(f"nothing was judged in rollout {name} yet")
    show_findings(found)


def approve(name: str, namespace: str | None) -> None:
    """Let a rollout go on that waits for a person."""
    rollouts = of_place(namespace)
    if not (gate := rollouts.state(name).gate):
        raise MatchdayError(f"rollout {name} waits for no approval: it is {_phase(rollouts.state(name))}")
    _ask(rollouts, name, rollouts.requests(name).model_copy(update={"approved": gate}), f"approved: {gate}", namespace)


def pause(name: str, namespace: str | None, *, paused: bool) -> None:
    """Have a rollout stay where it is, or go on. What is bad is taken back all the same."""
    rollouts = _running(name, namespace)
    told = "pauses: it stays where it is" if paused else "goes on"
    _ask(rollouts, name, rollouts.requests(name).model_copy(update={"paused": paused}), told, namespace)


def abort(name: str, namespace: str | None) -> None:
    """Take a candidate back."""
    rollouts = _running(name, namespace)
    asked = rollouts.requests(name).model_copy(update={"aborted": True, "paused": False})
    _ask(rollouts, name, asked, "is taken back", namespace)


def retry(name: str, namespace: str | None) -> None:
    """Try a rollout that ended once more, from its beginning."""
    rollouts = of_place(namespace)
    state = rollouts.state(name)
    if not state.ended:
        raise MatchdayError(f"rollout {name} has not ended: it is {_phase(state)}")
    _ask(rollouts, name, Commands(retry=state.attempt + 1), "is tried again", namespace)


def stop(service: str) -> None:
    """End Envoy and the servers of a service of this machine."""
    place = Workspace(Settings(), RolloutSettings())
    if service not in place.services():
        raise MatchdayError(f"nothing serves {service} here; there is: {', '.join(place.services()) or 'nothing'}")
    place.stop(service)
    console.print(f"service {service} has ended")


def of_place(namespace: str | None) -> RolloutRepository:
    """The rollouts of a namespace of a cluster, or of this machine."""
    if not namespace:
        return Workspace(Settings(), RolloutSettings()).rollouts
    from rollout.kubernetes.repository import ClusterRepository

    return ClusterRepository(namespace)


def read_spec(candidate: str | None, file: Path | None) -> Spec:
    """A spec from a YAML file, bare or as a ModelRollout, with the candidate of the command. Raises SpecError."""
    given: dict[str, Any] = {"inferenceService": SERVICE}
    if file:
        try:
            read = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise SpecError(f"{file} cannot be read: {' '.join(str(error).split())}") from None
        if not isinstance(read, dict):
            raise SpecError(f"{file} holds no rollout: write keys such as candidate and steps")
        given |= dict(read["spec"]) if isinstance(read.get("spec"), dict) else read
    return Spec.parse(given | ({"candidate": candidate} if candidate else {}))


def line(entry: HistoryEntry) -> str:
    """A decision in a line."""
    where = f"{entry.phase} {entry.weight} %" if entry.phase is Phase.PROGRESSING else str(entry.phase)
    return f"{where:<15} {entry.reason}"


def show_findings(found: Sequence[dict[str, Any]]) -> None:
    """The table of checks, and what they say in words."""
    rows = []
    for each in map(Finding.from_dict, found):
        interval = f"{_figure(each.interval[0])} to {_figure(each.interval[1])}" if each.interval else "-"
        name = f"{each.check} {each.measure}".strip()
        rows.append((name, str(each.verdict), f"{each.n:,}", _figure(each.estimate), interval, _figure(each.limit)))
    table(("check", "verdict", "n", "estimate", "interval", "limit"), rows, text_columns=2)


def _ask_for(place: Workspace, name: str, spec: Spec) -> None:
    """Keep a new rollout, once it is clear that it can begin."""
    if name in place.rollouts.names() and place.rollouts.spec(name) == spec:
        return
    place.admit(spec, _sources().versions)
    place.rollouts.create(name, spec)


def _carry_out(place: Workspace, name: str, rollout: RolloutSettings) -> State:
    """Tick it here until it ends, or the process is told to stop."""
    runner = Runner(place, name, _sources(), rollout.interval_seconds, _announce, _Watch(name))
    with _stopping(runner.stopped):
        state = runner.run()
    service = place.rollouts.spec(name).inference_service
    if address := place.address(service):
        console.print(
            f"service {service} goes on at http://{address[0]}:{address[1]}; 'matchday rollout stop {service}' ends it"
        )
    if not state.ended:
        console.print(f"rollout {name} rests {_phase(state)}; 'matchday rollout start {name}' goes on with it")
    return state


def _follow(rollouts: RolloutRepository, name: str) -> State:
    """Print what another decides, until it ends."""
    watch, seen = _Watch(name), 0.0
    while True:
        state = rollouts.state(name)
        for entry in [entry for entry in state.history if entry.time > seen]:
            _announce(entry)
            seen = entry.time
        watch(state)
        if state.ended:
            return state
        time.sleep(FOLLOW_SECONDS)


class _Watch:
    """Says what is no decision and yet worth a line: a rollout that waits for a person, or is paused."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._said = ""

    def __call__(self, state: State) -> None:
        said = f"paused: 'matchday rollout resume {self._name}' lets it go on" if state.paused else ""
        if state.gate:
            said = f"waits for approval: matchday rollout approve {self._name}"
        if said and said != self._said:
            console.print(f"{_moment(time.time())}  {said}", markup=False)
        self._said = said


def _announce(entry: HistoryEntry) -> None:
    console.print(f"{_moment(entry.time)}  {line(entry)}", markup=False)


@contextmanager
def _stopping(stopped: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM end the round that runs, and no other begins."""
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _finish(state: State) -> None:
    raise typer.Exit(EXIT.get(state.phase, RESTS))


def _sources() -> Any:
    from rollout.observations.factory import sources

    return sources(Settings())


def _running(name: str, namespace: str | None) -> RolloutRepository:
    rollouts = of_place(namespace)
    if (state := rollouts.state(name)).ended:
        raise MatchdayError(f"rollout {name} has ended: it is {_phase(state)}")
    return rollouts


def _ask(rollouts: RolloutRepository, name: str, requests: Commands, told: str, namespace: str | None) -> None:
    rollouts.ask(name, requests)
    console.print(f"rollout {name} {told}")
    if not namespace and not Workspace(Settings(), RolloutSettings()).carrier(rollouts.spec(name).inference_service):
        console.print(f"nobody carries it out now: 'matchday rollout start {name}' does")


def _here(spec: Spec) -> list[tuple[str, str]]:
    """Who carries a rollout out on this machine, and where its service is."""
    place = Workspace(Settings(), RolloutSettings())
    lines = [("carried", place.carrier(spec.inference_service) or "out by nobody now")]
    if address := place.address(spec.inference_service):
        servers = place.splitter(spec.inference_service, spec.model).servers
        told = [f"version {version} {servers.url(version)}/metrics" for version in servers.roster.ports]
        lines += [("service", f"http://{address[0]}:{address[1]}"), ("servers", ", ".join(told) or "none")]
    return lines


def _phase(state: State) -> str:
    return f"{state.phase} at {state.weight} %" if state.phase is Phase.PROGRESSING else str(state.phase)


def _figure(number: float | None) -> str:
    return "-" if number is None else f"{0.0 if abs(number) < LEAST_SHOWN else number:.3g}"


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def _age(seconds: float) -> str:
    passed = max(0.0, time.time() - seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if passed >= length:
            return f"{passed / length:.0f} {unit}"
    return f"{passed:.0f} s"
