"""What Feast writes is read as Feast reads it, from both stores. Fails when a new Feast changes its layout."""

import asyncio
import contextlib
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from feast.infra.online_stores.helpers import _mmh3, _redis_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as some

from matchday.feast_layout import Values, entity_key, field_name, moment_of, time_name, value_of
from serving.features.redis import RedisStore
from serving.features.store import Key, OnlineStore, Rows, StoreError
from tests.serving.features.conftest import DAY, KNOWN_AT, PLAYERS, TEAMS, VIEWS, Stored, feast_redis, write

pytestmark = pytest.mark.services

OF_TEAMS = {view: VIEWS[view] for view in ("club", "rating")}
OF_PLAYERS = {"player_form": VIEWS["player_form"]}


def same(ours: object, theirs: object) -> bool:
    if isinstance(theirs, datetime):
        return ours == int(theirs.timestamp())
    if isinstance(ours, float) and isinstance(theirs, float) and math.isnan(ours):
        return math.isnan(theirs)
    return ours == theirs and type(ours) is type(theirs)


def read(store: OnlineStore, join_key: str, keys: Any, views: Mapping[str, tuple[str, ...]]) -> Rows:
    try:
        return asyncio.run(store.read(join_key, keys, views))
    finally:
        store.close()


@pytest.mark.parametrize(
    ("join_key", "keys", "views", "held"),
    [("team", [*TEAMS, "XXX", "ARS"], OF_TEAMS, 43), ("player", [*PLAYERS, 404], OF_PLAYERS, 6)],
)
def test_reader_equals_get_online_features_for_every_type_null_and_absent_entity(
    stored: Stored, join_key: str, keys: list[Key], views: dict[str, tuple[str, ...]], held: int
) -> None:
    theirs = stored.values(join_key, keys, list(views))
    rows = read(stored.open(), join_key, keys, views)
    known = 0
    for (view, name), values in theirs.items():
        for key, value in zip(keys, values, strict=True):
            row = rows.get((view, key))
            ours = None if row is None else row.values[name]
            assert same(ours, value), (view, name, key, ours, value)
            known += ours is not None
    assert known >= held
    assert ("rating", "MCI") not in rows
    assert not [place for place in rows if place[1] in ("XXX", 404)]
    assert (rows.age_seconds, rows.degraded) == (0.0, False)


def test_each_view_has_its_own_event_time(stored: Stored) -> None:
    rows = read(stored.open(), "team", ["ARS", "LIV"], OF_TEAMS)
    fraction = {row.newest % 1 for place, row in rows.items() if place[0] == "club"}
    assert fraction <= {0.25, 0.0}
    assert int(rows["club", "ARS"].newest) == int(KNOWN_AT.timestamp())
    assert int(rows["rating", "ARS"].oldest) == int(KNOWN_AT.timestamp()) - DAY
    assert rows["club", "LIV"].oldest == rows["club", "LIV"].newest < rows["club", "ARS"].oldest


def test_known_entities_are_listed_by_kind(stored: Stored) -> None:
    async def listed(join_key: str, views: list[str]) -> list[Key]:
        store = stored.open()
        try:
            return await store.keys(join_key, views)
        finally:
            store.close()

    assert asyncio.run(listed("team", ["club", "rating"])) == sorted(TEAMS)
    assert asyncio.run(listed("team", ["rating"])) == ["ARS", "BOU", "LIV"]
    assert asyncio.run(listed("player", ["player_form"])) == sorted(PLAYERS, key=str)


def test_projects_do_not_mix(in_redis: Stored, server: Any, tmp_path: Path) -> None:
    write(tmp_path, feast_redis(server), "other_matchday")
    store = in_redis.open()
    assert asyncio.run(store.keys("team", ["club"])) == sorted(TEAMS)
    assert read(store, "team", ["ARS"], {}) == read(store, "team", [], OF_TEAMS) == {}
    assert len(read(RedisStore(store._connection.address, "other_matchday"), "team", TEAMS, OF_TEAMS)) == 8  # type: ignore[attr-defined]
    assert read(RedisStore(store._connection.address, "nothing"), "team", TEAMS, OF_TEAMS) == {}  # type: ignore[attr-defined]


def test_an_entity_takes_one_command_and_a_request_one_write(in_redis: Stored) -> None:
    store = in_redis.open()
    assert isinstance(store, RedisStore)

    async def watched() -> list[bytes]:
        await store.read("team", ["ARS"], OF_TEAMS)
        transport = store._connection._wire._transport  # type: ignore[union-attr]
        written: list[bytes] = []
        write_now = transport.write  # type: ignore[union-attr]
        transport.write = lambda data: (written.append(data), write_now(data))  # type: ignore[method-assign, union-attr, func-returns-value]
        await asyncio.gather(store.read("team", ["ARS", "LIV"], OF_TEAMS), store.read("player", [1, 2**62], OF_PLAYERS))
        return written

    written = asyncio.run(watched())
    assert [data.count(b"HMGET") for data in written] == [4]


@given(view=some.text(), feature=some.text(), project=some.text(), join_key=some.text(min_size=1), key=some.text())
def test_names_in_redis_are_feasts(view: str, feature: str, project: str, join_key: str, key: str) -> None:
    assert field_name(view, feature) == _mmh3(f"{view}:{feature}")
    assert time_name(view) == bytes(f"_ts:{view}", "utf8")
    entity = EntityKey(join_keys=[join_key], entity_values=[Value(string_val=key)])
    assert entity_key(join_key, key) + project.encode() == _redis_key(project, entity)


@given(seconds=some.integers(-62_135_596_800, 253_402_300_799), nanos=some.integers(0, 999_999_999))
def test_event_times_are_read_as_protobuf_reads_them(seconds: int, nanos: int) -> None:
    assert moment_of(Timestamp(seconds=seconds, nanos=nanos).SerializeToString()) == seconds + nanos / 1e9


@given(raw=some.binary(max_size=40))
def test_any_bytes_are_an_event_time_or_a_store_error(raw: bytes) -> None:
    with contextlib.suppress(StoreError):
        assert math.isfinite(moment_of(raw))


@given(raws=some.lists(some.sampled_from([Value(double_val=i).SerializeToString() for i in range(9)]), max_size=40))
def test_values_are_remembered_right_and_to_a_bound(raws: list[bytes]) -> None:
    values = Values(limit=5)
    assert [values[raw] for raw in raws] == [value_of(raw) for raw in raws]
    assert values[None] is None
    assert len(values) <= 5
    long = Value(string_val="x" * 100).SerializeToString()
    assert values[long] == "x" * 100
    assert long not in values
