"""The prediction log of a cluster: the topic of predictions, read from its end and by no group."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from matchday import topics
from matchday.telemetry import logger
from rollout.observations.log import Logged, logged
from rollout.sources import SourceError
from serving.log.event import TYPE

POLL_MS = 200
SETTINGS: dict[str, Any] = {
    "group_id": None,
    "enable_auto_commit": False,
    "bootstrap_timeout_ms": 5_000,
    "request_timeout_ms": 5_000,
    "metrics_enabled": False,
    "client_id": "matchday-rollout",
}

Offsets = Mapping[int, int]
"""Partition -> offset of the next record."""


class TopicLog:
    """Events as `serving.log.kafka` sends them. A record that is no event is skipped and told of.

    seconds: how long one look may read; what is left then is read by the next.
    """

    def __init__(self, brokers: Sequence[str], seconds: float = 5.0) -> None:
        self._brokers = list(brokers)
        self._seconds = seconds
        self._log = logger("rollout")

    def since(self, place: Offsets | None, most: int) -> tuple[list[Logged], Offsets]:
        """As `Log.since`. A topic that is not there yet is an empty log."""
        try:
            consumer = KafkaConsumer(bootstrap_servers=self._brokers, **SETTINGS)
            try:
                records, end = self._records(consumer, place or {}, most)
            finally:
                consumer.close()
        except KafkaError as error:
            where = ",".join(self._brokers)
            raise SourceError(f"Kafka at {where} does not answer: {error or type(error).__name__}") from None
        entries = sorted(self._entries(records), key=lambda entry: entry.time)
        return entries[-most:], end

    def _records(self, consumer: Any, place: Offsets, most: int) -> tuple[list[Any], Offsets]:
        """What lies between a place and the end of now, at most the newest `most` of each partition."""
        known = consumer.partitions_for_topic(topics.PREDICTIONS) or ()
        parts = [TopicPartition(topics.PREDICTIONS, number) for number in sorted(known)]
        if not parts:
            return [], place
        consumer.assign(parts)
        first, ends = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
        for part in parts:
            begun = min(place.get(part.partition, 0), ends[part])
            consumer.seek(part, max(first[part], begun, ends[part] - most))
        records: list[Any] = []
        until = time.monotonic() + self._seconds
        while any(consumer.position(part) < ends[part] for part in parts) and time.monotonic() < until:
            for batch in consumer.poll(timeout_ms=POLL_MS).values():
                records += batch
        return records, {part.partition: consumer.position(part) for part in parts}

    def _entries(self, records: Sequence[Any]) -> list[Logged]:
        entries, broken = [], 0
        for record in records:
            try:
                is_event = dict(record.headers).get("ce_type") == TYPE.encode()
                entry = logged(orjson.loads(record.value)) if is_event else None
            except (ValueError, KeyError, TypeError, AttributeError):
                broken += 1
            else:
                entries += [entry] if entry else []
        if broken:
            self._log.warning("records of the prediction log are no events", topic=topics.PREDICTIONS, records=broken)
        return entries
