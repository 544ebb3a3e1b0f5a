"""A real topic is read from its end and on, by no group, and its absence is told."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from matchday.events import PREDICTIONS, CloudEvent
from matchday.events.cluster import KafkaCluster
from matchday.events.topic_consumer import TopicConsumer
from matchday.events.topic_producer import TopicProducer
from rollout.observations.log import EventLog, LoggedRows, open_log
from rollout.sources import SourceError
from tests.rollout.observations.test_log import ALL, event, ids
from tests.services.kafka import Broker, broker

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker of this file's own, to be hung and ended."""
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


def matches(*numbers: int) -> list[CloudEvent]:
    """Events over many keys, and so over the partitions."""
    return [event(number, entities={"home": [f"T{number % 17}"], "away": ["LIV"]}) for number in numbers]


def send(kafka: Broker, made: list[CloudEvent]) -> None:
    producer = TopicProducer(KafkaCluster((kafka.address,)), PREDICTIONS, lambda trouble: None)
    assert producer.send(made) == 0
    producer.close()


def topic_log(address: str) -> EventLog:
    return EventLog(TopicConsumer(KafkaCluster((address,)), PREDICTIONS))


def test_a_topic_is_read_on_by_nobody_in_particular(kafka: Broker) -> None:
    log = topic_log(kafka.address)
    assert ids(log) == ([], {})
    send(kafka, matches(*range(100)))
    read, place = ids(log)
    assert read == list(range(100))
    assert len(place) > 1
    assert ids(log, place) == ([], place)
    send(kafka, matches(*range(100, 140)))
    assert ids(log, place)[0] == list(range(100, 140))
    assert ids(log, None, most=30)[0] == list(range(110, 140))
    assert ids(log, {0: 10**9})[0][-1] <= 139
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    assert admin.list_groups() == []
    admin.close()


def test_a_record_that_is_no_event_is_skipped(kafka: Broker) -> None:
    log = topic_log(kafka.address)
    _, place = ids(log)
    producer = KafkaProducer(bootstrap_servers=kafka.address)
    good = matches(500)[0].record()
    headers = good.named_headers()
    for value, named in ((b"{", headers), (None, headers), (good.value, []), (b"[]", headers)):
        producer.send(PREDICTIONS.name, value, key=b"k", headers=named)
    producer.flush()
    producer.close()
    send(kafka, matches(501))
    assert ids(log, place)[0] == [501]


def test_rows_come_from_a_topic(kafka: Broker) -> None:
    send(kafka, matches(*range(600, 634)))
    log = open_log(f"kafka://{kafka.address}")
    assert log is not None
    rows = LoggedRows(log).rows("match-outcome", 10)
    assert [row.entities["home"] for row in rows] == [f"T{number % 17}" for number in range(633, 623, -1)]


@pytest.mark.parametrize("fault", ["hung", "gone"])
def test_a_broker_that_is_away_is_told_in_time(kafka: Broker, fault: str, tmp_path: Path) -> None:
    address: Any = kafka.address if fault == "hung" else "127.0.0.1:1"
    if fault == "hung":
        kafka.hang()
    try:
        begun = time.monotonic()
        with pytest.raises(SourceError, match=f"Kafka at {address} does not answer"):
            topic_log(address).since(None, ALL)
        assert time.monotonic() - begun < 60
    finally:
        kafka.wake()
