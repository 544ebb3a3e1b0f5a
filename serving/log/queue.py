"""The bounded queue between answers and the process that sends them."""

import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import count

from matchday import telemetry
from serving.log.address import Address
from serving.log.frame import Packer
from serving.log.prediction import Prediction
from serving.log.sender import Sender

CAPACITY = 16_384
"""Forecasts that wait at most."""

CHUNK = 512
"""Most forecasts of one frame."""

LINGER_SECONDS = 0.05
"""How long forecasts wait for others to fill their frame."""

REPORT_SECONDS = 60.0


class QueuedLog:
    """Keeps the newest forecasts until they are sent, in order; for one worker process.

    They wait as bytes: thousands of waiting objects would make the garbage collector stop requests for tens of
    milliseconds.

    Each forecast is numbered as it comes. The thread that takes them sees from the gaps what the bounded
    queue has pushed out, so that `record` takes no lock and the count of the lost is exact.
    """

    enabled = True

    def __init__(
        self,
        address: Address,
        capacity: int = CAPACITY,
        on_dropped: Callable[[int], None] | None = None,
        report_seconds: float = REPORT_SECONDS,
    ) -> None:
        """on_dropped: told of further losses, within about a second and not on the request path."""
        self._queue: deque[tuple[int, bytes]] = deque(maxlen=capacity)
        self._packer = Packer()
        self._chunk = max(1, min(CHUNK, capacity // 8))
        self._numbers = count()
        self._next = 0
        self._lost = 0
        self._told = 0
        self._reported = 0
        self._report_at = 0.0
        self._report_seconds = report_seconds
        self._on_dropped = on_dropped
        self.log = telemetry.logger("serving.log")
        self._closing = threading.Event()
        self._deadline = float("inf")
        self._address = address
        self._sender = Sender(address)
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def record(self, entry: Prediction) -> None:
        """Put an answer into the queue, which drops its oldest when full."""
        for place in range(len(entry.output)):
            number = next(self._numbers)
            try:
                line = self._packer.line(number, entry, place)
            except Exception:
                self.log.exception("prediction not logged", request=entry.request_id)
                line = b""  # of which no event is made, and which so counts as lost
            self._queue.append((number, line))

    @property
    def dropped(self) -> int:
        """Forecasts lost so far: pushed out of the queue, refused by Kafka, or unsent at the end."""
        try:
            waiting = self._queue[0][0]
        except IndexError:
            return self._lost
        return self._lost + max(0, waiting - self._next)

    def close(self, seconds: float = 5.0) -> None:
        """Send what is left for at most this long; what is not confirmed then counts as dropped."""
        self._deadline = time.monotonic() + seconds
        self._closing.set()
        self._thread.join(seconds + 2.0)

    def _run(self) -> None:
        while True:
            if len(self._queue) < self._chunk and self._closing.wait(LINGER_SECONDS) and not self._queue:
                break
            lines = self._take()
            if lines and not self._delivered(lines):
                break
            self._tick()
        self._sender.close(max(0.5, min(self._deadline - time.monotonic(), 5.0)))
        while lines := self._take():
            self._lost += len(lines)
        self._report_at = 0.0
        self._tick()

    def _take(self) -> list[bytes]:
        lines: list[bytes] = []
        while len(lines) < self._chunk:
            try:
                number, line = self._queue.popleft()
            except IndexError:
                break
            self._lost += number - self._next
            self._next = number + 1
            lines.append(line)
        return lines

    def _delivered(self, lines: list[bytes]) -> bool:
        """Whether a frame of these lines was confirmed before time ran out."""
        kept = self._sender.deliver(self._packer.frame(lines), self._expired)
        self._lost += len(lines) - (kept or 0)
        return kept is not None

    def _expired(self) -> bool:
        self._tick()
        return time.monotonic() > self._deadline

    def _tick(self) -> None:
        """Tell of losses: the metric at once, the log once a minute."""
        dropped = self.dropped
        if dropped > self._told and self._on_dropped is not None:
            self._on_dropped(dropped - self._told)
        self._told = dropped
        if dropped > self._reported and time.monotonic() >= self._report_at:
            self.log.warning(
                "predictions dropped",
                dropped=dropped - self._reported,
                in_all=dropped,
                to=str(self._address),
                reason=self._sender.trouble or "predictions come faster than they can be sent",
            )
            self._reported = dropped
            self._report_at = time.monotonic() + self._report_seconds
