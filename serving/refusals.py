"""Refused requests in the log: a line each, but a flood of bad requests is not to become a flood of lines."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import cached_property
from time import monotonic
from typing import Any

from matchday import telemetry
from matchday.telemetry import Caller
from serving.protocol.errors import Refusal

MOST_PER_SECOND = 20


class Refusals:
    """One per worker. What is not said within a second is counted in the next line. clock: seconds, for tests."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._second = -1
        self._said = 0
        self._unsaid = 0

    @cached_property
    def log(self) -> Any:
        """This server's structured log."""
        return telemetry.logger("serving")

    def tell(self, refusal: Refusal, caller: Caller | None, **about: Any) -> None:
        """Say once that a request was refused, in its trace when it has one."""
        if refusal.told:
            return
        refusal.told = True
        second = int(self._clock())
        if second != self._second:
            self._second, self._said = second, 0
        if self._said >= MOST_PER_SECOND:
            self._unsaid += 1
            return
        self._said += 1
        if self._unsaid:
            about["unsaid_before"], self._unsaid = self._unsaid, 0
        with telemetry.within(caller) if caller else nullcontext():
            self.log.info("request refused", status=int(refusal.status), reason=str(refusal), **about)
