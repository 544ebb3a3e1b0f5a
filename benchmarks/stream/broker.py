"""A real Kafka broker (KRaft, one node) and a real Redis for one measurement, on free ports of the loopback."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.serving.error import BenchError
from benchmarks.serving.process import free_port, listens, program, running, wait
from benchmarks.stream.kafka_jars import CACHE, fetch_jars
from matchday.events import DEAD_LETTERS, STREAMED
from matchday.events.cluster import KafkaCluster
from matchday.events.topic_creation import create_topics
from matchday.online_store import RedisAddress

PARTITIONS = 4
START_SECONDS = 240.0
MEMORY = ("-Xms128m", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"


@contextmanager
def kafka(folder: Path) -> Iterator[KafkaCluster]:
    """A broker with the topics of the stream, its data in a folder. Raises BenchError where it cannot run."""
    java = program("java", "default-jre-headless")
    if not CACHE.is_dir():
        fetch_jars(program("mvn", "maven"))
    port, properties, log = free_port(), folder / "server.properties", folder / "broker.log"
    address = f"127.0.0.1:{port}"
    lines = [f"{name}={value}\n" for name, value in _settings(address, folder / "kafka").items()]
    properties.write_text("".join(lines))
    command = [java, *MEMORY, "-cp", f"{CACHE}/*"]
    formatting = [*command, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties)]
    done = subprocess.run(formatting, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"Kafka cannot make its data folder: {done.stderr[-500:]}")
    with running([*command, "kafka.Kafka", str(properties)], log) as process:
        wait(process, lambda: listens(port), START_SECONDS, log)
        cluster = KafkaCluster((address,))
        create_topics(cluster, (*STREAMED, DEAD_LETTERS), PARTITIONS, 1)
        yield cluster


@contextmanager
def redis(folder: Path) -> Iterator[RedisAddress]:
    """An empty Redis that keeps nothing on disk. Raises BenchError where it cannot run."""
    server, port, log = program("redis-server", "redis-server"), free_port(), folder / "redis.log"
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with running(command, log) as process:
        wait(process, lambda: listens(port), START_SECONDS, log)
        yield RedisAddress("127.0.0.1", port)


def _settings(address: str, data: Path) -> dict[str, str]:
    controller = f"127.0.0.1:{free_port()}"
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{address},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{address}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(data),
        "num.partitions": str(PARTITIONS),
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "500",
    }
