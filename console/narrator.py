"""A pipeline run as a person watches it: what runs, how far it is, what came of it."""

import re
import time
from types import TracebackType

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from components.step import FAILED, PROGRESS, SAID
from console.screen import console

STARTED = re.compile(r"Executing task '?(?:\x1b\[\d+m)?'?([\w-]+)")
ENDED = re.compile(r"Task '?(?:\x1b\[\d+m)?'?([\w-]+)\S* finished with status")
REUSED = re.compile(r"Task ([\w-]+) cache hit")
TOLD = re.compile(re.escape(PROGRESS) + r"(?P<what>.+) (?P<done>\d+)/(?P<total>\d+)$")


class Narrator:
    """Hears the lines of a run: bars on a terminal, plain lines elsewhere.

    steps: how many steps ran; reused: how many were taken from the cache; failure: why the run stopped, if a step
    said so. transcript: every line, for a report of an unknown failure.
    """

    def __init__(self) -> None:
        self.steps = 0
        self.reused = 0
        self.failure: str | None = None
        self.transcript: list[str] = []
        self._since = 0.0
        self._name = ""
        self._task: TaskID | None = None
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> "Narrator":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def hear(self, line: str) -> None:
        """One line of the run."""
        text = line.strip()
        self.transcript.append(text)
        if found := STARTED.search(text):
            self._start(found[1])
        elif found := REUSED.search(text):
            self._reuse(found[1])
        elif ENDED.search(text):
            self._finish()
        elif text.startswith(SAID):
            self._say(text.removeprefix(SAID))
        elif text.startswith(FAILED):
            self.failure = text.removeprefix(FAILED)
        elif found := TOLD.search(text):
            self._progress(found["what"], int(found["done"]), int(found["total"]))

    def _start(self, name: str) -> None:
        self.steps += 1
        self._name, self._since = name, time.monotonic()
        self._task = self._bars.add_task(name, total=None)

    def _finish(self) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None

    def _reuse(self, name: str) -> None:
        self.reused += 1
        console.print(f"  [dim]{name:<16} unchanged, taken from the cache[/dim]")

    def _say(self, text: str) -> None:
        console.print(f"  {self._name:<16} {text} [dim]({time.monotonic() - self._since:.1f} s)[/dim]")

    def _progress(self, what: str, done: int, total: int) -> None:
        if self._task is not None and console.is_terminal:
            self._bars.update(self._task, description=f"{self._name}: {what}", completed=done, total=total)
        elif done == total:
            console.print(f"  {self._name:<16} {what} {done}/{total}")
