"""The bounded queue between answers and the sender of their events."""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from itertools import count

from matchday import telemetry
from serving.log.encoder import PredictionEncoder
from serving.log.prediction import Prediction
from serving.log.sender import Sender

CAPACITY = 16_384
"""Events that wait at most."""

CHUNK = 512
"""Most events of one delivery."""

LINGER_SECONDS = 0.05
"""How long events wait for others to come along."""

REPORT_SECONDS = 60.0


class QueuedLog:
    """Keeps the newest events until they are sent, in order; for one worker process.

    They wait as bytes: thousands of waiting objects would make the garbage collector stop requests for tens of
    milliseconds. The lock is held for microseconds, never while events are delivered.

    dropped: events lost so far: pushed out of the queue, refused by Kafka, deleted by rotation, unsent at the end.
    """

    enabled = True

    def __init__(
        self,
        sender: Sender,
        to: str = "",
        capacity: int = CAPACITY,
        on_dropped: Callable[[int], None] | None = None,
        report_seconds: float = REPORT_SECONDS,
    ) -> None:
        """on_dropped: told of further losses, within about a second and not on the request path. to: for the log."""
        self.dropped = 0
        self._queue: deque[bytes] = deque()
        self._capacity = capacity
        self._encoder = PredictionEncoder(uuid.uuid4().hex)
        self._sender = sender
        self._to = to
        self._chunk = max(1, min(CHUNK, capacity // 8))
        self._lock = threading.Lock()
        self._ids = count()
        self._in_delivery = 0
        self._abandoned = False
        self._announced = 0
        self._reported = 0
        self._report_at = 0.0
        self._report_seconds = report_seconds
        self._on_dropped = on_dropped
        self.log = telemetry.logger("serving.log")
        self._closing = threading.Event()
        self._deadline = float("inf")
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def record(self, entry: Prediction) -> None:
        """Put an answer into the queue, which drops its oldest when full."""
        for row in range(len(entry.output)):
            try:
                event = self._sender.encode(self._encoder, next(self._ids), entry, row)
            except Exception:
                self.log.exception("prediction not logged", request=entry.request_id)
                self._lose(1)
                continue
            with self._lock:
                if len(self._queue) >= self._capacity:
                    self._queue.popleft()
                    self.dropped += 1
                self._queue.append(event)

    def close(self, seconds: float = 5.0) -> None:
        """Send what is left for at most this long; what is not confirmed then counts as dropped."""
        self._deadline = time.monotonic() + seconds
        self._closing.set()
        self._thread.join(seconds + 2.0)
        if self._thread.is_alive():  # in a call to a disk that hangs
            self._abandoned = True
            self._lose(self._in_delivery)
            self._give_up()

    def _run(self) -> None:
        while True:
            if len(self._queue) < self._chunk and self._closing.wait(LINGER_SECONDS) and not self._queue:
                break
            events = self._take()
            if events and not self._deliver(events):
                break
            self._announce()
        self._sender.close(max(0.5, min(self._deadline - time.monotonic(), 5.0)))
        self._give_up()

    def _take(self) -> list[bytes]:
        """The oldest events, at most a chunk of them."""
        with self._lock:
            if len(self._queue) > self._chunk:
                return [self._queue.popleft() for _ in range(self._chunk)]
            events = list(self._queue)
            self._queue.clear()
            return events

    def _lose(self, events: int) -> None:
        with self._lock:
            self.dropped += events

    def _deliver(self, events: list[bytes]) -> bool:
        """Whether these events were confirmed before time ran out."""
        self._in_delivery = len(events)
        lost = self._sender.deliver(events, self._expired)
        if self._abandoned:
            return False
        self._in_delivery = 0
        self._lose(len(events) if lost is None else lost)
        return lost is not None

    def _give_up(self) -> None:
        """Count what is still in the queue as lost."""
        while events := self._take():
            self._lose(len(events))
        self._report_at = 0.0
        self._announce()

    def _expired(self) -> bool:
        self._announce()
        return time.monotonic() > self._deadline

    def _announce(self) -> None:
        """Tell of losses: the metric at once, the log once a minute."""
        dropped = self.dropped
        if dropped > self._announced and self._on_dropped is not None:
            self._on_dropped(dropped - self._announced)
        self._announced = dropped
        if dropped > self._reported and time.monotonic() >= self._report_at:
            self.log.warning(
                "predictions dropped",
                dropped=dropped - self._reported,
                in_all=dropped,
                to=self._to,
                reason=self._sender.trouble or "predictions come faster than they can be sent",
            )
            self._reported = dropped
            self._report_at = time.monotonic() + self._report_seconds
