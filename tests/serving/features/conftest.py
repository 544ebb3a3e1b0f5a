"""Real Feast stores of both kinds, with entities of both kinds and values of every type."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from serving.features import open_store
from serving.features.store import OnlineStore
from tests.services.redis import RedisServer, redis_server

KNOWN_AT = pd.Timestamp("2026-05-17T18:00:00.250Z")
EARLIER = KNOWN_AT - timedelta(days=1)
TEAMS = ("ARS", "BOU", "LIV", "MCI", "Brighton & Hove Albion ⚽")
PLAYERS = (118748, 1, 2**62, -5)
DAY = 86_400


def club() -> pd.DataFrame:
    """One column for each type; BOU has no value at all."""
    moments = [pd.Timestamp("2026-05-17T15:00:00Z"), None, pd.Timestamp(0, tz="UTC"), KNOWN_AT.floor("s"), EARLIER]
    return pd.DataFrame(
        {
            "team": list(TEAMS),
            "float64": [1900.5, None, -0.0, 1e-300, float("inf")],
            "float32": pd.array([0.1, None, -2.5, 0.0, 3e38], dtype="Float32"),
            "int64": pd.array([2**62, None, 0, -1, 127], dtype="Int64"),
            "int32": pd.array([2**31 - 1, None, 0, -(2**31), 128], dtype="Int32"),
            "string": ["Arteta", None, "", "Pép\r\n$5\r\n", "x" * 300],
            "bool": pd.array([True, None, False, True, False], dtype="boolean"),
            "bytes": [b"\x00\r\n\xff", None, b"", b"*1\r\n", b"\n" * 200],
            "moment": moments,
            "event_timestamp": [KNOWN_AT, KNOWN_AT, EARLIER, KNOWN_AT, KNOWN_AT],
        }
    )


def rating() -> pd.DataFrame:
    """Known for three teams only."""
    return pd.DataFrame({"team": list(TEAMS[:3]), "elo": [1.5, 2.5, 3.5], "event_timestamp": [EARLIER] * 3})


def player() -> pd.DataFrame:
    """Entities that are numbers."""
    return pd.DataFrame(
        {
            "player": list(PLAYERS),
            "minutes": pd.array([90, 0, None, 45], dtype="Int64"),
            "points": [7.5, None, 0.0, -1.0],
            "event_timestamp": [KNOWN_AT, EARLIER, KNOWN_AT, KNOWN_AT],
        }
    )


FRAMES = {"club": club, "rating": rating, "player_form": player}
VIEWS = {
    "club": ("float64", "float32", "int64", "int32", "string", "bool", "bytes", "moment"),
    "rating": ("elo",),
    "player_form": ("minutes", "points"),
}


@dataclass(frozen=True)
class Stored:
    """What Feast wrote, that Feast, and the address of it."""

    feast: Any
    url: str

    def open(self) -> OnlineStore:
        return open_store(self.url, "matchday")

    def values(self, join_key: str, keys: list[Any], views: list[str]) -> dict[tuple[str, str], list[Any]]:
        """What `get_online_features` gives: (view, feature) -> a value for each key."""
        references = [f"{view}:{name}" for view in views for name in VIEWS[view]]
        rows = [{join_key: key} for key in keys]
        found = self.feast.get_online_features(references, rows, full_feature_names=True).to_dict()
        return {(view, name): found[f"{view}__{name}"] for view in views for name in VIEWS[view]}


def write(root: Path, online_store: dict[str, Any], project: str = "matchday") -> Any:
    """A feature store with everything in it: `player_form` materialised from its source, the others written."""
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.types import Bool, Bytes, Float32, Float64, Int32, Int64, String, UnixTimestamp

    store = FeatureStore(
        config=RepoConfig(
            project=project,
            provider="local",
            registry=str(root / f"{project}.db"),
            online_store=online_store,
            offline_store={"type": "duckdb"},
            entity_key_serialization_version=3,
        )
    )
    team = Entity(name="team", join_keys=["team"], value_type=ValueType.STRING)
    person = Entity(name="player", join_keys=["player"], value_type=ValueType.INT64)
    types = (Float64, Float32, Int64, Int32, String, Bool, Bytes, UnixTimestamp)
    fields = {
        "club": (team, {"team": String, **dict(zip(VIEWS["club"], types, strict=True))}),
        "rating": (team, {"team": String, "elo": Float64}),
        "player_form": (person, {"player": Int64, "minutes": Int64, "points": Float64}),
    }
    views = []
    for name, (entity, schema) in fields.items():
        path = root / f"{name}.parquet"
        FRAMES[name]().astype({"event_timestamp": "datetime64[us, UTC]"}).to_parquet(path)
        source = FileSource(name=f"{name}_source", path=str(path), timestamp_field="event_timestamp")
        schemas = [Field(name=field, dtype=kind) for field, kind in schema.items()]
        views.append(FeatureView(name=name, entities=[entity], schema=schemas, source=source, ttl=timedelta(0)))
    store.apply([team, person, *views])
    store.write_to_online_store("club", club())
    store.write_to_online_store("rating", rating())
    store.materialize(EARLIER - timedelta(days=1), KNOWN_AT + timedelta(days=1), feature_views=["player_form"])
    return store


def feast_redis(server: RedisServer) -> dict[str, Any]:
    """Feast's setting for this server."""
    return {"type": "redis", "connection_string": server.connection_string}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis with a password, for reading; not to be stopped."""
    with redis_server(tmp_path_factory.mktemp("redis"), password="p@ss/word:1") as running:
        yield running


@pytest.fixture(scope="session")
def in_redis(server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return Stored(write(tmp_path_factory.mktemp("feast-redis"), feast_redis(server)), server.url)


@pytest.fixture(scope="session")
def in_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    root = tmp_path_factory.mktemp("feast-sqlite")
    path = root / "online.db"
    return Stored(write(root, {"type": "sqlite", "path": str(path)}), f"sqlite:///{path}")


@pytest.fixture(params=["redis", "sqlite"])
def stored(request: pytest.FixtureRequest) -> Stored:
    """Either kind of store."""
    return request.getfixturevalue(f"in_{request.param}")
