"""Log lines of requests that were not answered: one each, and few of them when they flood in."""

from collections import Counter
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
"""Most lines of each kind in a second; the next line of that kind counts those in between."""


class FailureLog:
    """One per worker. clock: seconds, for tests."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._second = -1
        self._written: Counter[str] = Counter()
        self._suppressed: Counter[str] = Counter()

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
        fields = {"status": int(refusal.status), **fields}
        with telemetry.within(caller) if caller else nullcontext():
            if cause is refusal:
                self._write_line("info", "request refused", reason=str(refusal), **fields)
            elif refusal.status == HTTPStatus.INTERNAL_SERVER_ERROR:
                self._write_line("error", "request failed", exc_info=cause, **fields)
            else:
                self._write_line("warning", "request not answered", reason=str(refusal), **fields)

    def _write_line(self, level: str, event: str, **fields: Any) -> None:
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._written.clear()
        if self._written[event] >= LINES_PER_SECOND:
            self._suppressed[event] += 1
            return
        self._written[event] += 1
        if suppressed := self._suppressed.pop(event, 0):
            fields["suppressed_before"] = suppressed
        getattr(self.log, level)(event, **fields)
