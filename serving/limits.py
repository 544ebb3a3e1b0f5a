"""How much a worker takes on at once, how long it tries, and from whom."""

import asyncio
import hmac
from http import HTTPStatus
from time import perf_counter

from serving.protocol.errors import Refusal
from serving.reply import CLOSE
from serving.settings import ServingSettings

TICK_SECONDS = 0.05
"""How often the requests in flight are looked over for one that takes too long."""


class Flight:
    """A request in flight. until: when it is given up, by `perf_counter`. late: it was."""

    __slots__ = ("late", "task", "until")

    def __init__(self, task: "asyncio.Task[object]", until: float) -> None:
        self.task = task
        self.until = until
        self.late = False


class Limits:
    """The requests in flight in this worker.

    One timer looks over them all: a timer for each would cost more than most answers.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._flights: set[Flight] = set()
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, seconds: float) -> Flight:
        """Take a request on, for this long. Raises Refusal (429) when too many are in flight."""
        if len(self._flights) >= self.most:
            raise Refusal(
                f"{self.most} requests are being answered, more are not taken on: try again in a second",
                HTTPStatus.TOO_MANY_REQUESTS,
                (("retry-after", "1"), *CLOSE),
            )
        loop = asyncio.get_running_loop()
        flight = Flight(asyncio.current_task(loop), perf_counter() + seconds)  # type: ignore[arg-type]
        self._flights.add(flight)
        if self._timer is None:
            self._timer = loop.call_later(TICK_SECONDS, self._look_over, loop)
        return flight

    def leave(self, flight: Flight) -> None:
        """A request is over."""
        self._flights.discard(flight)

    def _look_over(self, loop: asyncio.AbstractEventLoop) -> None:
        now = perf_counter()
        for flight in self._flights:
            if flight.until < now and not flight.late:
                flight.late = True
                flight.task.cancel()
        self._timer = loop.call_later(TICK_SECONDS, self._look_over, loop) if self._flights else None


class Door:
    """Lets those in who show the token; everybody when there is none."""

    def __init__(self, settings: ServingSettings) -> None:
        """Raises OSError when the token's file cannot be read."""
        token = settings.read_token()
        self._expected = f"Bearer {token}".encode() if token else None

    @property
    def locked(self) -> bool:
        """Whether there is a token."""
        return self._expected is not None

    def check(self, authorization: str | None) -> None:
        """Raises Refusal (401) for a header that is not the token's. Takes as long for a wrong one as for the right."""
        if self._expected is not None and not hmac.compare_digest((authorization or "").encode(), self._expected):
            raise Refusal(
                "this server asks for its token: send the header Authorization: Bearer TOKEN",
                HTTPStatus.UNAUTHORIZED,
                (("www-authenticate", "Bearer"), *CLOSE),
            )
