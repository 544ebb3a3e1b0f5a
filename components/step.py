"""The context that every step runs in: settings, lake, trace span, output lines, and how it fails."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from matchday import telemetry
from matchday.errors import MatchdayError
from matchday.lake import Lake
from matchday.settings import Settings

SAID = "» "
"""Starts a line that sums a step up for a person."""
PROGRESS = "… "
"""Starts a line that shows the progress of a step: `… matches 120/1140`."""
FAILED = "✗ "
"""Starts the line that says why a step failed, for a known failure."""

PROGRESS_SECONDS = 0.25
"""At most one progress line in this time."""


class Artifact(Protocol):
    """The part of a KFP artifact that is used here."""

    path: str
    metadata: dict[str, Any]


@dataclass
class StepContext:
    """Settings and lake of a running step, and its output lines."""

    name: str
    settings: Settings
    lake: Lake
    _last_progress: float = field(default=0.0, repr=False)

    def say(self, text: str) -> None:
        """Print a line for people that sums up what the step did; it goes to the log as well."""
        print(f"{SAID}{text}", flush=True)
        telemetry.logger(self.name).info(text)

    def progress(self, what: str, done: int, total: int) -> None:
        """Print the progress of the step, at most every `PROGRESS_SECONDS` and at the end."""
        now = time.monotonic()
        if done == total or now - self._last_progress >= PROGRESS_SECONDS:
            self._last_progress = now
            print(f"{PROGRESS}{what} {done}/{total}", flush=True)


def write_metadata(*artifacts: Artifact) -> None:
    """Write the metadata of artifacts that have no other content (metrics) to their files.

    KFP's local cache treats an artifact without a file as lost.
    """
    for artifact in artifacts:
        Path(artifact.path).write_text(json.dumps(artifact.metadata, indent=1), encoding="utf-8")


@contextmanager
def step(name: str, traceparent: str = "") -> Iterator[StepContext]:
    """Run a step within its span. A known failure ends the process with one line and exit code 1.

    traceparent: the trace it belongs to; by default that of the environment's `TRACEPARENT`.
    """
    settings = Settings()
    telemetry.start("matchday-pipeline")
    try:
        with telemetry.span(name, parent=telemetry.remote_context(traceparent) if traceparent else None):
            yield StepContext(name, settings, Lake(settings.lake))
    except MatchdayError as error:
        print(f"{FAILED}{error}", flush=True)
        raise SystemExit(1) from None
    finally:
        telemetry.shutdown()
