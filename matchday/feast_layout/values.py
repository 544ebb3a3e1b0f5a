"""Feature values as Feast stores them: the protobuf message `feast.types.Value`.

A oneof with a single scalar set, or nothing for null.
"""

import struct
from collections.abc import Callable, Mapping

from matchday.feast_layout.error import StoreError
from matchday.varint import decode_varint, encode_varint, signed

Value = str | int | float | bool | bytes | None
"""A value as it is read."""

Feature = float | int | str | bool | None
"""A value as it is written."""

LEAST, MOST = -(2**63), 2**63 - 1
"""Integers of 64 bits."""

DOUBLE = struct.Struct("<Bd")
"""Tag and number of a double."""


def encode_value(value: Feature) -> bytes:
    """The serialized Value: a float as double, an integer as int64. None and NaN are null, as Feast writes pandas' NaN.

    Raises ValueError for an integer beyond 64 bits, TypeError for any other type.
    """
    if isinstance(value, float):
        return b"" if value != value else DOUBLE.pack(5 << 3 | 1, value)
    if value is None:
        return b""
    if isinstance(value, bool):
        return bytes((7 << 3, value))
    if isinstance(value, int):
        if not LEAST <= value <= MOST:
            raise ValueError(f"{value} is beyond the 64 bits of a feature")
        return bytes((4 << 3,)) + encode_varint(value)
    if isinstance(value, str):
        text = value.encode()
        return bytes((2 << 3 | 2,)) + encode_varint(len(text)) + text
    raise TypeError(f"a feature is a number, a text, a truth value or null, not {type(value).__name__}")


def encode_values(values: Mapping[str, Feature]) -> dict[str, bytes]:
    """`encode_value` of each value; quicker where most are floats."""
    pack = DOUBLE.pack
    return {
        name: pack(5 << 3 | 1, value) if value.__class__ is float and value == value else encode_value(value)
        for name, value in values.items()
    }


def value_of(raw: bytes) -> Value:
    """The value of a serialized `feast.types.Value`; None for null. Raises StoreError for other types."""
    if not raw:
        return None
    decode = DECODERS.get(raw[0])
    if decode is None:
        if raw == NULL:
            return None
        raise StoreError(f"the online store holds a value of a type that is not served (tag {raw[0]})")
    try:
        return decode(raw)
    except (struct.error, IndexError, UnicodeDecodeError):
        raise StoreError("the online store holds a value whose bytes are cut short or garbled") from None


def _integer(raw: bytes) -> int:
    return signed(decode_varint(raw)[0])


def _unix_seconds(raw: bytes) -> int | None:
    """A moment; None for pandas' NaT, which Feast writes as its least integer and reads as null."""
    seconds = _integer(raw)
    return None if seconds == NOT_A_TIME else seconds


def _bytes(raw: bytes) -> bytes:
    length, start = decode_varint(raw)
    if start + length != len(raw):
        raise IndexError(length)
    return raw[start:]


def _double(raw: bytes) -> float:
    number: float = struct.unpack_from("<d", raw, 1)[0]
    return number


def _float(raw: bytes) -> float:
    number: float = struct.unpack_from("<f", raw, 1)[0]
    return number


NOT_A_TIME = -(2**63)

NULL = bytes([0x98, 0x01, 0x00])
"""null_val, field 19, which Feast writes in place of an empty message at times."""

DECODERS: dict[int, Callable[[bytes], Value]] = {
    1 << 3 | 2: _bytes,
    2 << 3 | 2: lambda raw: _bytes(raw).decode(),
    3 << 3 | 0: _integer,
    4 << 3 | 0: _integer,
    5 << 3 | 1: _double,
    6 << 3 | 5: _float,
    7 << 3 | 0: lambda raw: bool(raw[1]),
    8 << 3 | 0: _unix_seconds,
}
"""Protobuf tag (field << 3 | wire type) -> decoder, for the scalars of `feast.types.Value`."""


class Values(dict[bytes | None, Value]):
    """Serialized value -> value, decoded when first met: rows are few and read again and again.

    Absent (None) is None. Forgets all beyond `limit` entries.
    """

    def __init__(self, limit: int = 32_768) -> None:
        super().__init__({None: None})
        self.limit = limit

    def __missing__(self, raw: bytes) -> Value:
        value = value_of(raw)
        if len(self) >= self.limit:
            self.clear()
            self[None] = None
        if len(raw) <= LONGEST_KEPT:
            self[raw] = value
        return value


LONGEST_KEPT = 64
"""Bytes of a value that is kept decoded: longer texts would make the table large."""
