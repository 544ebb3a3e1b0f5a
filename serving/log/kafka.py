"""Events to Kafka: acknowledged by every replica in sync, without doubles, in order per key."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from matchday import topics
from serving.log.event import Event
from serving.log.sink import Tell

WAIT_SECONDS = 2.0
"""How long Kafka may be silent before that is said."""

RETRY_SECONDS = 0.5
FOREVER_MS = 2**31 - 1

KEPT, REFUSED, FAILED = "kept", "refused", "failed"

SETTINGS: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    "delivery_timeout_ms": FOREVER_MS,
    "request_timeout_ms": 10_000,
    "bootstrap_timeout_ms": 5_000,
    "max_block_ms": 5_000,
    "reconnect_backoff_ms": 50,
    "reconnect_backoff_max_ms": 1_000,
    "compression_type": "gzip",
    "batch_size": 256 * 1024,
    "linger_ms": 2,
    "metrics_enabled": False,
    "client_id": "matchday-serving",
}
"""gzip and large batches because the checksum of a batch is computed in Python, byte by byte: 8 times cheaper.
The producer itself sends again, for as long as it takes: only it can do so without making doubles."""


class KafkaSink:
    """The topic of predictions, on a cluster that may be away."""

    def __init__(self, brokers: Sequence[str], tell: Tell) -> None:
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        self._brokers = list(brokers)
        self._tell = tell
        self._producer: Any = None

    def write(self, events: Sequence[Event]) -> int:
        """Send the events and wait until all are acknowledged. Returns how many are too large for Kafka."""
        refused = 0
        while events:
            ends = [(event, self._end(future)) for event, future in [(event, self._sent(event)) for event in events]]
            refused += sum(end == REFUSED for _, end in ends)
            events = [event for event, end in ends if end == FAILED]
            if events:
                self.close()
        return refused

    def close(self) -> None:
        """Close the connection; the next write opens another."""
        if self._producer is not None:
            self._producer.close(timeout=1.0)
            self._producer = None

    def _sent(self, event: Event) -> Any:
        """The promise of an event's delivery; None when it is too large for any."""
        while True:
            try:
                if self._producer is None:
                    self._producer = KafkaProducer(bootstrap_servers=self._brokers, **SETTINGS)
                return self._producer.send(
                    topics.PREDICTIONS, event.body(), key=event.key.encode(), headers=event.headers()
                )
            except MessageSizeTooLargeError:
                return None
            except KafkaError as error:
                self._say(error)
                time.sleep(RETRY_SECONDS)

    def _end(self, future: Any) -> str:
        """What became of an event; waits for as long as that is open."""
        while future is not None:
            try:
                future.get(timeout=WAIT_SECONDS)
            except MessageSizeTooLargeError:
                return REFUSED
            except KafkaError as error:
                self._say(error)
                if future.is_done:
                    return FAILED
            else:
                return KEPT
        return REFUSED

    def _say(self, error: Exception) -> None:
        reason = "no answer" if isinstance(error, KafkaTimeoutError) else str(error) or type(error).__name__
        self._tell(f"Kafka at {','.join(self._brokers)}: {reason}")
