"""Names under which Feast stores entities, features and event times.

Entity keys: serialization version 3 of `feast/infra/key_encoding_utils.py` (one join key).
Redis: a hash per entity for all views, under entity key + project (`feast/infra/online_stores/redis.py`); its fields
are `field_name` of each feature and `time_name` of each view.
"""

import struct

from matchday.feast_layout.error import StoreError
from matchday.feast_layout.murmur import murmur3_32

Key = str | int

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
