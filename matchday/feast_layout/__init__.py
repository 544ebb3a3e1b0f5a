"""Bytes of Feast's online stores, made and read without Feast: `serving` reads them, `feature_repo` writes them."""

from matchday.feast_layout.error import StoreError
from matchday.feast_layout.keys import Key, entity_key, field_name, key_of, key_prefix, time_name
from matchday.feast_layout.moments import encode_moment, event_time, moment_of
from matchday.feast_layout.values import Value, Values, encode_value, value_of

__all__ = [
    "Key",
    "StoreError",
    "Value",
    "Values",
    "encode_moment",
    "encode_value",
    "entity_key",
    "event_time",
    "field_name",
    "key_of",
    "key_prefix",
    "moment_of",
    "time_name",
    "value_of",
]
