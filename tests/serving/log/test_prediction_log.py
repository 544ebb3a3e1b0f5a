"""Recording costs a request next to nothing, whatever becomes of the log."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.log import Address, LogError, Nowhere, Prediction, open_log
from serving.log.event import SCHEMA, Event, events
from serving.log.file import FileSink
from serving.log.frame import Packer
from serving.log.queue import QueuedLog
from serving.settings import ServingSettings

MOMENT = 1_779_634_800.25
FEATURES = ("home_elo", "away_elo", "home_rest_days")
TEAMS = ("ARS", "BOU", "LIV", "MCI", "WHU")


class Trace(NamedTuple):
    trace_id: int = 0x0AF7651916CD43DD8448EB211C80319C
    span_id: int = 0xB7AD6B7169203331
    trace_flags: int = 1


def prediction(number: int = 0, rows: int = 1, **changes: Any) -> Prediction:
    fields: dict[str, Any] = {
        "request_id": f"r{number}",
        "trace": Trace(),
        "model": "match-outcome",
        "version": "12",
        "variant": "stable",
        "entities": {"home": ["ARS"] * rows, "away": ["LIV"] * rows},
        "features": FEATURES,
        "values": np.array([[1900.5, np.nan, 0.1]] * rows, np.float32),
        "event_time": MOMENT - 3600,
        "labels": ("H", "D", "A"),
        "output": np.array([[0.5, 0.25, 0.25]] * rows, np.float32),
        "latency": 0.00025,
        "time": MOMENT,
        "kickoffs": [MOMENT + 7200] * rows,
    }
    return Prediction(**(fields | changes))


def framed(*rows: tuple[int, Prediction, int]) -> list[Event]:
    """The events of forecasts that went the way of a frame: number, request, place in it."""
    packer = Packer()
    return events(packer.frame([packer.line(*row) for row in rows])[4:], "p")


def schema() -> jsonschema.Draft202012Validator:
    content = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(content)
    return jsonschema.Draft202012Validator(content, format_checker=jsonschema.FormatChecker())


def lines(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def wait_for(condition: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def sending_process() -> int:
    """The child of this process that sends."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").parent.parent.glob("*/children")
    pids = [int(pid) for each in children for pid in each.read_text().split()]
    [found] = [pid for pid in pids if b"serving.log" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return found


def test_an_event_says_all_of_the_answer() -> None:
    [event] = framed((7, prediction(), 0))
    assert event.data == {
        "request_id": "r0",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "time": "2026-05-24T15:00:00.250Z",
        "model": "match-outcome",
        "version": "12",
        "variant": "stable",
        "entities": {"home": "ARS", "away": "LIV"},
        "kickoff": "2026-05-24T17:00:00.250Z",
        "features": {"home_elo": 1900.5, "away_elo": None, "home_rest_days": 0.1},
        "features_event_time": "2026-05-24T14:00:00.250Z",
        "degraded": False,
        "output": {"H": 0.5, "D": 0.25, "A": 0.25},
        "latency_seconds": 0.00025,
    }
    schema().validate(event.data)
    assert event.key == "match-outcome|ARS|LIV"
    assert dict(event.headers()) == {
        "ce_id": b"p-7",
        "ce_source": b"/matchday/serving/match-outcome",
        "ce_type": b"matchday.prediction.v1",
        "ce_specversion": b"1.0",
        "ce_time": b"2026-05-24T15:00:00.250Z",
        "content-type": b"application/json",
        "traceparent": b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }


def test_raw_regression_and_untraced_answers_are_valid_too() -> None:
    given_features = prediction(entities={}, kickoffs=(), event_time=None, trace=Trace(0, 0, 0), degraded=True)
    points = prediction(model="player-points", labels=("points",), output=np.array([3.5], np.float32), trace=None)
    raw, regression = framed((0, given_features, 0), (1, points, 0))
    for event in (raw, regression):
        schema().validate(event.data)
        assert event.traceparent is None
        assert event.data["trace_id"] is None
        assert "traceparent" not in dict(event.headers())
    assert (raw.key, raw.data["entities"], raw.data["kickoff"]) == ("match-outcome|r0", {}, None)
    assert raw.data["features_event_time"] is None
    assert raw.data["degraded"] is True
    assert regression.data["output"] == {"points": 3.5}


@given(
    st.lists(
        st.tuples(
            st.lists(st.floats(width=32), min_size=3, max_size=3),
            st.text(min_size=1, max_size=20),
            st.lists(st.sampled_from(TEAMS), min_size=2, max_size=2, unique=True),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_numbers_and_texts_arrive_as_they_were(given_rows: list[tuple[list[float], str, list[str]]]) -> None:
    values = np.array([row[0] for row in given_rows], np.float32)
    entities = {"home": [row[2][0] for row in given_rows], "away": [row[2][1] for row in given_rows]}
    text = given_rows[0][1]
    entry = prediction(rows=len(given_rows), values=np.asfortranarray(values), entities=entities, request_id=text)
    made = framed(*[(n, entry, n) for n in range(len(given_rows))])
    for row, event in enumerate(made):
        schema().validate(event.data)
        assert event.data["request_id"] == text
        assert event.data["entities"] == {"home": entities["home"][row], "away": entities["away"][row]}
        arrived = [np.nan if v is None else v for v in event.data["features"].values()]
        expected = np.where(np.isfinite(values[row]), values[row], np.nan)
        assert np.array_equal(np.array(arrived, np.float32), expected, equal_nan=True)


def test_a_schema_violation_is_seen() -> None:
    [event] = framed((7, prediction(), 0))
    for change in ({"latency_seconds": -1}, {"time": "now"}, {"output": {}}, {"trace_id": "x"}):
        with pytest.raises(jsonschema.ValidationError):
            schema().validate(event.data | change)


def test_recording_is_below_fifteen_microseconds(tmp_path: Path) -> None:
    """With its Prediction made, sink running; the best of five rounds, for a machine that others use too."""
    log = QueuedLog(Address.parse(f"file:{tmp_path}/p.jsonl"), capacity=1000)
    values, output, entities = prediction().values, prediction().output, {"home": ["ARS"], "away": ["LIV"]}
    trace, best = Trace(), 1.0
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(2000):
            log.record(
                Prediction(
                    "r",
                    trace,
                    "match-outcome",
                    "12",
                    "stable",
                    entities,
                    FEATURES,
                    values,
                    0.0,
                    ("H",),
                    output,
                    0.1,
                    0.2,
                )
            )
        best = min(best, (time.perf_counter() - begun) / 2000)
    log.close()
    print(f"record: {best * 1e6:.2f} us")
    assert best < 15e-6


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
    log = QueuedLog(Address.parse(f"file:{place}/p.jsonl"), capacity=100, on_dropped=told.append, report_seconds=0.5)
    log.record(prediction(0))
    wait_for(lambda: not log._queue)
    slowest = 0.0
    for number in range(1, 1001):
        begun = time.perf_counter()
        log.record(prediction(number))
        slowest = max(slowest, time.perf_counter() - begun)
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


def test_drops_are_said_at_most_once_per_period(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").write_text("in the way")
    log = QueuedLog(Address.parse(f"file:{tmp_path}/log/p.jsonl"), capacity=10)
    for round_ in range(10):
        for number in range(100):
            log.record(prediction(number))
        time.sleep(0.1 if round_ else 0.5)
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(said) == 1
    assert said[0]["event"] == "predictions dropped"
    begun = time.monotonic()
    log.close(0.5)
    assert time.monotonic() - begun < 3
    [last] = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert log.dropped == last["in_all"] == 1000
    assert said[0]["dropped"] + last["dropped"] == 1000
    assert "cannot write" in last["reason"]


def test_a_killed_sending_process_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    log = QueuedLog(Address.parse(f"file:{path}"))
    log.record(prediction(0))
    wait_for(lambda: lines(path))
    os.kill(sending_process(), signal.SIGKILL)
    for number in range(1, 500):
        log.record(prediction(number))
    log.close(20)
    written = {line["id"]: line["data"]["request_id"] for line in lines(path)}
    assert list(written.values()) == [f"r{n}" for n in range(500)]
    assert log.dropped == 0


def test_the_sending_process_ends_with_a_killed_worker(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("in the way")
    script = (
        "import sys, time\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_prediction_log import *\n"
        f"log = QueuedLog(Address.parse('file:{tmp_path}/log/p.jsonl'))\n"
        "log.record(prediction())\n"
        "time.sleep(1)\n"
        "print(sending_process(), flush=True)\n"
        "time.sleep(60)\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    child = int(worker.stdout.readline())
    worker.kill()
    worker.wait()
    wait_for(lambda: not Path(f"/proc/{child}").exists(), 10)


def test_an_entry_that_makes_no_event_is_counted_and_the_log_lives_on(tmp_path: Path) -> None:
    log = QueuedLog(Address.parse(f"file:{tmp_path}/p.jsonl"))
    log.record(prediction(values=None))
    wait_for(lambda: log.dropped == 1)
    log.record(prediction(1, labels=("H", "D")))
    log.record(prediction(2))
    log.close()
    assert [line["data"]["request_id"] for line in lines(tmp_path / "p.jsonl")] == ["r2"]
    assert log.dropped == 2


def test_files_rotate_within_a_bound(tmp_path: Path) -> None:
    made = framed(*[(n, prediction(n), 0) for n in range(10)])
    size = len(b"".join(event.line() for event in made))
    first, second = (FileSink(str(tmp_path / "p.jsonl"), print, max_bytes=size * 2, kept=2) for _ in range(2))
    for _ in range(4):
        first.write(made)
        second.write(made)
    assert sorted(path.name for path in tmp_path.glob("p.jsonl*")) == ["p.jsonl", "p.jsonl.1", "p.jsonl.2"]
    for path in tmp_path.glob("p.jsonl*"):
        assert [line["id"] for line in lines(path)] == [f"p-{n}" for n in range(10)] * 2


def test_addresses(tmp_path: Path) -> None:
    assert Address.parse("kafka://a.b:9092,c:1").places == ("a.b:9092", "c:1")
    assert Address.parse("kafka://[::1]:9092").places == ("[::1]:9092",)
    for text in (f"file:{tmp_path}/x", f"file://{tmp_path}/x"):
        assert Address.parse(text) == Address("file", (f"{tmp_path}/x",))
        assert Address.parse(str(Address.parse(text))) == Address.parse(text)
    for wrong in ("kafka://", "kafka://host", "kafka://h:99999", "file:", "file:/a/", "redis://x", "kafka://a:1;b:2"):
        with pytest.raises(LogError, match=r"is no prediction log: write kafka://"):
            Address.parse(wrong)


def test_without_an_address_nothing_is_remembered() -> None:
    log = open_log(ServingSettings())
    assert isinstance(log, Nowhere)
    assert not log.enabled
    log.record(prediction())
    log.close()
    assert log.dropped == 0


def test_the_sending_process_is_small() -> None:
    script = (
        "import sys, serving.log.__main__, serving.log.kafka\n"
        "print(sorted({'numpy', 'pydantic', 'onnxruntime', 'opentelemetry', 'structlog'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
