"""The bounded queue between answers and the process that sends them."""

import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import count, islice, repeat

from matchday import telemetry
from serving.log.address import Address
from serving.log.frame import Row, pack
from serving.log.prediction import Prediction
from serving.log.sender import Sender

CAPACITY = 16_384
"""Forecasts that wait at most."""

CHUNK = 128
"""Forecasts of one frame; also what is dropped at a time."""

LINGER_SECONDS = 0.02
REPORT_SECONDS = 60.0


class QueuedLog:
    """Keeps the newest forecasts until they are sent, in order; for one worker process.

    What comes in is packed within moments, whether or not it can be sent: thousands of waiting objects would
    make the garbage collector stop requests for tens of milliseconds, as many bytes do not.

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
        self._queue: deque[Row] = deque(maxlen=capacity)
        self._frames: deque[tuple[int, bytes]] = deque()
        self._packed = 0
        self._capacity = capacity
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
        rows = len(entry.output)
        if rows == 1:
            self._queue.append((next(self._numbers), entry, 0))
        else:
            self._queue.extend(zip(islice(self._numbers, rows), repeat(entry), range(rows), strict=False))

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
            self._pack(least=1 if not self._frames else self._chunk)
            if self._frames:
                rows, frame = self._frames.popleft()
                self._packed -= rows
                if not self._delivered(rows, frame):
                    break
            elif self._closing.wait(LINGER_SECONDS) and not self._queue:
                break
            self._tick()
        self._sender.close(max(0.5, min(self._deadline - time.monotonic(), 5.0)))
        self._pack(least=1)
        self._lost += self._packed
        self._report_at = 0.0
        self._tick()

    def _pack(self, least: int) -> None:
        """Make frames of what has come in, while it is `least` forecasts; drop the oldest beyond the capacity."""
        while len(self._queue) >= least:
            rows = self._take()
            try:
                frame = pack(rows)
            except Exception:
                self._lost += len(rows)
                self.log.exception("predictions not logged", predictions=len(rows))
                continue
            self._frames.append((len(rows), frame))
            self._packed += len(rows)
            while self._packed > self._capacity:
                oldest, _ = self._frames.popleft()
                self._packed -= oldest
                self._lost += oldest

    def _take(self) -> list[Row]:
        rows: list[Row] = []
        while len(rows) < self._chunk:
            try:
                row = self._queue.popleft()
            except IndexError:
                break
            self._lost += row[0] - self._next
            self._next = row[0] + 1
            rows.append(row)
        return rows

    def _delivered(self, rows: int, frame: bytes) -> bool:
        """Whether a frame was confirmed before time ran out."""
        kept = self._sender.deliver(frame, self._expired)
        self._lost += rows - (kept or 0)
        return kept is not None

    def _expired(self) -> bool:
        self._pack(least=self._chunk)
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
