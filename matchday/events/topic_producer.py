"""Events to a Kafka topic: acknowledged by every replica in sync, without doubles, in order per key."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from matchday.events.cluster import KafkaCluster
from matchday.events.envelope import CloudEvent, KafkaRecord
from matchday.events.errors import EventsError
from matchday.events.failures import client_failures
from matchday.events.topics import Topic

WAIT_SECONDS = 2.0
"""How long Kafka may be silent before that is reported."""

RETRY_SECONDS = 0.5
FOREVER_MS = 2**31 - 1

OPTIONS: dict[str, Any] = {
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
    "client_id": "matchday",
}
"""gzip and large batches because the checksum of a batch is computed in Python, byte by byte: 8 times cheaper.
The client itself sends again, for as long as it takes: only it can do so without making doubles."""


class TopicProducer:
    """Writes to one topic, on a cluster that may be away; connected when first written to."""

    def __init__(self, cluster: KafkaCluster, topic: Topic, on_trouble: Callable[[str], None]) -> None:
        """on_trouble: called again and again with the reason, while events cannot be written.

        What it raises ends the writing: some of the events may have been written by then.
        """
        self._cluster = cluster
        self._topic = topic
        self._on_trouble = on_trouble
        self._producer: Any = None

    def send(self, events: Sequence[CloudEvent]) -> int:
        """As `send_records`."""
        return self.send_records([event.record() for event in events])

    def send_records(self, records: Sequence[KafkaRecord]) -> int:
        """Return once all are acknowledged, however long it takes. Returns how many are too large for Kafka."""
        try:
            return self._send_all(records)
        except EventsError:  # raised by on_trouble
            self.close()
            raise

    def _send_all(self, records: Sequence[KafkaRecord]) -> int:
        refused = 0
        while records:
            futures = [self._submit(record) for record in records]
            outcomes = [self._outcome(future) for future in futures]
            refused += outcomes.count("refused")
            records = [record for record, outcome in zip(records, outcomes, strict=True) if outcome == "failed"]
            if records:
                self.close()
        return refused

    def close(self) -> None:
        """Close the connection; the next write opens another."""
        if self._producer is not None:
            self._producer.close(timeout=1.0)
            self._producer = None

    def _submit(self, record: KafkaRecord) -> Any:
        """The future of a record's delivery; None when it is too large for any."""
        while True:
            try:
                if self._producer is None:
                    self._producer = self._connect()
                return self._producer.send(
                    self._topic.name, record.value, key=record.key, headers=record.named_headers()
                )
            except MessageSizeTooLargeError:
                return None
            except (KafkaError, EventsError) as error:
                self._report(error)
                time.sleep(RETRY_SECONDS)

    def _connect(self) -> Any:
        with client_failures() as failure:
            try:
                return KafkaProducer(**self._cluster.options(), **OPTIONS)
            except KafkaError as error:
                raise EventsError(f"{self._cluster}: {failure.explain(error)}") from None

    def _outcome(self, future: Any) -> str:
        """What became of a record; waits for as long as that is open."""
        while future is not None:
            try:
                future.get(timeout=WAIT_SECONDS)
            except MessageSizeTooLargeError:
                return "refused"
            except KafkaError as error:
                self._report(error)
                if future.is_done:
                    return "failed"
            else:
                return "kept"
        return "refused"

    def _report(self, error: Exception) -> None:
        if isinstance(error, EventsError):
            self._on_trouble(str(error))
        else:
            reason = "no answer" if isinstance(error, KafkaTimeoutError) else str(error) or type(error).__name__
            self._on_trouble(f"{self._cluster}: {reason}")
