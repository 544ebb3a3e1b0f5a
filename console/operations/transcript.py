"""What KFP's local runner and the steps print, parsed into progress events."""

import re
import time
from collections.abc import Callable

from components.step import FAILED, PROGRESS, SAID
from console.operations.events import (
    LocalEvent,
    LocalRunFinished,
    StepFinished,
    StepMessage,
    StepProgress,
    StepReused,
    StepStarted,
)

STARTED = re.compile(r"Executing task '?(?:\x1b\[\d+m)?'?([\w-]+)")
FINISHED = re.compile(r"Task '?(?:\x1b\[\d+m)?'?([\w-]+)\S* finished with status")
REUSED = re.compile(r"Task ([\w-]+) cache hit")
COUNTED = re.compile(re.escape(PROGRESS) + r"(?P<unit>.+) (?P<done>\d+)/(?P<total>\d+)$")


class Transcript:
    """Reads the lines of one local run and reports its events.

    lines: everything that was printed, for a report of an unknown failure. failure: why the run stopped, if a step
    said so.
    """

    def __init__(self, on_event: Callable[[LocalEvent], None]) -> None:
        self.lines: list[str] = []
        self.failure: str | None = None
        self._on_event = on_event
        self._steps = self._reused = 0
        self._step, self._started = "", 0.0

    @property
    def summary(self) -> LocalRunFinished:
        """How many steps ran, and how many came from the cache."""
        return LocalRunFinished(self._steps, self._reused)

    def read(self, line: str) -> None:
        """Parse one line; lines that say nothing of the run are only kept."""
        text = line.strip()
        self.lines.append(text)
        if text.startswith(FAILED):
            self.failure = text.removeprefix(FAILED)
        elif event := self._parse(text):
            self._on_event(event)

    def _parse(self, text: str) -> LocalEvent | None:
        if found := STARTED.search(text):
            self._steps += 1
            self._step, self._started = found[1], time.monotonic()
            return StepStarted(self._step)
        if found := REUSED.search(text):
            self._reused += 1
            return StepReused(found[1])
        if found := FINISHED.search(text):
            return StepFinished(found[1])
        if text.startswith(SAID):
            return StepMessage(self._step, text.removeprefix(SAID), time.monotonic() - self._started)
        if found := COUNTED.search(text):
            return StepProgress(self._step, found["unit"], int(found["done"]), int(found["total"]))
        return None
