"""Recording costs a request next to nothing, whatever becomes of the log."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from matchday.events import EventsError
from matchday.events.file_producer import FileProducer, Rotation
from serving.log import DisabledLog, Prediction, check_log, open_log
from serving.log.encoder import PredictionEncoder
from serving.log.file_sender import FileSender
from serving.log.queue import QueuedLog
from serving.log.sender import Expired
from serving.settings import ServingSettings
from tests.reference_work import cost
from tests.serving.log.samples import FEATURES, Trace, file_log, lines, prediction, schema, wait_for


def test_recording_costs_no_more_than_ten_small_documents(tmp_path: Path) -> None:
    """With its Prediction made and the sender running: one and a half where nothing else runs."""
    log = file_log(tmp_path / "p.jsonl", capacity=1000)
    values, output, entities = prediction().values, prediction().output, {"home": ["ARS"], "away": ["LIV"]}
    trace, names = Trace(), ("H", "D", "A")

    def record() -> None:
        log.record(
            Prediction(
                "r", trace, "match-outcome", "12", "stable", entities, FEATURES, values, 0.0, names, output, 0.1, 0.2
            )
        )

    units = cost(record)
    log.close()
    print(f"record: {units:.2f} units")
    assert units < 10


def test_what_is_recorded_is_in_the_file_in_order(tmp_path: Path) -> None:
    path = tmp_path / "new" / "predictions.jsonl"
    log = open_log(ServingSettings(predictions=f"file:{path}"))
    assert log.enabled
    for number in range(300):
        log.record(prediction(number))
    log.record(prediction(300, rows=7))
    log.close()
    written = lines(path)
    assert log.dropped == 0
    assert [line["data"]["request_id"] for line in written] == [f"r{n}" for n in range(300)] + ["r300"] * 7
    assert len({line["id"] for line in written}) == 307
    for line in written:
        schema().validate(line["data"])
        assert (line["specversion"], line["type"]) == ("1.0", "matchday.prediction.v1")
        assert line["traceparent"].startswith("00-0af7")


def test_the_oldest_are_dropped_and_counted_exactly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder is a file at first: nothing can be written, then it can."""
    place = tmp_path / "log"
    place.write_text("in the way")
    told: list[int] = []
    log = file_log(place / "p.jsonl", capacity=100, on_dropped=told.append, report_seconds=0.5)
    log.record(prediction(0))
    wait_for(lambda: not log._queue)
    slowest = 0.0
    for number in range(1, 1001):
        begun = time.thread_time()
        log.record(prediction(number))
        slowest = max(slowest, time.thread_time() - begun)
    assert slowest < 0.1
    wait_for(lambda: log.dropped)
    dropped = log.dropped
    assert 900 - 12 <= dropped <= 900 + 12
    wait_for(lambda: sum(told) == dropped)
    assert "predictions dropped" in capsys.readouterr().err
    place.unlink()
    wait_for(lambda: len(lines(place / "p.jsonl")) == 1001 - dropped)
    log.close()
    assert [line["data"]["request_id"] for line in lines(place / "p.jsonl")] == ["r0"] + [
        f"r{n}" for n in range(dropped + 1, 1001)
    ]
    assert log.dropped == dropped


def test_drops_are_reported_at_most_once_per_period(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").write_text("in the way")
    log = file_log(tmp_path / "log" / "p.jsonl", capacity=10)
    for _ in range(10):
        for number in range(100):
            log.record(prediction(number))
        wait_for(lambda: log.dropped == log._announced)
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(said) == 1
    assert said[0]["event"] == "predictions dropped"
    begun = time.monotonic()
    log.close(0.5)
    assert time.monotonic() - begun < 20
    [last] = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert log.dropped == last["in_all"] == 1000
    assert said[0]["dropped"] + last["dropped"] == 1000
    assert "cannot write" in last["reason"]


def test_an_entry_that_makes_no_event_is_counted_and_the_log_lives_on(tmp_path: Path) -> None:
    log = file_log(tmp_path / "p.jsonl")
    log.record(prediction(values=None))
    wait_for(lambda: log.dropped == 1)
    log.record(prediction(1, labels=("H", "D")))
    log.record(prediction(2))
    log.close()
    assert [line["data"]["request_id"] for line in lines(tmp_path / "p.jsonl")] == ["r2"]
    assert log.dropped == 2


def test_what_rotation_deletes_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.jsonl"
    producer = FileProducer(path, Rotation(max_bytes=20_000, keep=2))
    log = QueuedLog(FileSender(producer), capacity=400, to="the file")
    for number in range(1000):
        log.record(prediction(number))
        if number % 20 == 0:
            wait_for(lambda: not log._queue)
    log.close()
    left = [line for each in sorted(tmp_path.glob("p.jsonl*")) for line in lines(each)]
    assert 0 < len(left) < 1000
    assert len(left) + log.dropped == 1000
    assert "rotation deleted" in capsys.readouterr().err


def test_everything_is_kept_by_default(tmp_path: Path) -> None:
    """As much as would have been rotated away: the former limit was 64 MiB and three files more."""
    settings = ServingSettings(predictions=f"file:{tmp_path}/p.jsonl")
    log = open_log(settings)
    assert isinstance(log, QueuedLog)
    assert isinstance(log._sender, FileSender)
    assert log._sender._producer._rotation == Rotation(max_bytes=0, keep=0)
    log.close()


def test_settings_rotate_the_file_and_what_they_delete_is_announced(tmp_path: Path) -> None:
    settings = ServingSettings(predictions=f"file:{tmp_path}/p.jsonl", predictions_max_bytes=20_000, predictions_keep=1)
    lost: list[int] = []
    log = open_log(settings, on_dropped=lost.append)
    assert isinstance(log, QueuedLog)
    for number in range(500):
        log.record(prediction(number))
        if number % 20 == 0:
            wait_for(lambda: not log._queue)
    log.close()
    left = sum(len(lines(each)) for each in tmp_path.glob("p.jsonl*"))
    assert 0 < left < 500
    assert left + sum(lost) == 500


class StuckSender:
    """A disk that lets go of nobody."""

    trouble = "stuck"

    def __init__(self) -> None:
        self.free = threading.Event()

    def encode(self, encoder: PredictionEncoder, number: int, entry: Prediction, row: int) -> bytes:
        return encoder.line(number, entry, row)

    def deliver(self, events: Sequence[bytes], expired: Expired) -> int | None:
        self.free.wait()
        return None

    def close(self, seconds: float) -> None: ...


def test_closing_on_a_disk_that_hangs_is_bounded_and_counts() -> None:
    sender, told = StuckSender(), []
    log = QueuedLog(sender, capacity=100, on_dropped=told.append)
    for number in range(50):
        log.record(prediction(number))
    wait_for(lambda: log._in_delivery)
    begun = time.monotonic()
    log.close(0.1)
    assert time.monotonic() - begun < 10
    assert log.dropped == sum(told) == 50
    sender.free.set()
    log._thread.join(10)
    assert log.dropped == sum(told) == 50


def test_records_of_several_threads_are_all_counted(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("in the way")
    log = file_log(tmp_path / "log" / "p.jsonl", capacity=50)

    def fill() -> None:
        for number in range(1000):
            log.record(prediction(number))

    threads = [threading.Thread(target=fill) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close(0.5)
    assert log.dropped == 4000


def test_without_an_address_nothing_is_logged() -> None:
    log = open_log(ServingSettings())
    assert isinstance(log, DisabledLog)
    assert not log.enabled
    log.record(prediction())
    log.close()
    assert log.dropped == 0


@pytest.mark.parametrize(
    ("predictions", "variables", "message"),
    [
        ("redis://x", {}, "'redis://x' is no address of events: write kafka://"),
        ("kafka://", {}, "set MATCHDAY_KAFKA_BOOTSTRAP_SERVERS"),
        ("kafka://h:1", {"SECURITY_PROTOCOL": "SASL_SSL"}, "set MATCHDAY_KAFKA_SASL_USERNAME"),
        ("kafka://h:1", {"SECURITY_PROTOCOL": "SSL", "SSL_CA_FILE": "/nowhere"}, "CA for Kafka cannot be read"),
    ],
)
def test_a_server_does_not_start_with_a_log_that_cannot_be_opened(
    predictions: str, variables: dict[str, str], message: str
) -> None:
    environ = {f"MATCHDAY_KAFKA_{name}": value for name, value in variables.items()}
    environ |= {"MATCHDAY_SERVING_PREDICTIONS": predictions, "MATCHDAY_SERVING_PORT": "1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        with pytest.raises(EventsError, match=message):
            check_log(ServingSettings())


def test_the_sending_process_is_small_and_the_server_has_no_kafka_client() -> None:
    heavy = ("numpy", "pydantic", "onnxruntime", "opentelemetry", "structlog")
    assert loaded("serving.log.__main__", *heavy) == []
    assert loaded("serving.log.queue, serving.log.process_sender, matchday.events.settings", "kafka") == []


def loaded(modules: str, *names: str) -> list[str]:
    """Which of these packages are loaded by an import."""
    script = f"import sys, {modules}\nprint(*sorted({set(names)!r} & set(sys.modules)))"
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environ)
    return done.stdout.split()
