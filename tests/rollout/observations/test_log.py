"""The prediction log is read as forecasts, and as rows to replay."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from matchday.events import PREDICTIONS, CloudEvent, EventsError
from matchday.events.file_consumer import FileConsumer
from matchday.events.file_producer import FileProducer, Rotation
from rollout.observations.log import OWN_ID, EventLog, ForecastLog, LoggedRows, open_log
from rollout.observations.row import ReplayRow
from rollout.sources import SourceError
from tests.serving.log.samples import MOMENT, encoded, prediction

ALL = 10**6


def event(number: int, **changes: Any) -> CloudEvent:
    return encoded(number, prediction(number, time=MOMENT + number, **changes))


def events(*numbers: int, **changes: Any) -> list[CloudEvent]:
    return [event(number, **changes) for number in numbers]


def file_log(path: Path) -> EventLog:
    """The reader of a server's log in a file."""
    return EventLog(FileConsumer(path, PREDICTIONS))


def ids(log: ForecastLog, position: Any = None, most: int = ALL) -> tuple[list[int], Any]:
    forecasts, position = log.since(position, most)
    return [int(forecast.id[1:]) for forecast in forecasts], position


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "predictions.jsonl"


def test_a_forecast_has_all_that_a_rollout_wants(path: Path) -> None:
    FileProducer(path).send([event(3)])
    [forecast] = file_log(path).since(None, ALL)[0]
    assert (forecast.id, forecast.time, forecast.model) == ("r3", MOMENT + 3, "match-outcome")
    assert forecast.row == ReplayRow(
        entities={"home": "ARS", "away": "LIV"},
        kickoff=MOMENT + 7200,
        features={"home_elo": 1900.5, "away_elo": None, "home_rest_days": 0.1},
        version="12",
        output={"H": 0.5, "D": 0.25, "A": 0.25},
        feature_service="match_outcome_v1",
    )


def test_a_log_is_read_on_over_rotations(path: Path) -> None:
    log, producer = file_log(path), FileProducer(path, Rotation(2000))
    assert ids(log) == ([], None)
    producer.send(events(0, 1, 2))
    read, position = ids(log)
    assert read == [0, 1, 2]
    for number in range(3, 13):
        producer.send(events(number))
    assert ids(log, position)[0] == list(range(3, 13))
    assert len(list(path.parent.glob("predictions.jsonl.*"))) > 2


def test_lines_as_an_older_server_wrote_them_are_read(path: Path) -> None:
    """They have no `partitionkey`."""
    old = {name: value for name, value in orjson.loads(event(0).line()).items() if name != "partitionkey"}
    path.with_name("predictions.jsonl.1").write_bytes(orjson.dumps(old) + b"\n")
    FileProducer(path).send(events(1))
    assert ids(file_log(path))[0] == [0, 1]


def test_what_is_no_forecast_is_skipped(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = orjson.loads(orjson.dumps(event(1).data))
    broken: list[Any] = [
        7,
        None,
        {},
        data | {"time": "yesterday"},
        data | {"output": {"H": "high"}},
        data | {"features": [1]},
    ]
    other = event(8)._replace(type="other.event.v1")
    FileProducer(path).send([event(0), *(event(1)._replace(data=each) for each in broken), other, event(2)])
    assert ids(file_log(path))[0] == [0, 2]
    assert '"events": 6' in capsys.readouterr().err


def test_what_a_rollout_asked_itself_is_no_evidence(path: Path) -> None:
    FileProducer(path).send([*events(0), *events(1, request_id=f"{OWN_ID}0-64"), *events(2)])
    assert ids(file_log(path))[0] == [0, 2]


def test_a_log_that_cannot_be_read_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"prediction log cannot be read: .* Is a directory"):
        file_log(tmp_path).since(None, ALL)


def test_the_newest_rows_come_first_and_each_once(path: Path) -> None:
    teams = [{"home": ["ARS"], "away": [away]} for away in ("LIV", "MCI", "BOU")]
    values = [np.array([[number, 1.0, 2.0]], np.float32) for number in range(2)]
    producer = FileProducer(path)
    for number in range(60):
        producer.send(events(number, entities=teams[number % 3], values=values[number >= 30]))
    producer.send(events(99, model="player-points"))
    rows = LoggedRows(file_log(path))
    assert [row.entities["away"] for row in rows.rows("match-outcome", 200)] == ["BOU", "MCI", "LIV"] * 2
    assert [row.features["home_elo"] for row in rows.rows("match-outcome", 4)] == [1.0, 1.0, 1.0, 0.0]
    assert rows.rows("match-outcome", 5) == rows.rows("match-outcome", 5)
    assert len(rows.rows("player-points", 9)) == 1
    assert rows.rows("match-outcome", 0) == []


def test_rows_are_the_same_whatever_order_a_moment_is_read_in(path: Path) -> None:
    made = [
        encoded(number, prediction(number, values=np.array([[number, 1.0, 2.0]], np.float32))) for number in range(5)
    ]
    FileProducer(path).send(made)
    forward = LoggedRows(file_log(path)).rows("match-outcome", 3)
    path.unlink()
    FileProducer(path).send(made[::-1])
    assert LoggedRows(file_log(path)).rows("match-outcome", 3) == forward
    assert len(forward) == 3


def test_a_log_is_opened_as_the_server_names_it(path: Path) -> None:
    FileProducer(path).send([event(5)])
    log = open_log(f"file:{path}")
    assert log is not None
    assert ids(log)[0] == [5]
    assert open_log("") is None
    with pytest.raises(EventsError, match="is no address of events"):
        open_log("ftp://somewhere")
