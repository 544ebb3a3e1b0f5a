"""The stand-ins for the chart's stores and its Kafka do what the chart asks of the official images."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from benchmarks.stream import kafka_jars
from matchday.settings import REPOSITORY
from tests.charts.rendering import documents, kind_and_name, render
from tests.images.engine import USER, engines
from tests.services.requirements import CLUSTER_TEST, require

# The one that the chart gives its pods, and one that no image has heard of.
USERS = pytest.mark.parametrize("user", [USER, "471147:471147"])

REDIS = """
redis-server --dir /data --save "" --appendonly yes --requirepass "$REDIS_PASSWORD" >/data/log &
until REDISCLI_AUTH=$REDIS_PASSWORD redis-cli ping | grep -q PONG; do sleep 0.1; done
redis-cli get team
export REDISCLI_AUTH=$REDIS_PASSWORD
redis-cli set team ARS
redis-cli get team
"""

POSTGRES = """
export PGDATA=/var/lib/postgresql/data/pgdata POSTGRES_USER=mlflow POSTGRES_DB=mlflow POSTGRES_PASSWORD="it's one"
start() {
  docker-entrypoint.sh postgres -c unix_socket_directories=/var/lib/postgresql/data >/var/lib/postgresql/data/log 2>&1 &
  until pg_isready -q -h 127.0.0.1 -U mlflow -d mlflow; do sleep 0.1; done
}
ask() { psql -h 127.0.0.1 -U mlflow -d mlflow -Atqc "$1" 2>&1; }
start
PGPASSWORD=wrong ask "select 1" | grep -o "password authentication failed"
export PGPASSWORD=$POSTGRES_PASSWORD
ask "create table team as select 'ARS' as name"
kill -INT %1 && wait %1
start
ask "select current_user, current_database(), name from team"
"""

BUCKET = """
export ROOT_ACCESS_KEY=root ROOT_SECRET_KEY=password
versitygw --port :7070 --region us-east-1 --health /health --quiet posix /data >/data/log 2>&1 &
python3 - <<'ASK'
import time, urllib.error, urllib.request
def ask(path):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:7070{path}").status
    except urllib.error.HTTPError as error:
        return error.code
for _ in range(100):
    try:
        print(ask("/health"), ask("/"))
        break
    except OSError:
        time.sleep(0.1)
ASK
ask() { versitygw admin --access root --secret "$1" --endpoint-url http://127.0.0.1:7070 "${@:2}" 2>&1; }
ask wrong list-buckets | grep -o SignatureDoesNotMatch
ask password create-bucket --bucket matchday --owner root
ask password list-buckets | grep -o matchday
"""


KAFKA = """
export CLASSPATH=/opt/kafka/libs/* CLUSTER_ID=ZTNmMWZiN2U2MGI4ZDY5YQ JAVA_TOOL_OPTIONS=-Xmx256m
mkdir /var/lib/kafka/etc /var/lib/kafka/scratch
cat >/var/lib/kafka/etc/server.properties <<'SETTINGS'
{settings}
SETTINGS
cat >/var/lib/kafka/etc/start.sh <<'SCRIPT'
{script}
SCRIPT
for start in first second; do
  sh -eu /var/lib/kafka/etc/start.sh >/var/lib/kafka/log 2>&1 &
  until (exec 3<>/dev/tcp/127.0.0.1/9092) 2>/dev/null; do sleep 0.2; done
  echo "$start"
  kill -TERM %% && wait %%
done
ls /var/lib/kafka/data/meta.properties
"""
"""The chart's own script; what it mounts elsewhere is below the one folder that can be written."""


def kafka_script() -> str:
    """`KAFKA` with what the chart renders."""
    made = {kind_and_name(each): each for each in documents(render(sets=["kafka.enabled=true"]))}
    [container] = made["StatefulSet matchday/matchday-kafka"]["spec"]["template"]["spec"]["containers"]
    settings = made["ConfigMap matchday/matchday-kafka"]["data"]["server.properties"]
    [script] = container["args"]
    script = script.replace("/etc/kafka", "/var/lib/kafka/etc").replace("/kafka-scratch ", "/kafka/scratch ")
    return KAFKA.replace("{settings}", settings).replace("{script}", script)


@pytest.fixture
def stand_in() -> Callable[..., CompletedProcess[str]]:
    def run(image: str, script: str, user: str, state: str) -> CompletedProcess[str]:
        engine = next((engine for engine in engines() if engine.has(image)), None)
        require(engine, f"no engine here holds {image}: sh tests/cluster/images/build.sh", demanded=CLUSTER_TEST)
        assert engine
        return engine.run(image, "timeout", "60", "bash", "-c", f"set -u\n{script}", user=user, state=state)

    return run


@pytest.mark.slow
@USERS
def test_redis_asks_for_its_password(stand_in: Callable[..., CompletedProcess[str]], user: str) -> None:
    ran = stand_in("matchday-redis:test", f"REDIS_PASSWORD=secret\n{REDIS}", user, "/data")
    assert ran.stdout.splitlines() == ["NOAUTH Authentication required.", "", "OK", "ARS"], ran.stderr


@pytest.mark.slow
@USERS
def test_postgres_makes_its_database_once(stand_in: Callable[..., CompletedProcess[str]], user: str) -> None:
    ran = stand_in("matchday-postgres:test", POSTGRES, user, "/var/lib/postgresql/data")
    assert ran.stdout.splitlines() == ["password authentication failed", "mlflow|mlflow|ARS"], ran.stderr


@pytest.mark.slow
@USERS
def test_the_bucket_is_healthy_and_asks_for_its_keys(stand_in: Callable[..., CompletedProcess[str]], user: str) -> None:
    ran = stand_in("matchday-bucket:test", BUCKET, user, "/data")
    assert ran.stdout.splitlines() == ["200 403", "SignatureDoesNotMatch", "matchday"], ran.stderr


@pytest.mark.slow
@USERS
def test_kafka_starts_by_the_chart_s_command_and_once_more(
    stand_in: Callable[..., CompletedProcess[str]], user: str
) -> None:
    ran = stand_in("matchday-kafka:test", kafka_script(), user, "/var/lib/kafka")
    assert ran.stdout.splitlines() == ["first", "second", "/var/lib/kafka/data/meta.properties"], ran.stderr


def test_kafka_s_jars_are_those_that_the_tests_of_this_machine_start() -> None:
    found = ET.parse(Path(__file__).parent / "kafka" / "pom.xml").getroot()
    space = "{http://maven.apache.org/POM/4.0.0}"
    asked = {
        each.findtext(f"{space}groupId"): (each.findtext(f"{space}artifactId"), each.findtext(f"{space}version"))
        for each in found.iter(f"{space}dependency")
    }
    assert asked == kafka_jars.JARS


def test_kafka_is_of_the_version_that_the_chart_takes_from_its_registry() -> None:
    values = (REPOSITORY / "charts" / "matchday" / "values.yaml").read_text()
    assert f"repository: apache/kafka\n    tag: {kafka_jars.VERSION}\n" in values
