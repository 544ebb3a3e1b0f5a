"""The log is read on from where it was left, each forecast once, whatever is written and rotated meanwhile."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from rollout.observations import log_file
from rollout.observations.log import OWN_ID, Log, LoggedRows, open_log
from rollout.observations.log_file import FileLog
from rollout.observations.row import ReplayRow
from rollout.sources import SourceError
from serving.log import LogError
from serving.log.event import Event
from serving.log.file import FileSink
from tests.serving.log.test_prediction_log import MOMENT, framed, prediction

ALL = 10**6


def event(number: int, **changes: Any) -> Event:
    return framed((number, prediction(number, time=MOMENT + number, **changes), 0))[0]


def events(*numbers: int, **changes: Any) -> list[Event]:
    return [event(number, **changes) for number in numbers]


def quiet(path: Path, max_bytes: int = 2**26) -> FileSink:
    return FileSink(str(path), lambda trouble: None, max_bytes)


def ids(log: Log, place: Any = None, most: int = ALL) -> tuple[list[int], Any]:
    entries, place = log.since(place, most)
    return [int(entry.id[1:]) for entry in entries], place


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "predictions.jsonl"


def test_an_entry_is_all_that_a_rollout_wants_of_a_forecast(path: Path) -> None:
    quiet(path).write([event(3)])
    [entry] = FileLog(path).since(None, ALL)[0]
    assert (entry.id, entry.time, entry.model) == ("r3", MOMENT + 3, "match-outcome")
    assert entry.row == ReplayRow(
        entities={"home": "ARS", "away": "LIV"},
        kickoff=MOMENT + 7200,
        features={"home_elo": 1900.5, "away_elo": None, "home_rest_days": 0.1},
        version="12",
        output={"H": 0.5, "D": 0.25, "A": 0.25},
    )


def test_a_log_is_read_on(path: Path) -> None:
    log, sink = FileLog(path), quiet(path)
    assert ids(log) == ([], None)
    sink.write(events(0, 1, 2))
    read, place = ids(log)
    assert read == [0, 1, 2]
    assert ids(log, place) == ([], place)
    sink.write(events(3))
    assert ids(log, place)[0] == [3]
    assert ids(log)[0] == [0, 1, 2, 3]
    assert ids(log, None, most=2)[0] == [2, 3]


BATCH = some.integers(1, 4)


@given(batches=some.lists(some.tuples(BATCH, some.booleans()), max_size=15))
def test_each_forecast_is_read_once_while_files_are_rotated(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[int, bool]]
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    log, sink, place = FileLog(path), quiet(path, max_bytes=12 * len(event(0).line())), None
    written, read = 0, []
    for size, look in batches:
        sink.write(events(*range(written, written + size)))
        written += size
        if look:
            more, place = ids(log, place)
            read += more
    read += ids(log, place)[0]
    assert read == list(range(written))


def test_a_line_that_is_being_written_waits_for_its_end(path: Path) -> None:
    log = FileLog(path)
    quiet(path).write(events(0))
    half = event(1).line()
    with path.open("ab") as file:
        file.write(half[:100])
        file.flush()
        read, place = ids(log)
        assert read == [0]
        file.write(half[100:])
    assert ids(log, place)[0] == [1]


def test_what_is_no_event_is_skipped(path: Path) -> None:
    whole = orjson.loads(event(1).line())
    lines = [
        event(0).line(),
        event(9).line()[:150] + b"\n",
        b"\n",
        b"\xff\xfe\n",
        b"[]\n7\nnull\n{}\n",
        orjson.dumps(whole | {"type": "other.event.v1"}) + b"\n",
        orjson.dumps(whole | {"data": 7}) + b"\n",
        orjson.dumps(whole | {"data": whole["data"] | {"time": "yesterday"}}) + b"\n",
        orjson.dumps(whole | {"data": whole["data"] | {"output": {"H": "high"}}}) + b"\n",
        event(2).line(),
    ]
    path.write_bytes(b"".join(lines))
    assert ids(FileLog(path))[0] == [0, 2]


def test_what_a_rollout_asked_itself_is_no_evidence(path: Path) -> None:
    quiet(path).write([*events(0), *events(1, request_id=f"{OWN_ID}0-64"), *events(2)])
    assert ids(FileLog(path))[0] == [0, 2]


def test_a_long_log_is_read_from_its_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(event(0).line())
    monkeypatch.setattr(log_file, "MOST_BYTES", int(4.5 * size))
    log = FileLog(path)
    quiet(path, max_bytes=6 * size).write(events(0, 1, 2, 3, 4, 5))
    read, place = ids(log)
    assert read == [2, 3, 4, 5]
    for number in range(6, 20):
        quiet(path, max_bytes=6 * size).write(events(number))
    assert ids(log, place)[0][-1] == 19
    assert len(ids(log, place)[0]) <= 5


def test_a_log_that_was_cut_or_replaced_is_read_anew(path: Path) -> None:
    log = FileLog(path)
    quiet(path).write(events(0, 1, 2))
    _, place = ids(log)
    os.truncate(path, len(event(0).line()))
    assert ids(log, place)[0] == [0]
    _, place = ids(log)
    path.unlink()
    quiet(path).write(events(7))
    assert ids(log, place)[0][-1:] == [7]


def test_a_log_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"prediction log .* cannot be read: Is a directory"):
        FileLog(tmp_path).since(None, ALL)


def test_the_newest_rows_come_first_and_each_once(path: Path) -> None:
    teams = [{"home": ["ARS"], "away": [away]} for away in ("LIV", "MCI", "BOU")]
    values = [np.array([[number, 1.0, 2.0]], np.float32) for number in range(2)]
    sink = quiet(path)
    for number in range(60):
        sink.write(events(number, entities=teams[number % 3], values=values[number >= 30]))
    sink.write(events(99, model="player-points"))
    rows = LoggedRows(FileLog(path))
    assert [row.entities["away"] for row in rows.rows("match-outcome", 200)] == ["BOU", "MCI", "LIV"] * 2
    assert [row.features["home_elo"] for row in rows.rows("match-outcome", 4)] == [1.0, 1.0, 1.0, 0.0]
    assert rows.rows("match-outcome", 5) == rows.rows("match-outcome", 5)
    assert len(rows.rows("player-points", 9)) == 1
    assert rows.rows("match-outcome", 0) == []


def test_rows_are_the_same_whatever_order_a_moment_is_read_in(path: Path) -> None:
    made = [each._replace(time="2026-05-24T15:00:00.250Z") for each in events(*range(5))]
    for each, number in zip(made, range(5), strict=True):
        each.data["time"], each.data["features"] = each.time, {"home_elo": float(number)}
    quiet(path).write(made)
    forward = LoggedRows(FileLog(path)).rows("match-outcome", 3)
    path.unlink()
    quiet(path).write(made[::-1])
    assert LoggedRows(FileLog(path)).rows("match-outcome", 3) == forward


def test_a_log_is_opened_as_the_server_names_it(path: Path) -> None:
    quiet(path).write(events(5))
    log = open_log(f"file:{path}")
    assert log is not None
    assert ids(log)[0] == [5]
    assert open_log("") is None
    with pytest.raises(LogError, match="is no prediction log"):
        open_log("ftp://somewhere")
