"""A member of a consumer group: partitions come and go, offsets are committed by hand."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import CommitFailedError, KafkaError
from kafka.structs import OffsetAndMetadata

from matchday.events.cluster import KafkaCluster
from matchday.events.errors import EventsError
from matchday.events.failures import client_failures
from matchday.events.received import Received
from matchday.events.topics import Topic
from matchday.telemetry import logger

Position = tuple[str, int]
"""Topic and partition."""

OPTIONS: dict[str, Any] = {
    "enable_auto_commit": False,
    "auto_offset_reset": "earliest",
    "partition_assignment_strategy": [CooperativeStickyAssignor],
    "bootstrap_timeout_ms": 5_000,
    "request_timeout_ms": 20_000,
    "session_timeout_ms": 15_000,
    "heartbeat_interval_ms": 3_000,
    "max_poll_interval_ms": 300_000,
    "max_partition_fetch_bytes": 128 * 1024,
    "reconnect_backoff_max_ms": 2_000,
    "metadata_max_age_ms": 10_000,
    "metrics_enabled": False,
    "client_id": "matchday",
}
"""Fetches are small because the client hands out one partition's fetch after the other: of a long backlog it would run
months ahead in one partition, and what it makes of them would be made again with each of the others."""


SILENT_SECONDS = 2.0
"""Without records for so long, Kafka is asked something that it must answer: its client hides that a broker is gone."""

ANSWER_MS = 5_000
"""Longest wait for an answer."""


STALLED_SESSIONS = 4
"""Session timeouts after which records that nobody takes are looked for: a killed member is long gone by then."""


class PartitionState(NamedTuple):
    """A partition that this member was given. committed: None without; first, end: offsets that the broker has."""

    position: Position
    committed: int | None
    first: int
    end: int


class GroupConsumer:
    """Reads topics as one of a group. Every method raises EventsError while Kafka does not answer.

    joined: whether the group has this member, with partitions or without.
    """

    def __init__(
        self,
        cluster: KafkaCluster,
        group: str,
        topics: Sequence[Topic],
        choose: Callable[[PartitionState], int],
        **options: Any,
    ) -> None:
        """choose: where to begin in a partition that was given to this member. options: in place of `OPTIONS`."""
        self._cluster, self._group, self._topics = cluster, group, topics
        self._choose = choose
        self._options = OPTIONS | options
        self._consumer: Any = None
        self.given: set[Any] = set()
        self._held: dict[Any, list[Any]] = {}
        self._heard = 0.0
        self._next: dict[Any, int] = {}
        self._paused = False
        self._look_at = 0.0
        self._waiting: dict[Any, int] = {}
        self._log = logger("events")
        self.joined = False

    def poll(self, most: int, milliseconds: int) -> list[Received]:
        """Records that are there, at most so many, after a wait of at most so long for the first ones."""
        with self._failures():
            consumer = self._connect()
            found = consumer.poll(timeout_ms=milliseconds, max_records=most)
            finish_join(consumer._coordinator)
            for part, records in found.items():
                self._held.setdefault(part, []).extend(records)
            self._check_answer(consumer, bool(found))
            if self._is_stalled(consumer, bool(found)):
                self._log.warning("records wait and no member takes them: this one joins its group anew")
                self.close()
                return []
            if self.given:
                self._held = {part: records for part, records in self._held.items() if part not in self.given}
                self._place(consumer)  # when this raises, the next poll returns what is held
            kept, self._held = self._held, {}
            self._next |= {part: records[-1].offset + 1 for part, records in kept.items() if records}
            return [
                Received(one.topic, one.partition, one.offset, one.key, one.headers, one.value, one.timestamp / 1000)
                for records in kept.values()
                for one in records
            ]

    def _is_stalled(self, consumer: Any, found: bool) -> bool:
        """Whether records wait that nobody has taken since the last look.

        Once in a while that is so after members were killed: Kafka's client then polls, and fetches nothing.
        """
        now = time.monotonic()
        if found or self._paused or not self.joined:
            self._look_at, self._waiting = now + self._patience, {}
        if now < self._look_at:
            return False
        parts = [
            TopicPartition(topic.name, number)
            for topic in self._topics
            for number in consumer.partitions_for_topic(topic.name) or ()
        ]
        ends, first = consumer.end_offsets(parts), consumer.beginning_offsets(parts)
        done = {part: max(consumer.committed(part) or 0, first[part]) for part in parts}
        waiting = {part: after for part, after in done.items() if after < ends[part]}
        stalled = any(self._waiting.get(part) == after for part, after in waiting.items())
        self._look_at, self._waiting = now + self._patience, waiting
        return stalled

    @property
    def _patience(self) -> float:
        """Seconds between two looks for records that nobody takes."""
        return STALLED_SESSIONS * float(self._options["session_timeout_ms"]) / 1000

    def place_again(self) -> None:
        """Ask once more where to begin in every partition that this member has, at the next poll."""
        if self._consumer is not None:
            self.given |= self._consumer.assignment()

    def commit(self, offsets: Mapping[Position, int]) -> bool:
        """Commit offsets behind what is done. Of partitions that another member has by now none is committed.

        Returns whether it is done; while a rebalance is under way it is not, and has to be tried again.
        """
        if not offsets:
            return True
        if self._consumer is None:
            return False
        with self._failures():
            mine = self._consumer.assignment()
            said = {TopicPartition(*place): OffsetAndMetadata(after, "", -1) for place, after in offsets.items()}
            try:
                self._consumer.commit({part: after for part, after in said.items() if part in mine})
            except CommitFailedError:
                return False
        return True

    def pause(self) -> None:
        """Fetch nothing until `resume`; polling goes on, so that this member stays in the group."""
        self._paused = True
        if self._consumer is not None:
            with self._failures():
                self._consumer.pause(*self._consumer.assignment())

    def resume(self) -> None:
        """Fetch again."""
        self._paused = False
        if self._consumer is not None:
            with self._failures():
                self._consumer.resume(*self._consumer.paused())

    @property
    def partitions(self) -> list[Position]:
        """The partitions that this member has now, in order."""
        return sorted((part.topic, part.partition) for part in self._consumer.assignment()) if self._consumer else []

    def first_offsets(self, positions: Sequence[Position]) -> dict[Position, int]:
        """The first offset that the broker still has of some partitions."""
        with self._failures():
            found = self._connect().beginning_offsets([TopicPartition(*place) for place in positions])
            return {(part.topic, part.partition): first for part, first in found.items()}

    def lag(self) -> int:
        """Records that wait in this member's partitions, as far as the last fetch has told."""
        if self._consumer is None:
            return 0
        with self._failures():
            ends = {part: self._consumer.highwater(part) for part in self._consumer.assignment()}
        return sum(max(0, end - self._next.get(part, end)) for part, end in ends.items() if end is not None)

    def close(self) -> None:
        """Leave the group."""
        if self._consumer is not None:
            with suppress(KafkaError):
                self._consumer.close(autocommit=False, timeout_ms=5_000)
            self._consumer = None
        self.joined, self._held = False, {}

    def _connect(self) -> Any:
        if self._consumer is None:
            self._consumer = KafkaConsumer(group_id=self._group, **self._cluster.options(), **self._options)
            self.given = set()
            self._consumer.subscribe([topic.name for topic in self._topics], listener=_Listener(self))
        return self._consumer

    def _check_answer(self, consumer: Any, heard: bool) -> None:
        """Make sure that Kafka is there, now and then while it has no records."""
        assigned = consumer.assignment()
        if not heard and assigned and time.monotonic() - self._heard > SILENT_SECONDS:
            consumer.end_offsets(list(assigned), timeout_ms=ANSWER_MS)
            heard = True
        if heard:
            self._heard = time.monotonic()

    def _place(self, consumer: Any) -> None:
        """Begin in the partitions that were given to this member. What was fetched of them meanwhile is left out."""
        given = [part for part in self.given if part in consumer.assignment()]
        first, ends = consumer.beginning_offsets(given), consumer.end_offsets(given)
        for part in given:
            place = (part.topic, part.partition)
            committed = consumer.committed(part, timeout_ms=ANSWER_MS)
            state = PartitionState(place, committed, first[part], ends[part])
            self._next[part] = self._choose(state)
            consumer.seek(part, self._next[part])
            if self._paused:
                consumer.pause(part)
        self.given.clear()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        with client_failures() as failure:
            try:
                yield
            except KafkaError as error:
                self.close()
                raise EventsError(f"{self._cluster} does not answer: {failure.explain(error)}") from None


def finish_join(coordinator: Any) -> None:
    """Have a join finished that Kafka's client has forgotten, else this member would wait for ever.

    Seen with kafka-python 3.0.12: a leader joins again because partitions have changed. When the answer comes between
    two polls, the change that asked for it is already noted, so the next poll does not look at the answer.
    """
    if coordinator.rejoining and not coordinator.need_rejoin():
        coordinator.request_rejoin()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes which partitions were given. Kafka's client calls it in the middle of a poll."""

    def __init__(self, member: GroupConsumer) -> None:
        self._member = member

    def on_partitions_revoked(self, revoked: Sequence[Any]) -> None:
        self._member.given.difference_update(revoked)

    def on_partitions_assigned(self, assigned: Sequence[Any]) -> None:
        self._member.given.update(assigned)
        self._member.joined = True
