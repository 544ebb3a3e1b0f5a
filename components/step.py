"""What a step finds around it: settings, the lake, its span in the trace, and a voice."""

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
"""Starts a line that tells how far a step is: `… matches 120/1140`."""
FAILED = "✗ "
"""Starts the line that says why a step failed, where the failure is a known one."""

EVERY_S = 0.25


class Artifact(Protocol):
    """What is needed here of a KFP artifact."""

    path: str
    metadata: dict[str, Any]


@dataclass
class Step:
    """A running step."""

    name: str
    settings: Settings
    lake: Lake
    _told: float = field(default=0.0, repr=False)

    def say(self, text: str) -> None:
        """Sum up what the step did, in a line for a person and as an event of the trace."""
        print(f"{SAID}{text}", flush=True)
        telemetry.logger(self.name).info(text)

    def progress(self, what: str, done: int, total: int) -> None:
        """Tell how far the step is, at most every quarter of a second and at the end."""
        now = time.monotonic()
        if done == total or now - self._told >= EVERY_S:
            self._told = now
            print(f"{PROGRESS}{what} {done}/{total}", flush=True)


def leave(*artifacts: Artifact) -> None:
    """Write the metadata of artifacts that are nothing else (metrics) to their files, for people and for the cache.

    KFP's local cache takes an artifact without a file for one that was lost.
    """
    for artifact in artifacts:
        Path(artifact.path).write_text(json.dumps(artifact.metadata, indent=1), encoding="utf-8")


@contextmanager
def step(name: str, traceparent: str = "") -> Iterator[Step]:
    """Run a step within its span. A known failure ends the process with one line and exit code 1.

    traceparent: the trace it belongs to; by default that of the environment's `TRACEPARENT`.
    """
    settings = Settings()
    telemetry.start("matchday-pipeline")
    try:
        with telemetry.span(name, parent=telemetry.remote_context(traceparent) if traceparent else None):
            yield Step(name, settings, Lake(settings.lake))
    except MatchdayError as error:
        print(f"{FAILED}{error}", flush=True)
        raise SystemExit(1) from None
    finally:
        telemetry.shutdown()
