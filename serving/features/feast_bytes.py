"""The bytes that Feast writes into its online stores, without Feast.

Entity keys: serialization version 3 of `feast/infra/key_encoding_utils.py` (one join key).
Values: the protobuf message `feast.types.Value`, a oneof with a single scalar set, or nothing for null.
Redis: a hash per entity for all views, under entity key + project (`feast/infra/online_stores/redis.py`); its fields
are `field_name` of each feature and `time_name` of each view, whose value is a `google.protobuf.Timestamp`.
"""

import struct
from collections.abc import Callable

from serving.features.murmur import murmur3_32
from serving.features.store import Key, StoreError, Value

STRING, INT64 = 2, 4
"""Numbers of `feast.types.ValueType.Enum`."""


def entity_key(join_key: str, key: Key) -> bytes:
    """The bytes under which Feast stores an entity: count, then type, length and text of name and value."""
    value, kind = (key.encode(), STRING) if isinstance(key, str) else (struct.pack("<q", key), INT64)
    return key_prefix(join_key) + struct.pack("<2I", kind, len(value)) + value


def key_of(raw: bytes, join_key: str) -> Key:
    """The entity of `entity_key`'s bytes. Raises StoreError when they are of another key or layout."""
    prefix = key_prefix(join_key)
    start = len(prefix) + 8
    if not raw.startswith(prefix) or len(raw) < start:
        raise StoreError(f"the online store has entity keys that are not one {join_key!r} each")
    kind, length = struct.unpack_from("<2I", raw, len(prefix))
    value = raw[start:]
    if len(value) == length and kind == STRING:
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise StoreError(f"the online store has a {join_key} whose name is not valid UTF-8") from None
    if len(value) == length == 8 and kind == INT64:
        return int.from_bytes(value, "little", signed=True)
    raise StoreError(f"the online store has entity keys of a type or layout not known here (type {kind})")


def key_prefix(join_key: str) -> bytes:
    """What every entity key of this kind begins with: count, then type, length and text of the name."""
    name = join_key.encode()
    return struct.pack("<3I", 1, STRING, len(name)) + name


def field_name(view: str, feature: str) -> bytes:
    """The field of a Redis hash that holds a feature: four bytes of a hash of its name."""
    return murmur3_32(f"{view}:{feature}".encode()).to_bytes(4, "little")


def time_name(view: str) -> bytes:
    """The field of a Redis hash that holds the event time of a view's row."""
    return f"_ts:{view}".encode()


def moment_of(raw: bytes) -> float:
    """Unix seconds of a serialized `google.protobuf.Timestamp`. Raises StoreError for other bytes."""
    fields = {SECONDS: 0, NANOS: 0}
    at = 0
    try:
        while at < len(raw):
            tag = raw[at]
            if tag not in fields:
                raise IndexError(tag)
            number, at = _varint(raw, at + 1)
            fields[tag] = _signed(number)
    except IndexError:
        raise StoreError("the online store holds an event time whose bytes are garbled") from None
    if not EARLIEST <= fields[SECONDS] <= LATEST:
        raise StoreError("the online store holds an event time outside of the years 1 to 9999")
    return fields[SECONDS] + fields[NANOS] / 1e9


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


def _varint(raw: bytes, at: int = 1) -> tuple[int, int]:
    """An unsigned base-128 number of at most ten bytes, and where it ends. Raises IndexError for any other."""
    number = 0
    for shift in range(0, 70, 7):
        byte = raw[at]
        number |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return number, at
    raise IndexError(at)


def _signed(number: int) -> int:
    number &= 2**64 - 1
    return number - 2**64 if number >= 2**63 else number


def _integer(raw: bytes) -> int:
    return _signed(_varint(raw)[0])


def _unix_seconds(raw: bytes) -> int | None:
    """A moment; None for pandas' NaT, which Feast writes as its least integer and reads as null."""
    seconds = _integer(raw)
    return None if seconds == NOT_A_TIME else seconds


def _bytes(raw: bytes) -> bytes:
    length, start = _varint(raw)
    if start + length != len(raw):
        raise IndexError(length)
    return raw[start:]


def _double(raw: bytes) -> float:
    number: float = struct.unpack_from("<d", raw, 1)[0]
    return number


def _float(raw: bytes) -> float:
    number: float = struct.unpack_from("<f", raw, 1)[0]
    return number


SECONDS, NANOS = 1 << 3, 2 << 3
"""Protobuf tags of `google.protobuf.Timestamp`."""

EARLIEST, LATEST = -62_135_596_800, 253_402_300_799
"""Seconds that a `google.protobuf.Timestamp` may have."""

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
