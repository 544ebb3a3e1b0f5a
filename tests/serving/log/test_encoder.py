"""The event of a forecast says all of the answer and is valid against the published schema."""

from typing import Any

import jsonschema
import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.log.encoder import MOST_ORIGINS, PredictionEncoder, iso
from tests.serving.log.samples import (
    FEATURES,
    LABELS,
    MOMENT,
    SOURCES,
    TEAMS,
    Trace,
    encoded,
    prediction,
    received,
    schema,
)


def test_an_event_says_all_of_the_answer() -> None:
    event = received(7, prediction())
    assert event.data == {
        "request_id": "r0",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "time": "2026-05-24T15:00:00.250Z",
        "model": "match-outcome",
        "version": "12",
        "variant": "stable",
        "feature_service": "match_outcome_v1",
        "entities": {"home": "ARS", "away": "LIV"},
        "kickoff": "2026-05-24T17:00:00.250Z",
        "features": {"home_elo": 1900.5, "away_elo": None, "home_rest_days": 0.1},
        "features_event_time": "2026-05-24T14:00:00.250Z",
        "feature_times": {
            "home.team_ratings": "2026-05-24T14:00:00.250Z",
            "home.team_form": None,
            "away.team_ratings": "2026-05-24T14:30:00.250Z",
        },
        "expired_rows": [],
        "degraded": False,
        "output": {"H": 0.5, "D": 0.25, "A": 0.25},
        "latency_seconds": 0.00025,
    }
    schema().validate(event.data)
    assert event[:5] == (
        "p-7",
        "/matchday/serving/match-outcome",
        "matchday.prediction.v1",
        "2026-05-24T15:00:00.250Z",
        "match-outcome|ARS|LIV",
    )
    assert event.traceparent == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_raw_regression_and_untraced_answers_are_valid_too() -> None:
    given_features = prediction(
        entities={}, kickoffs=(), event_time=None, times=(), trace=Trace(0, 0, 0), degraded=True
    )
    points = prediction(model="player-points", labels=("points",), output=np.array([3.5], np.float32), trace=None)
    raw, regression = received(0, given_features), received(1, points)
    for number, entry in enumerate((given_features, points)):
        assert PredictionEncoder("p").line(number, entry, 0) == encoded(number, entry).line()
    for event in (raw, regression):
        schema().validate(event.data)
        assert event.traceparent is None
        assert event.data["trace_id"] is None
    assert (raw.key, raw.data["entities"], raw.data["kickoff"]) == ("match-outcome|r0", {}, None)
    assert raw.data["features_event_time"] is None
    assert not {"feature_times", "expired_rows"} & raw.data.keys()
    assert raw.data["degraded"] is True
    assert regression.data["output"] == {"points": 3.5}


def test_every_forecast_of_a_batch_names_its_own_rows() -> None:
    times = [MOMENT, None, MOMENT - 1, *[MOMENT - 2] * 3, None, None, None, MOMENT, None, MOMENT - 1]
    batch = prediction(rows=4, times=times, late={1: ["home.team_form", "away.team_ratings"]})
    encoder = PredictionEncoder("p")
    for _ in range(2):  # the second time from what is kept of the first
        found = [orjson.loads(encoder.line(row, batch, row))["data"] for row in range(4)]
        assert [list(data["feature_times"]) for data in found] == [list(SOURCES)] * 4
        stamps = [value for data in found for value in data["feature_times"].values()]
        assert stamps == [None if one is None else iso(one).decode() for one in times]
        assert [data["expired_rows"] for data in found] == [[], ["home.team_form", "away.team_ratings"], [], []]
        for data in found:
            schema().validate(data)


def test_what_is_kept_of_origins_is_bounded() -> None:
    encoder = PredictionEncoder("p")
    for number in range(MOST_ORIGINS + 10):
        encoder.line(number, prediction(times=[MOMENT + number, None, None]), 0)
    [template] = encoder._templates.values()
    assert len(template._origins) <= MOST_ORIGINS


def test_times_for_other_rows_than_the_sources_make_no_event() -> None:
    with pytest.raises(ValueError):
        encoded(0, prediction(times=[MOMENT]))


NAMES = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4, unique=True).map(tuple)


@given(
    rows=st.lists(st.lists(st.floats(width=32), min_size=3, max_size=3), min_size=1, max_size=5),
    teams=st.lists(st.sampled_from(TEAMS), min_size=2, max_size=2, unique=True),
    request_id=st.text(min_size=1, max_size=20),
    features=st.lists(st.text(min_size=1, max_size=8), min_size=3, max_size=3, unique=True).map(tuple),
    moment=st.floats(0, 4e9),
)
def test_numbers_and_texts_arrive_as_they_were(
    rows: list[list[float]], teams: list[str], request_id: str, features: tuple[str, ...], moment: float
) -> None:
    """Names with quotes, percent signs and other alphabets among them."""
    values = np.array(rows, np.float32)
    entry = prediction(
        rows=len(rows),
        values=np.asfortranarray(values),
        entities={"home": [teams[0]] * len(rows), "away": [teams[1]] * len(rows)},
        request_id=request_id,
        features=features,
        model=features[0],
        time=moment,
    )
    for row in range(len(rows)):
        event = received(row, entry, row)
        assert PredictionEncoder("p").line(row, entry, row) == encoded(row, entry, row).line()
        schema().validate(event.data)
        assert (event.data["request_id"], event.data["model"]) == (request_id, features[0])
        assert event.data["entities"] == {"home": teams[0], "away": teams[1]}
        assert tuple(event.data["features"]) == features
        arrived = [np.nan if value is None else value for value in event.data["features"].values()]
        expected = np.where(np.isfinite(values[row]), values[row], np.nan)
        assert np.array_equal(np.array(arrived, np.float32), expected, equal_nan=True)


@given(st.floats(0, 4e9))
def test_times_are_the_standard_librarys(moment: float) -> None:
    from datetime import UTC, datetime

    expected = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert iso(moment) == expected.encode()


@pytest.mark.parametrize(
    "change",
    [
        {"values": None},
        {"labels": ("H", "D")},
        {"features": FEATURES[:2]},
        {"features": FEATURES[:2], "labels": (*LABELS, "X")},
        {"kickoffs": [1e300]},
        {"output": [["high", 0.0, 0.0]], "labels": LABELS[:2]},
    ],
)
def test_parts_that_do_not_belong_together_make_no_event(change: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        encoded(0, prediction(**change))


def test_a_new_version_with_other_columns_is_encoded_by_its_own_names() -> None:
    encoder = PredictionEncoder("p")
    encoder.event(0, prediction(), 0)
    for columns in (("a", "b", "c"), ("d", "e", "f"), FEATURES):
        event = encoder.event(1, prediction(features=columns), 0)
        assert tuple(orjson.loads(orjson.dumps(event.data))["features"]) == columns
    assert len(encoder._templates) == 1


def test_a_schema_violation_is_seen() -> None:
    event = received(7, prediction())
    for change in ({"latency_seconds": -1}, {"time": "now"}, {"output": {}}, {"trace_id": "x"}):
        with pytest.raises(jsonschema.ValidationError):
            schema().validate(event.data | change)
