"""Law 2 on a real Kafka and a real Redis: whatever the stream does, its features are those of the batch path."""

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from benchmarks.stream.lives import Lives, lives
from feature_repo.stream.fact_place import open_fact_store
from matchday.events import DEAD_LETTERS, PLAYER_STATS, RESULTS, CloudEvent, Topic
from matchday.events.cluster import KafkaCluster
from matchday.events.topic_creation import create_topics
from matchday.events.topic_producer import TopicProducer
from matchday.online_store import RedisAddress
from tests.feature_repo.stream import world
from tests.services.kafka import Broker, broker
from tests.services.redis import RedisServer, redis_server
from tests.waiting import eventually

pytestmark = [pytest.mark.services, pytest.mark.slow]

KILLS = 25
PARTITIONS = 4
DOUBLED, CORRECTED = 0.10, 0.05
"""Shares of events that are sent twice, and whose first revision was wrong."""


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[Broker]:
    with broker(tmp_path) as running:
        create_topics(KafkaCluster((running.address,)), (RESULTS, PLAYER_STATS, DEAD_LETTERS), PARTITIONS, 1)
        yield running


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Lives]:
    with lives(tmp_path / "lives.log") as found:
        yield found


@pytest.fixture
def environment(tmp_path: Path, kafka: Broker, redis: RedisServer) -> dict[str, str]:
    return {
        "MATCHDAY_HOME": str(tmp_path / "home"),
        "MATCHDAY_LAKE": world.make_lake(tmp_path / "lake"),
        "MATCHDAY_ONLINE_STORE": redis.url,
        "MATCHDAY_STREAM_EVENTS": f"kafka://{kafka.address}",
        "MATCHDAY_STREAM_SESSION_SECONDS": "1",
        "MATCHDAY_STREAM_FLUSH_SECONDS": "0.2",
        "MATCHDAY_STREAM_MOST": "150",
        "OTEL_SDK_DISABLED": "true",
    }


def produce(kafka: Broker, events: Sequence[tuple[Topic, CloudEvent]]) -> None:
    for topic in (PLAYER_STATS, RESULTS):
        producer = TopicProducer(KafkaCluster((kafka.address,)), topic, print)
        producer.send([event for of, event in events if of is topic])
        producer.close()


def disturbed(chance: random.Random) -> list[tuple[Topic, CloudEvent]]:
    """A season in random order within each day, with doubles, and with corrections that come days too late."""
    said: list[tuple[Topic, CloudEvent]] = []
    later: list[tuple[int, tuple[Topic, CloudEvent]]] = []
    for number, (topic, event) in enumerate(world.shuffled_days(world.events(), chance)):
        if chance.random() < CORRECTED:
            wrong = wronged(topic, event.data)
            said.append((topic, event._replace(id=event.id + "-wrong", data={**wrong, "revision": 0})))
            later.append((number + chance.randrange(1, 3_000), (topic, event)))
        else:
            said.append((topic, event))
        if chance.random() < DOUBLED:
            said.append(said[-1])
        while later and later[0][0] <= number:
            said.append(later.pop(0)[1])
        later.sort(key=lambda pair: pair[0])
    return said + [one for _, one in later]


def wronged(topic: Topic, data: Mapping[str, object]) -> dict[str, object]:
    return {**data, "home_goals": 9} if topic is RESULTS else {**data, "xg": 1.25, "threat": 77.0}


def address(redis: RedisServer) -> RedisAddress:
    return RedisAddress.parse(redis.url)


def handled(redis: RedisServer) -> int:
    """Records whose facts and features are kept."""
    store = open_fact_store(address(redis))
    try:
        return sum(after for (topic, _), after in store.offsets().items() if topic != DEAD_LETTERS.name)
    finally:
        store.close()


def test_a_disturbed_season_and_a_processor_that_is_killed_again_and_again(
    kafka: Broker, redis: RedisServer, living: Lives, environment: dict[str, str]
) -> None:
    chance = random.Random(20260530)
    events = disturbed(chance)
    produce(kafka, events)
    process = living.start(environment)
    for threshold in sorted(chance.randrange(len(events)) for _ in range(KILLS)):
        eventually(lambda at=threshold: handled(redis) >= at)  # type: ignore[misc]
        living.kill(process)
        process = living.start(environment)
    eventually(lambda: handled(redis) == len(events))
    world.check_online(world.read_online(address(redis)), world.batch())
    world.check_offline(environment["MATCHDAY_LAKE"], world.batch())
