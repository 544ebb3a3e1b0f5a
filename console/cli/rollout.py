"""`matchday rollout ...`: rollouts of this machine, or of a namespace of a cluster."""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli import screen
from console.cli.options import DEFAULT_MODEL

if TYPE_CHECKING:
    from console.operations.rollout_running import RolloutResult
    from console.operations.rollouts import LocalService, Order
    from rollout.judge import Finding
    from rollout.state import HistoryEntry, State

app = typer.Typer(no_args_is_help=True, help="Canaries: a new version beside the champion, judged on what both do.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the rollout.")]
Namespace = Annotated[
    str | None,
    typer.Option(
        envvar="MATCHDAY_ROLLOUT_NAMESPACE",
        help="Act on the ModelRollouts of this namespace of a cluster. Default: on this machine.",
    ),
]
EXIT_CODES = {"Promoted": 0, "RolledBack": 1, "Refused": 2}
"""Exit code of `start` by the phase in which the rollout ended."""
UNFINISHED = 3
"""Exit code of `start` when it was stopped before the rollout ended."""
SMALLEST_SHOWN = 1e-4


@app.command()
def start(
    name: Name,
    candidate: Annotated[str | None, typer.Option(help="Version or alias to try. Default: challenger.")] = None,
    spec: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML of the rollout: steps, limits, approvals.")
    ] = None,
    model: Annotated[str | None, typer.Option(help=f"Model of the rollout. Default: {DEFAULT_MODEL}.")] = None,
    host: Annotated[str | None, typer.Option(help="Address at which Envoy takes requests.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port at which Envoy takes requests.")] = None,
    namespace: Namespace = None,
) -> None:
    """Begin a rollout, or go on with the one of that name, and follow it to its end.

    Exit code 0: promoted; 1: rolled back; 2: refused; 3: stopped before its end.
    """
    from console.operations import rollout_running, rollouts
    from matchday import telemetry
    from rollout.embedded.settings import RolloutSettings

    telemetry.start("matchday-console")
    waiting = WaitingNotice(name)
    wanted = rollouts.read_spec(candidate, spec, model) if candidate or spec or model else None
    if namespace:
        result = rollout_running.start_on_cluster(name, wanted, namespace, print_decision, waiting.update)
    else:
        chosen = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
        settings = RolloutSettings().model_copy(update=chosen)
        with stop_signals() as stopped:
            result = rollout_running.start_here(name, wanted, settings, print_decision, waiting.update, stopped)
        print_end(result)
    raise typer.Exit(EXIT_CODES.get(str(result.state.phase), UNFINISHED))


@app.command("list")
def show_all(namespace: Namespace = None) -> None:
    """List the rollouts, oldest first."""
    from console.operations import rollouts

    rows = [
        (
            one.name,
            one.spec.inference_service,
            one.candidate,
            str(one.state.phase),
            one.state.verdict or "-",
            f"{one.state.weight} %",
            format_age(one.state.history[0].time) if one.state.history else "-",
        )
        for one in rollouts.list_rollouts(namespace)
    ]
    screen.table(("name", "service", "candidate", "phase", "verdict", "weight", "age"), rows, text_columns=5)


@app.command()
def status(name: Name, namespace: Namespace = None) -> None:
    """Where a rollout is, and why."""
    from console.operations import rollouts

    one = rollouts.describe(name, namespace)
    state, spec = one.state, one.spec
    beside = f" beside version {state.stable_version}" if state.stable_version else ""
    lines = [
        ("rollout", f"{name} of service {spec.inference_service}"),
        ("candidate", f"version {one.candidate} of {spec.model}{beside}"),
        ("phase", f"{rollouts.phase_text(state)}{', paused' if state.paused else ''}"),
        ("verdict", state.verdict or "none yet"),
        ("reason", state.reason or "none yet"),
        *([("needs", state.needs)] if state.needs else []),
        *([("problem", state.problem)] if state.problem else []),
        *([("waits", f"for a person: matchday rollout approve {name}")] if state.gate else []),
        *(service_lines(one.service) if one.service else []),
    ]
    for title, text in lines:
        screen.say(f"{title:<10} {text}")


@app.command()
def approve(name: Name, namespace: Namespace = None) -> None:
    """Let a rollout go on that waits for a person, or end its bake."""
    from console.operations import rollouts

    order = rollouts.approve(name, namespace)
    print_order(order, f"approved: {order.approved}")


@app.command()
def pause(name: Name, namespace: Namespace = None) -> None:
    """Hold a rollout at its weight; a bad candidate is rolled back all the same."""
    from console.operations import rollouts

    print_order(rollouts.pause(name, namespace, paused=True), "pauses: it stays where it is")


@app.command()
def resume(name: Name, namespace: Namespace = None) -> None:
    """Let a paused rollout go on."""
    from console.operations import rollouts

    print_order(rollouts.pause(name, namespace, paused=False), "goes on")


@app.command()
def abort(name: Name, namespace: Namespace = None) -> None:
    """Roll the candidate back."""
    from console.operations import rollouts

    print_order(rollouts.abort(name, namespace), "is rolled back")


@app.command()
def retry(name: Name, namespace: Namespace = None) -> None:
    """Start a rollout that has ended once more; the cooldown is not waited for."""
    from console.operations import rollouts

    print_order(rollouts.retry(name, namespace), "is tried again")


@app.command()
def undo(
    service: Annotated[str, typer.Argument(help="Service whose last promotion is taken back.")] = DEFAULT_MODEL,
    namespace: Namespace = None,
) -> None:
    """Put the last champion back: alias and service. Exit code 0: it is back, or on its way on a cluster."""
    from console.operations import rollout_running, rollouts
    from rollout.embedded.settings import RolloutSettings

    if namespace:
        print_order(rollouts.undo(service, namespace), "is undone")
        return
    with stop_signals() as stopped:
        result = rollout_running.undo_here(service, RolloutSettings(), print_decision, stopped)
    print_end(result)
    raise typer.Exit(0 if str(result.state.phase) == "RolledBack" else UNFINISHED)


@app.command()
def history(name: Name, namespace: Namespace = None) -> None:
    """Every decision, with its time and its reason."""
    from console.operations import rollouts

    for entry in rollouts.read_state(name, namespace).history:
        print_decision(entry)


@app.command()
def explain(name: Name, namespace: Namespace = None) -> None:
    """What the judge found: checks with sample, estimate, interval, limit and verdict."""
    from console.operations import rollouts
    from matchday.errors import MatchdayError

    state = rollouts.read_state(name, namespace)
    screen.say(f"{rollouts.phase_text(state)}: {state.reason}")
    if not (findings := rollouts.find_findings(state)):
        raise MatchdayError(f"nothing was judged in rollout {name} yet")
    print_findings(findings)
    if state.needs:
        screen.say(f"needs {state.needs}")


@app.command()
def stop(service: Annotated[str, typer.Argument(help="Service of this machine.")] = DEFAULT_MODEL) -> None:
    """Stop Envoy and the servers that a rollout of this machine has left running."""
    from console.operations import rollouts

    rollouts.stop_service(service)
    screen.say(f"service {service} has ended")


class WaitingNotice:
    """Prints once that a rollout waits for a person, is paused, or is promoted and still watched."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._printed = ""

    def update(self, state: "State") -> None:
        """Print what the state waits for, unless it was printed last time."""
        notice = f"paused: 'matchday rollout resume {self._name}' lets it go on" if state.paused else ""
        if state.gate:
            notice = f"waits for approval: matchday rollout approve {self._name}"
        if state.phase == "Baking" and not state.paused:
            notice = f"watched for some time: 'matchday rollout approve {self._name}' ends that, abort takes it back"
        if notice and notice != self._printed:
            screen.say(f"{format_moment(time.time())}  {notice}")
        self._printed = notice


@contextmanager
def stop_signals() -> Iterator[Event]:
    """An event that SIGINT and SIGTERM set: the round that runs is finished, and no other begins."""
    stopped = Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def print_decision(entry: "HistoryEntry") -> None:
    """A decision with its time."""
    screen.say(f"{format_moment(entry.time)}  {format_decision(entry)}")


def print_order(order: "Order", effect: str) -> None:
    """What an order does, and how to have it carried out."""
    screen.say(f"rollout {order.name} {effect}")
    if not order.running:
        screen.say(f"no process is running it now: 'matchday rollout start {order.name}' does")


def print_end(result: "RolloutResult") -> None:
    """What goes on after `start` has ended: the service, and a rollout that was stopped."""
    from console.operations.rollouts import phase_text

    if result.address:
        host, port = result.address
        ends = f"'matchday rollout stop {result.service}' ends it"
        screen.say(f"service {result.service} goes on at http://{host}:{port}; {ends}")
    if not result.state.ended:
        name = result.name
        screen.say(f"rollout {name} rests {phase_text(result.state)}; 'matchday rollout start {name}' goes on with it")


def print_findings(findings: Sequence["Finding"]) -> None:
    """The table of the judge's checks."""
    rows = []
    for each in findings:
        interval = f"{format_figure(each.interval[0])} to {format_figure(each.interval[1])}" if each.interval else "-"
        name = f"{each.check} {each.measure}".strip()
        figures = (f"{each.n:,}", format_figure(each.estimate), interval, format_figure(each.limit))
        rows.append((name, str(each.verdict), *figures))
    screen.table(("check", "verdict", "n", "estimate", "interval", "limit"), rows, text_columns=2)


def service_lines(service: "LocalService") -> list[tuple[str, str]]:
    """Which process carries a rollout out on this machine, and where its service is."""
    lines = [("run by", service.runner or "no process now")]
    if service.address:
        servers = ", ".join(f"version {version} {url}/metrics" for version, url in service.servers.items())
        lines += [("service", "http://{}:{}".format(*service.address)), ("servers", servers or "none")]
    return lines


def format_decision(entry: "HistoryEntry") -> str:
    """A decision in a line."""
    where = f"{entry.phase} {entry.weight} %" if entry.phase == "Progressing" else str(entry.phase)
    return f"{where:<15} {entry.reason}"


def format_figure(number: float | None) -> str:
    """Three significant digits; what is as good as nothing is 0."""
    return "-" if number is None else f"{0.0 if abs(number) < SMALLEST_SHOWN else number:.3g}"


def format_moment(seconds: float) -> str:
    """Unix seconds as date and time in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def format_age(since: float) -> str:
    """The time that has passed since a moment (Unix seconds), in its largest unit."""
    passed = max(0.0, time.time() - since)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if passed >= length:
            return f"{passed / length:.0f} {unit}"
    return f"{passed:.0f} s"
