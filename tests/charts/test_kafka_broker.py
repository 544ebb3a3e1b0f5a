"""The chart's own broker: its script and settings start a real Kafka, which keeps its data and comes back with it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from benchmarks.stream import kafka_jars
from tests.charts.manifests import Document, of_kind
from tests.charts.rendering import documents, kind_and_name, render
from tests.services.kafka import require_jars
from tests.services.processes import SLOW_START_SECONDS, end, free_port, wait_for_port
from tests.services.requirements import executable

TERMINATED = 143
"""What Java ends with after SIGTERM, once it has put everything away."""

SMALL = "-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"


def stateful_set(name: str = "stream") -> Document:
    """The broker of an example."""
    [found] = [each for each in of_kind(name, "StatefulSet") if each["metadata"]["name"] == "matchday-kafka"]
    return found


def container(name: str = "stream") -> Document:
    [only] = stateful_set(name)["spec"]["template"]["spec"]["containers"]
    return dict(only)


def settings(name: str = "stream") -> dict[str, str]:
    """The files that it mounts."""
    [found] = [each["data"] for each in of_kind(name, "ConfigMap") if each["metadata"]["name"] == "matchday-kafka"]
    return dict(found)


@dataclass(frozen=True)
class ChartBroker:
    """The container's command on this machine, its mounts in a folder, its ports free ones."""

    folder: Path
    port: int
    controller: int

    def write_settings(self) -> None:
        """Its mounts: settings, data, scratch."""
        for mount in ("settings", "data", "scratch"):
            (self.folder / mount).mkdir()
        for name, text in settings().items():
            (self.folder / "settings" / name).write_text(self._here(text))

    @contextmanager
    def running(self) -> Iterator[str]:
        """Its address; ended with SIGTERM, which it takes at its word."""
        given = {each["name"]: each["value"] for each in container()["env"]}
        environ = {**os.environ, **given, "CLASSPATH": f"{kafka_jars.CACHE}/*", "JAVA_TOOL_OPTIONS": SMALL}
        command = [*container()["command"], *map(self._here, container()["args"])]
        with (self.folder / "log").open("a") as log:
            process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, text=True)
        try:
            wait_for_port(process, self.port, SLOW_START_SECONDS)
            yield f"127.0.0.1:{self.port}"
        finally:
            status = end(process)
        assert status == TERMINATED, (self.folder / "log").read_text()[-2000:]

    def _here(self, text: str) -> str:
        """A text of the chart with this machine's paths and ports."""
        for path, mount in (
            ("=/var/lib/kafka-scratch ", "scratch"),
            ("/etc/kafka", "settings"),
            ("/var/lib/kafka", "data"),
        ):
            assert path not in str(self.folder)
            text = text.replace(path, f"{'=' * path.startswith('=')}{self.folder / mount}{' ' * path.endswith(' ')}")
        text = text.replace("matchday-kafka.matchday.svc", "127.0.0.1").replace("//:9092", "//127.0.0.1:9092")
        return text.replace("9092", str(self.port)).replace("9093", str(self.controller))


@pytest.fixture
def broker(tmp_path: Path) -> ChartBroker:
    executable("java", package="default-jre-headless")
    require_jars()
    made = ChartBroker(tmp_path, free_port(), free_port())
    made.write_settings()
    return made


def client(kind: Any, address: str, **options: Any) -> Any:
    return kind(bootstrap_servers=address, request_timeout_ms=20_000, bootstrap_timeout_ms=20_000, **options)


def test_it_formats_its_folder_once_and_comes_back_with_what_it_was_given(broker: ChartBroker) -> None:
    with broker.running() as address:
        admin = client(KafkaAdminClient, address)
        admin.create_topics([NewTopic("results", num_partitions=2, replication_factor=1)])
        admin.close()
        producer = client(KafkaProducer, address, acks="all")
        producer.send("results", b"ARS 2-1 LIV", partition=1).get(timeout=60)
        producer.close()
    with broker.running() as address:
        consumer = client(KafkaConsumer, address, group_id="again", auto_offset_reset="earliest")
        consumer.subscribe(["results"])
        [record] = next(filter(None, (list(consumer.poll(timeout_ms=500).values()) for _ in range(120))))[0]
        assert consumer.partitions_for_topic("results") == {0, 1}
        consumer.close()
    assert record.value == b"ARS 2-1 LIV"
    written = (broker.folder / "data" / "data" / "meta.properties").read_text()
    [identity] = [each["value"] for each in container()["env"] if each["name"] == "CLUSTER_ID"]
    assert f"cluster.id={identity}\n" in written


def test_its_data_is_below_a_claim_or_in_a_folder_that_ends_with_the_pod() -> None:
    [claim] = stateful_set()["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "8Gi"
    without = stateful_set("stream-hpa")["spec"]
    assert "volumeClaimTemplates" not in without
    assert {"name": "data", "emptyDir": {"sizeLimit": "1Gi"}} in without["template"]["spec"]["volumes"]
    [mount] = [each for each in container()["volumeMounts"] if each["name"] == "data"]
    [line] = [each for each in settings()["server.properties"].splitlines() if each.startswith("log.dirs=")]
    assert Path(line.removeprefix("log.dirs=")).parent == Path(mount["mountPath"]), "a new disk has a folder of its own"


def test_where_the_jars_are_is_a_value() -> None:
    found = {
        name: {each["name"]: each["value"] for each in container(name)["env"]} for name in ("stream", "stream-hpa")
    }
    assert found["stream"]["CLASSPATH"] == "/opt/kafka/libs/*"
    assert found["stream-hpa"]["CLASSPATH"] == "/usr/share/java/kafka/*"


def test_its_controller_listens_for_itself_alone_and_clients_are_told_the_service() -> None:
    lines = dict(line.split("=", 1) for line in settings()["server.properties"].splitlines() if line[0] != "#")
    assert lines["listeners"] == "PLAINTEXT://:9092,CONTROLLER://127.0.0.1:9093"
    assert lines["advertised.listeners"] == "PLAINTEXT://matchday-kafka.matchday.svc:9092"
    assert container()["ports"] == [{"name": "kafka", "containerPort": 9092}]
    [service] = [each for each in of_kind("stream", "Service") if each["metadata"]["name"] == "matchday-kafka"]
    assert service["spec"].get("type", "ClusterIP") == "ClusterIP"


@pytest.mark.parametrize(("sets", "made"), [([], "true"), (["stream.enabled=true"], "false")])
def test_topics_make_themselves_only_where_no_processor_makes_them(sets: list[str], made: str) -> None:
    rendered = documents(render(sets=["kafka.enabled=true", "stream.topics.partitions=6", *sets]))
    [found] = [each["data"] for each in rendered if kind_and_name(each) == "ConfigMap matchday/matchday-kafka"]
    lines = found["server.properties"].splitlines()
    assert f"auto.create.topics.enable={made}" in lines
    assert "num.partitions=6" in lines
