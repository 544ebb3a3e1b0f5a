"""The bytes that Feast writes into its online stores, without Feast.

Entity keys: serialization version 3 of `feast/infra/key_encoding_utils.py` (one join key).
Values: the protobuf message `feast.types.Value`, a oneof with a single scalar set, or nothing for null.
"""

import struct
from collections.abc import Callable

from serving.features.store import Key, StoreError, Value

STRING, INT64 = 2, 4
"""Numbers of `feast.types.ValueType.Enum`."""


def entity_key(join_key: str, key: Key) -> bytes:
    """The bytes under which Feast stores an entity: count, then type, length and text of name and value."""
    name = join_key.encode()
    value, kind = (key.encode(), STRING) if isinstance(key, str) else (struct.pack("<q", key), INT64)
    return struct.pack("<3I", 1, STRING, len(name)) + name + struct.pack("<2I", kind, len(value)) + value


def key_of(raw: bytes, join_key: str) -> Key:
    """The entity of `entity_key`'s bytes. Raises StoreError when they are of another key or layout."""
    prefix = struct.pack("<3I", 1, STRING, len(join_key.encode())) + join_key.encode()
    start = len(prefix) + 8
    if not raw.startswith(prefix) or len(raw) < start:
        raise StoreError(f"the online store has entity keys that are not one {join_key!r} each")
    kind, length = struct.unpack_from("<2I", raw, len(prefix))
    value = raw[start:]
    if len(value) == length and kind == STRING:
        return value.decode()
    if len(value) == length == 8 and kind == INT64:
        return int.from_bytes(value, "little", signed=True)
    raise StoreError(f"the online store has entity keys of a type or layout not known here (type {kind})")


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
    """An unsigned base-128 number and where it ends."""
    number = shift = 0
    while True:
        byte = raw[at]
        number |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return number, at
        shift += 7


def _integer(raw: bytes) -> int:
    number, _ = _varint(raw)
    number &= 2**64 - 1
    return number - 2**64 if number >= 2**63 else number


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
    8 << 3 | 0: _integer,
}
"""Protobuf tag (field << 3 | wire type) -> decoder, for the scalars of `feast.types.Value`."""
