"""Predictions reach a real Kafka whole and in order, and its absence costs requests nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from kafka import KafkaConsumer, TopicPartition

from matchday.events import PREDICTIONS
from matchday.events.cluster import KafkaCluster
from serving.log.process_sender import ProcessSender
from serving.log.queue import QueuedLog
from tests.services.kafka import Broker, broker
from tests.serving.log.samples import TEAMS, prediction, schema, wait_for

pytestmark = pytest.mark.services

REPOSITORY = Path(__file__).parents[2]
MATCHES = [(home, away) for home in TEAMS for away in TEAMS if home != away]


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[Broker]:
    """A broker of the test's own, to be hung and killed."""
    with broker(tmp_path) as running:
        yield running


def kafka_log(address: str, **options: Any) -> QueuedLog:
    """A log that a worker sends to Kafka."""
    return QueuedLog(ProcessSender(KafkaCluster((address,))), **options)


def fill(log: QueuedLog, start: int, stop: int, pause: float = 0.0) -> float:
    """Record numbered predictions over all matches. Returns the 99th percentile of the seconds each took."""
    taken = []
    for number in range(start, stop):
        home, away = MATCHES[number % len(MATCHES)]
        entry = prediction(number, entities={"home": [home], "away": [away]})
        begun = time.perf_counter()
        log.record(entry)
        taken.append(time.perf_counter() - begun)
        if pause:
            time.sleep(pause)
    return float(np.quantile(taken, 0.99))


def consumed(kafka: Broker) -> list[Any]:
    """Every record of the topic."""
    consumer = KafkaConsumer(bootstrap_servers=kafka.address, auto_offset_reset="earliest", enable_auto_commit=False)
    try:
        parts = [TopicPartition(PREDICTIONS.name, n) for n in consumer.partitions_for_topic(PREDICTIONS.name) or ()]
        consumer.assign(parts)
        ends = consumer.end_offsets(parts)
        records: list[Any] = []
        while any(consumer.position(part) < ends[part] for part in parts):
            for batch in consumer.poll(timeout_ms=500).values():
                records += batch
        return records
    finally:
        consumer.close()


def number_of(record: Any) -> int:
    return int(orjson.loads(record.value)["request_id"][1:])


def check_order(records: list[Any]) -> None:
    """No event twice, and each key's events in one partition as they were recorded."""
    assert len({dict(record.headers)["ce_id"] for record in records}) == len(records)
    by_key: dict[bytes, list[Any]] = {}
    for record in records:
        by_key.setdefault(record.key, []).append(record)
    for of_key in by_key.values():
        assert len({record.partition for record in of_key}) == 1
        numbers = [number_of(record) for record in sorted(of_key, key=lambda record: record.offset)]
        assert numbers == sorted(numbers)


def sending_process() -> int:
    """The child of this process that sends."""
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = [int(pid) for each in children for pid in _read(each).split()]
    [found] = [pid for pid in pids if b"serving.log" in _read(Path(f"/proc/{pid}/cmdline"))]
    return found


def _read(file: Path) -> bytes:
    """What a file of /proc holds; nothing when its process has ended."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def trouble(log: QueuedLog) -> str:
    return log._sender.trouble


def test_events_arrive_whole_and_valid(kafka: Broker) -> None:
    log = kafka_log(kafka.address)
    fill(log, 0, 1000)
    log.record(prediction(1000, rows=20, trace=None))
    log.close(30)
    assert log.dropped == 0
    records = consumed(kafka)
    assert sorted(map(number_of, records)) == sorted([*range(1000), *[1000] * 20])
    check = schema()
    for record in records:
        headers = {name: value.decode() for name, value in record.headers}
        data = orjson.loads(record.value)
        check.validate(data)
        assert {name: headers[name] for name in ("ce_source", "ce_type", "ce_specversion", "content-type")} == {
            "ce_source": "/matchday/serving/match-outcome",
            "ce_type": "matchday.prediction.v1",
            "ce_specversion": "1.0",
            "content-type": "application/json",
        }
        assert headers["ce_time"] == data["time"]
        assert headers.get("traceparent", "00-None")[3:35] == str(data["trace_id"])
        assert record.key.decode() == "|".join(["match-outcome", *data["entities"].values()])
    assert len({record.partition for record in records}) > 1
    check_order(records)


@pytest.mark.parametrize("fault", ["hung", "killed"])
def test_a_broker_that_goes_away_costs_the_oldest_and_nothing_else(kafka: Broker, fault: str) -> None:
    log = kafka_log(kafka.address, capacity=500)
    fill(log, 0, 300)
    wait_for(lambda: not log._queue)
    (kafka.hang if fault == "hung" else kafka.kill)()
    slow = fill(log, 300, 2300, pause=0.0005)
    assert slow < 0.5  # a record that waited for Kafka would take seconds
    wait_for(lambda: log.dropped)
    dropped = log.dropped
    assert 1500 - 128 <= dropped <= 1500 + 128  # what a frame on its way holds is not waiting any more
    (kafka.wake if fault == "hung" else kafka.start)()
    wait_for(lambda: not log._queue)
    fill(log, 2300, 2400)
    log.close(60)
    records = consumed(kafka)
    assert log.dropped == dropped
    assert len({number_of(record) for record in records}) == 2400 - dropped
    assert {number_of(record) for record in records} >= {*range(300), *range(1900, 2400)}
    check_order(records)


def test_a_broker_that_comes_late_is_found(tmp_path: Path) -> None:
    with broker(tmp_path) as late:
        late.stop()
        log = kafka_log(late.address)
        fill(log, 0, 100)
        wait_for(lambda: "Kafka at 127.0.0.1" in trouble(log))
        late.start()
        log.close(60)
        assert (log.dropped, len(consumed(late))) == (0, 100)


def test_closing_without_a_broker_is_bounded_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = kafka_log("127.0.0.1:9")
    fill(log, 0, 400)
    begun = time.monotonic()
    log.close(1.0)
    assert time.monotonic() - begun < 30
    assert log.dropped == 400
    assert "predictions dropped" in capsys.readouterr().err


def test_records_of_several_threads_are_all_counted(tmp_path: Path) -> None:
    log = kafka_log("127.0.0.1:9", capacity=50)
    threads = [threading.Thread(target=fill, args=(log, n * 1000, n * 1000 + 1000)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close(0.5)
    assert log.dropped == 4000


def test_a_killed_sending_process_loses_nothing(kafka: Broker) -> None:
    """What it had handed on without a confirmation comes twice, with the same id."""
    log = kafka_log(kafka.address)
    fill(log, 0, 50)
    wait_for(lambda: len(consumed(kafka)) == 50)
    os.kill(sending_process(), signal.SIGKILL)
    fill(log, 50, 500)
    log.close(60)
    assert log.dropped == 0
    by_id = {dict(record.headers)["ce_id"]: number_of(record) for record in consumed(kafka)}
    assert sorted(by_id.values()) == list(range(500))


def test_the_sending_process_ends_with_a_killed_worker() -> None:
    script = (
        "import time\n"
        "from tests.services.test_prediction_log_kafka import *\n"
        "log = kafka_log('127.0.0.1:9')\n"
        "log.record(prediction())\n"
        "wait_for(lambda: trouble(log))\n"
        "print(sending_process(), flush=True)\n"
        "time.sleep(600)\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert worker.stdout is not None
    child = int(worker.stdout.readline())
    worker.kill()
    worker.wait()
    wait_for(lambda: not Path(f"/proc/{child}").exists())


def test_an_event_too_large_for_kafka_is_counted(kafka: Broker) -> None:
    log = kafka_log(kafka.address)
    log.record(prediction(0, model="m" * 2**21))
    log.record(prediction(1))
    log.close(60)
    assert log.dropped == 1
    assert [number_of(record) for record in consumed(kafka)] == [1]
