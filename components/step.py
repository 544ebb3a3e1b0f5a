"""What a step finds around it: settings, the lake, its span in the trace, and a voice."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

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


@contextmanager
def step(name: str) -> Iterator[Step]:
    """Run a step within its span. A known failure ends the process with one line and exit code 1."""
    settings = Settings()
    telemetry.start("matchday-pipeline")
    try:
        with telemetry.span(name):
            yield Step(name, settings, Lake(settings.lake))
    except MatchdayError as error:
        print(f"{FAILED}{error}", flush=True)
        raise SystemExit(1) from None
    finally:
        telemetry.shutdown()
