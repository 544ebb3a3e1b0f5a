"""Progress of pipeline runs: bars on a terminal, plain lines elsewhere."""

from types import TracebackType
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from console.cli import screen
from console.operations.events import (
    KubeflowUnavailable,
    LocalRunFinished,
    RunStanding,
    RunSubmitted,
    StepChanged,
    StepFinished,
    StepMessage,
    StepProgress,
    StepReused,
    StepStarted,
)
from console.operations.run_following import ClusterRunFinished


class RunProgress:
    """Prints the events of local runs and of runs on a cluster. A context: bars go when it is left."""

    def __init__(self) -> None:
        self._task: TaskID | None = None
        terminal = screen.terminal()
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=terminal,
            transient=True,
            disable=not terminal.is_terminal,
        )

    def __enter__(self) -> "RunProgress":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show(self, event: Any) -> None:
        """Print one event of `console.operations.events`, or the end of a run."""
        match event:
            case StepStarted() | StepProgress() | StepFinished():
                self._update_bar(event)
            case StepMessage():
                print_step(event.step, event.text, event.seconds, digits=1)
            case StepReused():
                screen.say("", f"  {event.step:<16} unchanged, taken from the cache")
            case StepChanged():
                state = "unchanged, taken from the cache" if event.step.reused else event.step.state.lower()
                print_step(event.step.name, state, event.step.seconds)
            case LocalRunFinished():
                reused = f", {event.reused} taken from the cache" if event.reused else ""
                screen.say(f"  {event.steps} steps ran{reused}")
            case KubeflowUnavailable():
                screen.say(f"{event.reason}; training here instead")
            case RunSubmitted():
                print_submitted(event)
            case RunStanding() | ClusterRunFinished():
                print_result(event)

    def _update_bar(self, event: StepStarted | StepProgress | StepFinished) -> None:
        match event:
            case StepStarted():
                self._task = self._bars.add_task(event.step, total=None)
            case StepProgress():
                self._show_count(event)
            case StepFinished() if self._task is not None:
                self._bars.remove_task(self._task)
                self._task = None

    def _show_count(self, event: StepProgress) -> None:
        if self._task is not None and screen.terminal().is_terminal:
            self._bars.update(
                self._task, description=f"{event.step}: {event.unit}", completed=event.done, total=event.total
            )
        elif event.done == event.total:
            print_step(event.step, f"{event.unit} {event.done}/{event.total}")


def print_step(name: str, text: str, seconds: float | None = None, digits: int = 0) -> None:
    """A line about a step. seconds: how long it took; None prints no time."""
    screen.say(f"  {name:<16} {text}", "" if seconds is None else f"({seconds:.{digits}f} s)")


def print_submitted(event: RunSubmitted) -> None:
    """A run that has begun on a cluster, and what else is under way there."""
    screen.say(f"run {event.id} of {event.pipeline} as of {event.as_of:%Y-%m-%d %H:%M} UTC")
    screen.say("", event.address)
    if event.others:
        screen.say(
            f"also under way: {', '.join(event.others)}. Each registers a version of its own; the alias challenger "
            "stays with the one that registers last"
        )


def print_result(result: ClusterRunFinished | RunStanding) -> None:
    """How a run stands on a cluster; once it has succeeded, the version that it registered, if it registers one."""
    if isinstance(result, RunStanding):
        screen.say(f"run {result.run.id} is {result.run.state.lower()}; --follow waits for its end")
        return
    screen.say(f"run {result.id} succeeded")
    if result.refused:
        screen.say("no version: the gate refused the model, and the champion stays")
    elif result.unknown:
        screen.say(result.unknown)
    elif result.version is not None:
        role = ", ".join(result.version.aliases) or "neither champion nor challenger"
        screen.say(f"{result.version.name} version {result.version.version}: {role}")
        rows = [(name, f"{value:.4g}") for name, value in sorted(result.metrics.items())]
        screen.table(("metric", "value"), rows)
