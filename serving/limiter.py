"""Concurrency limit of a worker, memory of its bodies, and deadlines of the requests in flight."""

import asyncio
import math
from http import HTTPStatus
from time import perf_counter

from serving.protocol.errors import CLOSE, Refusal

TICK_SECONDS = 0.05
"""How often the requests in flight are checked for one that is past its deadline."""


MOST_BODIES = 16
"""Largest bodies that are held at once; a worker's memory must not grow with `max_concurrent` of them."""

SMALL_BODY = 64 * 1024
"""Bytes of a body that is always read: a few clients who announce large ones, and send nothing, keep nobody out."""


class InFlight:
    """A request in flight. deadline: by `perf_counter`. expired: it was cancelled for being past it.

    body_bytes: what its body takes.
    """

    __slots__ = ("body_bytes", "deadline", "expired", "task")

    def __init__(self, task: "asyncio.Task[object]", deadline: float) -> None:
        self.task = task
        self.deadline = deadline
        self.expired = False
        self.body_bytes = 0

    def allow(self, seconds: float) -> None:
        """Set the deadline that many seconds from now: what took its time before is over."""
        self.deadline = perf_counter() + seconds
        self.expired = False


class ConcurrencyLimiter:
    """The requests in flight in this worker, at most `limit`, with bodies of at most `most_bytes` together.

    One timer cancels those that are past their deadline: a timer for each would cost more than most answers.
    """

    def __init__(self, limit: int, most_bytes: float = math.inf) -> None:
        self.limit = limit
        self.most_bytes = most_bytes
        self._body_bytes = 0
        self._in_flight: set[InFlight] = set()
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, seconds: float) -> InFlight:
        """Count the current task in, with a deadline. Raises Refusal (429) when too many are in flight."""
        if len(self._in_flight) >= self.limit:
            raise _too_many(f"{self.limit} requests are being answered")
        loop = asyncio.get_running_loop()
        entered = InFlight(asyncio.current_task(loop), perf_counter() + seconds)  # type: ignore[arg-type]
        self._in_flight.add(entered)
        if self._timer is None:
            self._timer = loop.call_later(TICK_SECONDS, self._cancel_expired, loop)
        return entered

    def leave(self, entered: InFlight) -> None:
        """Count a request out. Once or more often is the same."""
        self._in_flight.discard(entered)
        self._body_bytes -= entered.body_bytes
        entered.body_bytes = 0

    def hold(self, entered: InFlight, size: int) -> None:
        """Count further bytes of a request's body, before they are read. Raises Refusal (429) for too many."""
        if entered.body_bytes + size > SMALL_BODY and self._body_bytes + size > self.most_bytes:
            raise _too_many(f"bodies of {self._body_bytes} bytes are being read")
        self._body_bytes += size
        entered.body_bytes += size

    def _cancel_expired(self, loop: asyncio.AbstractEventLoop) -> None:
        now = perf_counter()
        for each in self._in_flight:
            if each.deadline < now and not each.expired:
                each.expired = True
                each.task.cancel()
        self._timer = loop.call_later(TICK_SECONDS, self._cancel_expired, loop) if self._in_flight else None


def _too_many(what: str) -> Refusal:
    return Refusal(
        f"{what}, more are not taken on: try again in a second",
        HTTPStatus.TOO_MANY_REQUESTS,
        (("retry-after", "1"), CLOSE),
    )
