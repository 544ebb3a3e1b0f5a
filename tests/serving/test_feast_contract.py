"""The bytes that Feast writes are read as Feast reads them. Fails when a new Feast changes its layout."""

import asyncio
import contextlib
import math
import sqlite3
from pathlib import Path

import pytest
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from hypothesis import given
from hypothesis import strategies as some

from matchday.feast_layout import entity_key, key_of, value_of
from serving.features.sqlite import SqliteStore
from serving.features.store import StoreError
from tests.serving.conftest import Online

VIEWS = {"team_form": ("points", "last_kickoff", "coach", "unbeaten"), "team_ratings": ("elo", "matches")}
ASKED = ["ARS", "BOU", "LIV", "MCI", "WHU", "XXX", "LIV"]
INT64 = some.integers(-(2**63), 2**63 - 1)


def same(ours: object, theirs: object) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float) and math.isnan(ours):
        return math.isnan(theirs)
    return ours == theirs and type(ours) is type(theirs)


def test_reader_equals_get_online_features_for_every_type_null_and_absent_entity(online: Online) -> None:
    references = [f"{view}:{name}" for view, names in VIEWS.items() for name in names]
    theirs = online.feast.get_online_features(references, [{"team": team} for team in ASKED]).to_dict()
    rows = asyncio.run(SqliteStore(online.path).read("team", ASKED, VIEWS))
    compared = 0
    for view, names in VIEWS.items():
        for name in names:
            for index, team in enumerate(ASKED):
                row = rows.get((view, team))
                ours = None if row is None else row.values.get(name)
                assert same(ours, theirs[name][index]), (view, name, team, ours, theirs[name][index])
                compared += ours is not None
    assert compared >= 25
    assert ("team_form", "WHU") not in rows
    assert ("team_ratings", "XXX") not in rows


def test_event_times_equal_those_of_get_online_features(online: Online) -> None:
    theirs = online.feast.get_online_features(["team_form:points"], [{"team": team} for team in ASKED[:4]])
    stamps = dict(zip(ASKED, theirs.proto.results[1].event_timestamps, strict=False))
    rows = asyncio.run(SqliteStore(online.path).read("team", ASKED[:4], {"team_form": ["points"]}))
    assert {team: rows["team_form", team].newest for team in ASKED[:4]} == {
        team: stamps[team].seconds for team in ASKED[:4]
    }
    assert len({row.oldest for row in rows.values()}) == 2


def test_known_entities_are_all_that_any_view_holds(online: Online) -> None:
    store = SqliteStore(online.path)
    assert asyncio.run(store.keys("team", VIEWS)) == ["ARS", "BOU", "LIV", "MCI", "WHU"]
    assert asyncio.run(store.keys("team", ["team_form"])) == ["ARS", "BOU", "LIV", "MCI"]


@given(join_key=some.text(min_size=1), key=some.text() | INT64)
def test_entity_keys_are_feasts_and_read_back(join_key: str, key: str | int) -> None:
    value = Value(string_val=key) if isinstance(key, str) else Value(int64_val=key)
    theirs = serialize_entity_key(EntityKey(join_keys=[join_key], entity_values=[value]), 3)
    assert entity_key(join_key, key) == theirs
    assert key_of(theirs, join_key) == key


@given(
    value=some.one_of(
        some.builds(lambda x: Value(int64_val=x), INT64),
        some.builds(lambda x: Value(int32_val=x), some.integers(-(2**31), 2**31 - 1)),
        some.builds(lambda x: Value(double_val=x), some.floats()),
        some.builds(lambda x: Value(float_val=x), some.floats(width=32)),
        some.builds(lambda x: Value(string_val=x), some.text()),
        some.builds(lambda x: Value(bytes_val=x), some.binary()),
        some.builds(lambda x: Value(bool_val=x), some.booleans()),
        some.builds(lambda x: Value(unix_timestamp_val=x), INT64.filter(lambda x: x != -(2**63))),
    )
)
def test_values_are_read_as_protobuf_reads_them(value: Value) -> None:
    kind = value.WhichOneof("val")
    assert kind is not None
    assert same(value_of(value.SerializeToString()), getattr(value, kind))


def test_every_null_of_feast_is_none() -> None:
    assert value_of(Value().SerializeToString()) is None
    assert value_of(Value(null_val=0).SerializeToString()) is None
    assert value_of(Value(unix_timestamp_val=-(2**63)).SerializeToString()) is None


@given(raw=some.binary(min_size=1, max_size=40))
def test_any_bytes_are_a_value_or_a_store_error(raw: bytes) -> None:
    with contextlib.suppress(StoreError):
        value_of(raw)


def test_lists_and_foreign_keys_are_refused_by_name() -> None:
    with pytest.raises(StoreError, match="type that is not served"):
        value_of(Value(int64_list_val={"val": [1]}).SerializeToString())
    with pytest.raises(StoreError, match="not one 'player' each"):
        key_of(entity_key("team", "ARS"), "player")


def test_missing_file_and_missing_table_are_said_plainly(tmp_path: Path, online: Online) -> None:
    with pytest.raises(StoreError, match=r"none\.db does not exist: materialise"):
        asyncio.run(SqliteStore(tmp_path / "none.db").read("team", ["ARS"], VIEWS))
    with pytest.raises(StoreError, match=r"has no table other_team_(form|ratings)"):
        asyncio.run(SqliteStore(online.path, "other").read("team", ["ARS"], VIEWS))
    (tmp_path / "noise.db").write_bytes(b"not a database at all, " * 100)
    with pytest.raises(StoreError, match="cannot be read"):
        asyncio.run(SqliteStore(tmp_path / "noise.db").keys("team", VIEWS))


def test_reader_follows_a_replaced_file_and_never_writes(tmp_path: Path, online: Online) -> None:
    path = tmp_path / "online.db"
    path.write_bytes(online.path.read_bytes())
    store = SqliteStore(path)
    assert len(asyncio.run(store.keys("team", VIEWS))) == 5
    fresh = tmp_path / "fresh.db"
    fresh.write_bytes(online.path.read_bytes())
    with sqlite3.connect(fresh) as writer:
        writer.execute("DELETE FROM matchday_team_ratings")
    writer.close()
    fresh.replace(path)
    assert asyncio.run(store.keys("team", VIEWS)) == ["ARS", "BOU", "LIV", "MCI"]
    with pytest.raises(StoreError, match="readonly"):
        store._run("DELETE FROM matchday_team_form", [])


def test_writer_in_the_middle_of_a_commit_is_waited_for_then_said(tmp_path: Path, online: Online) -> None:
    path = tmp_path / "online.db"
    path.write_bytes(online.path.read_bytes())
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="locked"):
        asyncio.run(SqliteStore(path).keys("team", VIEWS))
    writer.execute("ROLLBACK")
    writer.close()
    assert len(asyncio.run(SqliteStore(path).keys("team", VIEWS))) == 5
