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
from matchday.events.group_consumer import GroupConsumer
from matchday.events.topic_producer import TopicProducer
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
    """Send every dead letter back that was not sent back yet. What is still poison comes back as a further letter.

    Raises EventsError when Kafka cannot be read. A run that was killed sends some letters twice, which changes nothing.
    """
    done, log, seen = Redriven(), logger("stream"), set[str]()
    producers = {
        name: TopicProducer(cluster, topic, lambda reason: log.warning("waiting", reason=reason))
        for name, topic in TOPICS.items()
    }
    consumer = GroupConsumer(cluster, group, [DEAD_LETTERS], lambda state: state.committed or state.first)
    try:
        idle = 0
        while idle < IDLE_POLLS:
            records = consumer.poll(500, 1_000)
            idle = 0 if records or not consumer.joined else idle + 1
            letters = [CloudEvent.from_record(one.key, one.headers, one.value) for one in records]
            new = [letter for letter in letters if letter.id not in seen]
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
    done.sent = +done.sent
    return done


def redrive_file(path: Path, send: Callable[[Sequence[tuple[Topic, CloudEvent]]], object]) -> Redriven:
    """Send back the dead letters of a file, which is put aside first. send: takes events."""
    done = Redriven()
    if not path.exists():
        return done
    taken = path.with_name(f"{path.name}.{uuid4().hex[:8]}")
    path.rename(taken)
    back = []
    for line in taken.read_bytes().splitlines():
        letter = CloudEvent.from_line(line)
        record = record_of(letter)
        if record is None:
            done.left[why_left(letter)] += 1
            continue
        topic = TOPICS[letter.data["origin"]["topic"]]
        try:
            event = CloudEvent.from_record(record.key, record.named_headers(), record.value)
        except ValueError:
            done.left["no event"] += 1
            continue
        back.append((topic, event))
        done.sent[topic.name] += 1
    send(back)
    return done


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
