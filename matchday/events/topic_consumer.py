"""Events from a Kafka topic, read from its end and on, by no consumer group."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from matchday.events.cluster import KafkaCluster
from matchday.events.envelope import CloudEvent
from matchday.events.errors import EventsError
from matchday.events.failures import client_failures
from matchday.events.topics import Topic
from matchday.telemetry import logger

POLL_MS = 200
OPTIONS: dict[str, Any] = {
    "group_id": None,
    "enable_auto_commit": False,
    "bootstrap_timeout_ms": 5_000,
    "request_timeout_ms": 5_000,
    "metrics_enabled": False,
    "client_id": "matchday",
}

Offsets = Mapping[int, int]
"""Partition -> offset of the next record."""


class TopicConsumer:
    """Reads what `TopicProducer` writes. seconds: how long one call may read; the next one reads what is left."""

    def __init__(self, cluster: KafkaCluster, topic: Topic, seconds: float = 5.0) -> None:
        self._cluster = cluster
        self._topic = topic
        self._seconds = seconds
        self._log = logger("events")

    def since(self, position: Offsets | None, most: int) -> tuple[list[CloudEvent], Offsets]:
        """As `EventConsumer.since`. A topic that is not there yet has no events."""
        with client_failures() as failure:
            try:
                consumer = KafkaConsumer(**self._cluster.options(), **OPTIONS)
                try:
                    records, end = self._records(consumer, position or {}, most)
                finally:
                    consumer.close()
            except KafkaError as error:
                raise EventsError(f"{self._cluster} does not answer: {failure.explain(error)}") from None
        events = sorted(self._events(records), key=lambda event: event.time)
        return events[-most:], end

    def _records(self, consumer: Any, position: Offsets, most: int) -> tuple[list[Any], Offsets]:
        """What lies between a position and the end of now, at most the newest `most` of each partition."""
        known = consumer.partitions_for_topic(self._topic.name) or ()
        parts = [TopicPartition(self._topic.name, number) for number in sorted(known)]
        if not parts:
            return [], position
        consumer.assign(parts)
        first, ends = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
        for part in parts:
            begun = min(position.get(part.partition, 0), ends[part])
            consumer.seek(part, max(first[part], begun, ends[part] - most))
        records: list[Any] = []
        until = time.monotonic() + self._seconds
        while any(consumer.position(part) < ends[part] for part in parts) and time.monotonic() < until:
            for batch in consumer.poll(timeout_ms=POLL_MS).values():
                records += batch
        return records, {part.partition: consumer.position(part) for part in parts}

    def _events(self, records: Sequence[Any]) -> list[CloudEvent]:
        events, broken = [], 0
        for record in records:
            try:
                events.append(CloudEvent.from_record(record.key, record.headers, record.value))
            except ValueError:
                broken += 1
        if broken:
            self._log.warning("records are no events", topic=self._topic.name, records=broken)
        return [event for event in events if event.type == self._topic.type]
