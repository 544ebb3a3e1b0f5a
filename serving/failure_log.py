"""Log lines of requests that were not answered: one each, and few of them when bad requests flood in."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import cached_property
from http import HTTPStatus
from time import monotonic
from typing import Any

from matchday import telemetry
from matchday.telemetry import Caller
from serving.protocol.errors import Refusal

LINES_PER_SECOND = 20
"""Most refusals that are logged in a second; the next line counts those in between."""


class FailureLog:
    """One per worker. clock: seconds, for tests."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._second = -1
        self._written = 0
        self._suppressed = 0

    @cached_property
    def log(self) -> Any:
        """This server's structured log."""
        return telemetry.logger("serving")

    def write(self, refusal: Refusal, cause: Exception, caller: Caller | None, **fields: Any) -> None:
        """Log once that a request was not answered, in its trace when it has one.

        cause: the refusal itself for a request that was refused; else what went wrong in the server.
        """
        if refusal.logged:
            return
        refusal.logged = True
        with telemetry.within(caller) if caller else nullcontext():
            if cause is refusal:
                self._write_refusal(refusal, fields)
            elif refusal.status == HTTPStatus.INTERNAL_SERVER_ERROR:
                self.log.error("request failed", exc_info=cause, status=int(refusal.status), **fields)
            else:
                self.log.warning("request not answered", status=int(refusal.status), reason=str(refusal), **fields)

    def _write_refusal(self, refusal: Refusal, fields: dict[str, Any]) -> None:
        second = int(self._clock())
        if second != self._second:
            self._second, self._written = second, 0
        if self._written >= LINES_PER_SECOND:
            self._suppressed += 1
            return
        self._written += 1
        if self._suppressed:
            fields["suppressed_before"], self._suppressed = self._suppressed, 0
        self.log.info("request refused", status=int(refusal.status), reason=str(refusal), **fields)
