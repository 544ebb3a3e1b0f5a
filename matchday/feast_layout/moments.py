"""Event times as Feast stores them.

Redis: a serialized `google.protobuf.Timestamp`. SQLite: a whole number of seconds, see `wall_clock`.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from matchday.feast_layout.error import StoreError
from matchday.varint import decode_varint, encode_varint, signed

SECONDS, NANOS = 1 << 3, 2 << 3
"""Protobuf tags of `google.protobuf.Timestamp`."""

EARLIEST, LATEST = -62_135_596_800, 253_402_300_799
"""Seconds that a `google.protobuf.Timestamp` may have."""

MILLION = 1_000_000

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
"""Wall clock of the Unix epoch in UTC, which Feast takes for local time."""


def to_micros(seconds: float) -> int:
    """Unix seconds as whole microseconds, which is how exact Feast's event times are. Raises ValueError for no time."""
    if not EARLIEST <= seconds <= LATEST:
        raise ValueError(f"{seconds!r} is no event time in Unix seconds")
    return round(seconds * MILLION)


def encode_moment(seconds: float) -> bytes:
    """The serialized Timestamp of Unix seconds, to the microsecond. Raises ValueError for no time."""
    return encode_micros(to_micros(seconds))


def encode_micros(micros: int) -> bytes:
    """The serialized Timestamp of whole microseconds; a field that is 0 is left out."""
    seconds, rest = divmod(micros, MILLION)
    raw = bytes((SECONDS,)) + encode_varint(seconds) if seconds else b""
    return raw + bytes((NANOS,)) + encode_varint(rest * 1000) if rest else raw


def moment_of(raw: bytes) -> float:
    """Unix seconds of a serialized Timestamp. Raises StoreError for other bytes."""
    fields = {SECONDS: 0, NANOS: 0}
    at = 0
    try:
        while at < len(raw):
            tag = raw[at]
            if tag not in fields:
                raise IndexError(tag)
            number, at = decode_varint(raw, at + 1)
            fields[tag] = signed(number)
    except IndexError:
        raise StoreError("the online store holds an event time whose bytes are garbled") from None
    if not EARLIEST <= fields[SECONDS] <= LATEST:
        raise StoreError("the online store holds an event time outside of the years 1 to 9999")
    return fields[SECONDS] + fields[NANOS] / 1e9


def wall_clock(micros: int) -> int:
    """The number that Feast stores in SQLite for an event time.

    Feast (through sqlite3's adapter for datetimes) takes the UTC wall clock as if it were local time, and cuts it to
    whole seconds.
    """
    return int((EPOCH + timedelta(microseconds=micros)).timestamp())


@lru_cache(4096)
def event_time(stored: object) -> float:
    """Unix seconds of a number that `wall_clock` gives. Raises StoreError for anything that is no time."""
    if not isinstance(stored, int):
        raise StoreError(f"the online store has an event time that is not a whole number: {stored!r}")
    try:
        return datetime.fromtimestamp(stored).replace(tzinfo=UTC).timestamp()  # noqa: DTZ006
    except (ValueError, OverflowError, OSError):
        raise StoreError(f"the online store has an event time that is no time: {stored}") from None
