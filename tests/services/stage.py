"""A stage for a stream: topics of a real Kafka and a database of a real Redis, fresh for one test, and processors."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from benchmarks.stream.lives import Lives, lives
from feature_repo.stream.fact_place import open_fact_store
from feature_repo.stream.fact_store import FactStore
from matchday.events import DEAD_LETTERS, PLAYER_STATS, RESULTS, STREAMED, CloudEvent, Topic
from matchday.events.cluster import KafkaCluster
from matchday.events.topic_creation import create_topics
from matchday.events.topic_producer import TopicProducer
from matchday.online_store import RedisAddress
from tests.feature_repo.stream import small
from tests.feature_repo.stream.world import Place
from tests.services.kafka import Broker, broker
from tests.services.processes import free_port
from tests.services.redis import RedisServer, redis_server
from tests.waiting import eventually

PARTITIONS = 4
ALL = (*STREAMED, DEAD_LETTERS)


class Servers(NamedTuple):
    """What the stages of a module share. living: the parent of their processors."""

    broker: Broker
    redis: RedisServer
    living: Lives


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """A Kafka and a Redis, which tests may kill, and a parent of processors."""
    for name in ("kafka", "redis"):
        (folder / name).mkdir()
    with (
        broker(folder / "kafka") as kafka,
        redis_server(folder / "redis") as redis,
        lives(folder / "lives.log") as living,
    ):
        yield Servers(kafka, redis, living)


@contextmanager
def set_stage(running: Servers, folder: Path) -> Iterator["Stage"]:
    """Fresh topics, an empty Redis, and a lake; its processors end with the block."""
    yield Stage(*running, folder, small.make_place(folder))
    for process in list(running.living.alive):
        running.living.kill(process)


class Stage:
    """What a test of the stream acts on. place: its lake and online store."""

    def __init__(self, broker: Broker, server: RedisServer, living: Lives, folder: Path, place: Place) -> None:
        self.broker, self.redis, self._living, self._folder = broker, server, living, folder
        self.cluster = KafkaCluster((broker.address,))
        self.group = f"features-{uuid4().hex[:8]}"
        self.place = place
        server.client().flushall()
        place.online = RedisAddress.parse(server.url)
        self.make_topics()

    @property
    def store(self) -> FactStore:
        """The facts."""
        return open_fact_store(self.place.online)

    def make_topics(self) -> None:
        """The topics, empty."""
        with self.admin() as admin:
            there = set(admin.list_topics())
            gone = [topic.name for topic in ALL if topic.name in there]
            if gone:
                admin.delete_topics(gone)
        create_topics(
            self.cluster, ALL, PARTITIONS, 1
        )  # a processor that runs may have made them, as its broker allows

    def start(self, **environment: str) -> "Probed":
        """A processor in a process of its own."""
        port = free_port()
        settings = {
            "MATCHDAY_HOME": str(self._folder / "home"),
            "MATCHDAY_LAKE": self.place.lake,
            "MATCHDAY_ONLINE_STORE": self.redis.url,
            "MATCHDAY_STREAM_EVENTS": f"kafka://{self.broker.address}",
            "MATCHDAY_STREAM_GROUP": self.group,
            "MATCHDAY_STREAM_SESSION_SECONDS": "1.5",
            "MATCHDAY_STREAM_FLUSH_SECONDS": "0.1",
            "MATCHDAY_STREAM_RETRY_SECONDS": "0.5",
            "MATCHDAY_STREAM_MOST": "100",
            "OTEL_SDK_DISABLED": "true",
            "PROBES_PORT": str(port),
        }
        return Probed(self._living, self._living.start(settings | environment), port)

    def send(self, said: Sequence[small.Said]) -> int:
        """Produce events. Returns how many."""
        for topic in (PLAYER_STATS, RESULTS):
            producer = TopicProducer(self.cluster, topic, print)
            producer.send([event for of, event in said if of is topic])
            producer.close()
        return len(said)

    def send_raw(self, topic: Topic, key: bytes | None, value: bytes, event: CloudEvent) -> None:
        """Produce a record with the headers of an event and any value."""
        producer = TopicProducer(self.cluster, topic, print)
        producer.send_records([event.record()._replace(key=key or b"", value=value)])
        producer.close()

    def handled(self) -> int:
        """Records whose facts and features are kept."""
        store = self.store
        try:
            return sum(after for _, after in store.offsets().items())
        finally:
            store.close()

    def await_handled(self, count: int) -> None:
        """Return once so many records are handled."""
        eventually(lambda: self.handled() >= count)
        assert self.handled() == count

    def committed(self) -> dict[tuple[str, int], int]:
        """What the group has committed."""
        with self.admin() as admin:
            found = admin.list_group_offsets({self.group: None})[self.group]
        return {(part.topic, part.partition): one.offset for part, one in found.items() if one.offset >= 0}

    def ends(self, topics: Sequence[Topic] = STREAMED) -> dict[tuple[str, int], int]:
        """The offsets at which partitions that have records end."""
        consumer = KafkaConsumer(bootstrap_servers=[self.broker.address], group_id=None)
        try:
            parts = [TopicPartition(topic.name, number) for topic in topics for number in range(PARTITIONS)]
            found = consumer.end_offsets(parts)
        finally:
            consumer.close()
        return {(part.topic, part.partition): end for part, end in found.items() if end}

    def letters(self) -> list[CloudEvent]:
        """All dead letters."""
        consumer = KafkaConsumer(bootstrap_servers=[self.broker.address], group_id=None)
        try:
            parts = [TopicPartition(DEAD_LETTERS.name, number) for number in range(PARTITIONS)]
            consumer.assign(parts)
            consumer.seek_to_beginning(*parts)
            ends, found = consumer.end_offsets(parts), []
            while any(consumer.position(part) < ends[part] for part in parts):
                for records in consumer.poll(200).values():
                    found += [CloudEvent.from_record(one.key, one.headers, one.value) for one in records]
        finally:
            consumer.close()
        return found

    def check(self, expected: dict[str, Any]) -> None:
        """Online and appended rows are those of the batch path."""
        small.check(self.place, expected)

    @contextmanager
    def admin(self) -> Iterator[Any]:
        """A client for the administration of the broker."""
        client = KafkaAdminClient(bootstrap_servers=[self.broker.address])
        try:
            yield client
        finally:
            client.close()


class Probed:
    """A processor and its probes."""

    def __init__(self, living: Lives, process: int, port: int) -> None:
        self._living, self.process, self._port = living, process, port

    def kill(self) -> None:
        """SIGKILL."""
        self._living.kill(self.process)

    def stop(self) -> None:
        """SIGTERM, and wait until it is gone."""
        self._living.kill(self.process, 15)

    def ask(self, path: str) -> tuple[int, str]:
        """Status and text of an answer; 0 while nothing listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()
        except OSError:
            return 0, ""

    @property
    def is_ready(self) -> bool:
        """Whether it says that it progresses."""
        return self.ask("/ready")[0] == 200

    @property
    def trouble(self) -> str:
        """What it says that it waits for; empty while it is ready, or not yet there."""
        status, text = self.ask("/ready")
        return str(json.loads(text)["trouble"]) if status == 503 else ""

    def metric(self, name: str) -> float:
        """The value of a metric, with its labels as they are written; 0 when it is not there."""
        prefix = f"matchday_stream_{name} "
        lines = [line for line in self.ask("/metrics")[1].splitlines() if line.startswith(prefix)]
        return float(lines[0].removeprefix(prefix)) if lines else 0.0

    def await_metric(self, name: str, holds: Callable[[float], bool]) -> None:
        """Return once a metric is as wanted."""
        eventually(lambda: holds(self.metric(name)))


def spans(home: Path) -> list[Mapping[str, Any]]:
    """The spans that processes of a home have written."""
    path = home / "telemetry" / "traces.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [
        span
        for line in lines
        for resource in json.loads(line)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
