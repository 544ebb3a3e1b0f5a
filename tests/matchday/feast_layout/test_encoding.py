"""What we encode is what Feast's protobuf messages serialize to, and what we read back."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from feast.infra.online_stores.sqlite import adapt_datetime_epoch
from feast.protos.feast.types.Value_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as some

from matchday.feast_layout import encode_moment, encode_value, event_time, moment_of, value_of
from matchday.feast_layout.moments import to_micros, wall_clock

MOMENTS = some.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001


@given(number=some.floats(allow_nan=False))
def test_a_float_is_a_double(number: float) -> None:
    assert encode_value(number) == Value(double_val=number).SerializeToString()
    assert value_of(encode_value(number)) == number


@given(number=some.integers(-(2**63), 2**63 - 1))
def test_an_integer_is_an_int64(number: int) -> None:
    assert encode_value(number) == Value(int64_val=number).SerializeToString()
    assert value_of(encode_value(number)) == number


@given(text=some.text(max_size=300))
def test_a_text_is_a_string(text: str) -> None:
    assert encode_value(text) == Value(string_val=text).SerializeToString()
    assert value_of(encode_value(text)) == text


@pytest.mark.parametrize("truth", [True, False])
def test_a_truth_value_is_a_bool(truth: bool) -> None:
    assert encode_value(truth) == Value(bool_val=truth).SerializeToString()
    assert value_of(encode_value(truth)) is truth


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_what_is_missing_is_null(nothing: float | None) -> None:
    assert encode_value(nothing) == Value().SerializeToString()
    assert value_of(encode_value(nothing)) is None


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_an_integer_beyond_64_bits_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="beyond the 64 bits"):
        encode_value(number)


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="not list"):
        encode_value([1.0])  # type: ignore[arg-type]


@given(moment=MOMENTS)
def test_a_moment_is_a_timestamp_to_the_microsecond(moment: datetime) -> None:
    known = Timestamp()
    known.FromDatetime(moment)
    seconds = moment.replace(tzinfo=UTC).timestamp()
    if abs(seconds) < 2**32:  # beyond, a float of seconds is less exact than a microsecond
        assert encode_moment(seconds) == known.SerializeToString()
    assert moment_of(encode_moment(seconds)) == pytest.approx(seconds, abs=1e-4)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1e12, 1e12])
def test_what_is_no_moment_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="no event time"):
        encode_moment(seconds)


@pytest.fixture(params=["UTC", "Europe/London", "America/St_Johns", "Pacific/Auckland"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    event_time.cache_clear()
    yield request.param
    monkeypatch.undo()
    time.tzset()
    event_time.cache_clear()


@pytest.mark.parametrize("moment", ["2026-01-10T15:00:00", "2026-07-01T12:30:59.999999", "1969-12-31T23:59:58.500000"])
def test_a_moment_in_sqlite_is_feasts_in_every_time_zone(zone: str, moment: str) -> None:
    naive = datetime.fromisoformat(moment)
    seconds = naive.replace(tzinfo=UTC).timestamp()
    stored = wall_clock(to_micros(seconds))
    assert stored == adapt_datetime_epoch(naive)
    assert abs(event_time(stored) - seconds) < 1
