"""Sends dead letters back to their topics, after what they died of was mended."""

import base64
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from matchday.events import DEAD_LETTERS, STREAMED, CloudEvent, Topic
from matchday.events.cluster import KafkaCluster
from matchday.events.envelope import HEADERS, KafkaRecord
from matchday.events.group_consumer import GroupConsumer, PartitionState, Position
from matchday.events.received import Received
from matchday.events.topic_producer import TopicProducer
from matchday.events.validation import is_valid
from matchday.telemetry import logger

GROUP = "matchday-redrive"
"""Consumer group that knows which letters were sent back."""

IDLE_POLLS = 3
"""Polls without a letter after which all were read."""

TOPICS = {topic.name: topic for topic in STREAMED}


@dataclass
class Redriven:
    """What became of dead letters. sent: by topic. left: by reason; too large, or of a topic that is not known."""

    sent: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)


def redrive(cluster: KafkaCluster, group: str = GROUP) -> Redriven:
    """Send every dead letter back that is there now and was not sent back yet.

    What is still poison comes back as a further letter, which waits for the next time. Raises EventsError when Kafka
    cannot be read. A run that was killed sends some letters twice, which changes nothing.
    """
    done, log, seen = Redriven(), logger("stream"), set[str]()
    producers = {
        name: TopicProducer(cluster, topic, lambda reason: log.warning("waiting", reason=reason))
        for name, topic in TOPICS.items()
    }
    ends = Ends()
    consumer = GroupConsumer(cluster, group, [DEAD_LETTERS], ends.choose)
    try:
        idle = 0
        while idle < IDLE_POLLS and not ends.are_reached(consumer.partitions):
            polled = consumer.poll(500, 1_000)
            idle = 0 if polled or not consumer.joined else idle + 1
            records = ends.take(polled)
            letters = [letter for letter in map(_letter_of, records) if letter is not None]
            done.left["no dead letter"] += len(records) - len(letters)
            new = list({letter.id: letter for letter in letters if letter.id not in seen}.values())
            seen |= {letter.id for letter in new}
            for name, producer in producers.items():
                back = [record_of(letter) for letter in new if letter.data["origin"]["topic"] == name]
                kept = [record for record in back if record is not None]
                producer.send_records(kept)
                done.sent[name] += len(kept)
            done.left.update(reason for letter in new if (reason := why_left(letter)))
            consumer.commit({record.position: record.offset + 1 for record in records})
    finally:
        consumer.close()
        for producer in producers.values():
            producer.close()
    done.sent, done.left = +done.sent, +done.left
    return done


class Ends:
    """Where the letters of each partition end when it is first read: what comes behind is left to the next time."""

    def __init__(self) -> None:
        self._ends: dict[Position, int] = {}
        self._at: dict[Position, int] = {}

    def choose(self, state: PartitionState) -> int:
        """Where to begin in a partition."""
        self._ends.setdefault(state.position, state.end)
        self._at[state.position] = max(state.committed or 0, state.first)
        return self._at[state.position]

    def take(self, records: Sequence[Received]) -> list[Received]:
        """Those of the records that lie before the end."""
        self._at |= {record.position: record.offset + 1 for record in records}
        return [record for record in records if record.offset < self._ends[record.position]]

    def are_reached(self, positions: Sequence[Position]) -> bool:
        """Whether all that is to be read of some partitions was read; not before any is known."""
        return bool(positions) and all(
            place in self._at and self._at[place] >= self._ends[place] for place in positions
        )


def redrive_file(path: Path, send: Callable[[Sequence[tuple[Topic, CloudEvent]]], object]) -> Redriven:
    """Send back the dead letters of a file, and of those that an earlier run took and did not finish.

    Each file is first put aside under another name, `.taken`; in the end it is `.sent`. send: takes events.
    """
    done = Redriven()
    if path.exists():
        path.rename(path.with_name(f"{path.name}.{uuid4().hex[:8]}.taken"))
    for taken in sorted(path.parent.glob(f"{path.name}.*.taken")):
        back = []
        for line in taken.read_bytes().splitlines():
            topic, event = _event_of(line, done)
            if topic is not None and event is not None:
                back.append((topic, event))
        send(back)
        done.sent.update(topic.name for topic, _ in back)
        taken.rename(taken.with_suffix(".sent"))
    return done


def _event_of(line: bytes, done: Redriven) -> tuple[Topic, CloudEvent] | tuple[None, None]:
    """The event of a line with a dead letter; None, counted, for one that is not to be sent back."""
    try:
        letter = _checked(CloudEvent.from_line(line))
    except ValueError:
        done.left["no dead letter"] += 1
        return None, None
    record = record_of(letter)
    if record is None:
        done.left[why_left(letter)] += 1
        return None, None
    try:
        event = CloudEvent.from_record(record.key, record.named_headers(), record.value)
    except ValueError:
        done.left["no event"] += 1
        return None, None
    return TOPICS[letter.data["origin"]["topic"]], event


def _letter_of(record: Received) -> CloudEvent | None:
    """The dead letter of a record; None when it is none."""
    try:
        return _checked(CloudEvent.from_record(record.key, record.headers, record.value))
    except ValueError:
        return None


def _checked(letter: CloudEvent) -> CloudEvent:
    """The letter. Raises ValueError when it holds no record that can be read."""
    if not is_valid(DEAD_LETTERS, letter.data):
        raise ValueError("not valid by its schema")
    record_of(letter)
    return letter


def record_of(letter: CloudEvent) -> KafkaRecord | None:
    """The record that a dead letter holds; None when it is not to be sent back."""
    if why_left(letter):
        return None
    data = letter.data
    headers = {name: base64.b64decode(content) for name, content in data["headers"].items()}
    key = b"" if data["key"] is None else base64.b64decode(data["key"])
    return KafkaRecord(key, tuple(headers.get(name, b"") for name in HEADERS), base64.b64decode(data["value"]))


def why_left(letter: CloudEvent) -> str:
    """Why a dead letter is not sent back; empty when it is."""
    data: dict[str, Any] = letter.data
    if data["origin"]["topic"] not in TOPICS:
        return "unknown topic"
    return "too large to be kept" if data["value"] is None else ""
