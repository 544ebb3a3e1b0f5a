"""Feast with our stores: it writes the bytes that its own stores write, guarded, and reads nothing out of date."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import redis as client

from feature_repo import online
from feature_repo.error import FeatureStoreError
from feature_repo.writers import FeatureRow, WriteCounts, open_writer
from matchday.online_store import parse_online_store
from tests.services.processes import free_port
from tests.services.redis import RedisServer, redis_server
from tests.serving.features.conftest import KNOWN_AT, PLAYERS, TEAMS, VIEWS, Stored, write
from tests.serving.features.test_feast_stores import same

pytestmark = pytest.mark.services

DAY = timedelta(days=1)
NOON = datetime(2026, 5, 17, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("guarded"), password="p@ss") as running:
        yield running


def config(url: str, **options: Any) -> dict[str, Any]:
    """Feast's `online_store` section for our store at this address."""
    address = parse_online_store(url)
    return (online.sqlite(address).config if isinstance(address, Path) else online.redis(address)) | options


def urls(server: RedisServer, folder: Path) -> dict[str, str]:
    return {"redis": server.url, "sqlite": f"sqlite:///{folder / 'guarded.db'}"}


@pytest.fixture(scope="module", params=["redis", "sqlite"])
def guarded(request: pytest.FixtureRequest, server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """Values of every type, written by Feast through our stores."""
    folder = tmp_path_factory.mktemp("feast")
    url = urls(server, folder)[request.param]
    return Stored(write(folder, config(url)), url)


def test_feast_and_the_server_read_what_was_written(guarded: Stored) -> None:
    for join_key, keys, views in (("team", TEAMS, ("club", "rating")), ("player", PLAYERS, ("player_form",))):
        theirs = guarded.values(join_key, [*keys], [*views])
        with closing(guarded.open()) as store:
            rows = asyncio.run(store.read(join_key, keys, {view: VIEWS[view] for view in views}))
        for (view, name), values in theirs.items():
            for key, value in zip(keys, values, strict=True):
                row = rows.get((view, key))
                ours = None if row is None else row.values[name]  # noqa: PD011
                assert same(ours, value), (view, name, key)


def test_feast_and_the_server_read_what_our_writers_wrote(guarded: Stored) -> None:
    later = KNOWN_AT.timestamp() + 3600
    rows = [
        FeatureRow(
            "club", "team", "ARS", later, 3, {"float64": -0.0, "int64": -(2**63), "string": "Ødegaard", "bool": False}
        ),
        FeatureRow("club", "team", "LIV", later, 0, {"float64": float("nan"), "int64": 0, "string": "", "bool": None}),
        FeatureRow("rating", "team", "MCI", 0.0, 0, {"elo": 1500.5}),
    ]
    with closing(open_writer(parse_online_store(guarded.url))) as writer:
        assert writer.write(rows) == WriteCounts(written=3)
        assert writer.write([rows[0]._replace(event_time=later - 1, values={"float64": 1.0})]) == WriteCounts(older=1)
    theirs = guarded.values("team", ["ARS", "LIV", "MCI"], ["club", "rating"])
    assert theirs["club", "string"][:2] == ["Ødegaard", ""]
    assert theirs["club", "float32"][:2] == [None, None], "a row is replaced whole"
    assert theirs["rating", "elo"][2] == 1500.5
    with closing(guarded.open()) as store:
        ours = asyncio.run(
            store.read("team", ["ARS", "LIV", "MCI"], {view: VIEWS[view] for view in ("club", "rating")})
        )
    for (view, name), values in theirs.items():
        for team, value in zip(("ARS", "LIV", "MCI"), values, strict=True):
            assert same(ours[view, team].values[name], value), (view, name, team)  # noqa: PD011


def test_in_redis_the_fields_are_those_of_feasts_own_store(server: RedisServer, tmp_path: Path) -> None:
    write(tmp_path, {"type": "redis", "connection_string": server.connection_string}, "plain")
    write(tmp_path, config(server.url), "guarded")
    with client.Redis.from_url(server.url) as redis:
        hashes: dict[str, dict[bytes, Any]] = {
            project: {
                key.removesuffix(project.encode()): {
                    field: value for field, value in redis.hgetall(key).items() if not field.startswith(b"_row:")
                }
                for key in redis.scan_iter(match=b"*" + project.encode(), _type="hash")
            }
            for project in ("plain", "guarded")
        }
    assert hashes["plain"] == hashes["guarded"]
    assert len(hashes["plain"]) == len(TEAMS) + len(PLAYERS)


def test_in_sqlite_the_lines_are_those_of_feasts_own_store(tmp_path: Path) -> None:
    plain, guarded = tmp_path / "plain.db", tmp_path / "guarded.db"
    write(tmp_path, {"type": "sqlite", "path": str(plain)})
    write(tmp_path, config(str(guarded)))
    for view in VIEWS:
        lines = []
        for path in (plain, guarded):
            with closing(sqlite3.connect(path)) as file:
                lines.append(
                    file.execute(
                        "SELECT entity_key, feature_name, value, value_text, vector_value, event_ts"
                        f" FROM matchday_{view} ORDER BY 1, 2"
                    ).fetchall()
                )
        assert lines[0] == lines[1] != []


@pytest.fixture(params=["redis", "sqlite"])
def url(request: pytest.FixtureRequest, server: RedisServer, tmp_path: Path) -> str:
    with client.Redis.from_url(server.url) as redis:
        redis.flushall()
    return urls(server, tmp_path)[request.param]


def feast(folder: Path, section: dict[str, Any], created: bool = False) -> Any:
    """A feature store with one view of teams, `form`, whose rows are out of date after a day."""
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, PushSource, RepoConfig, ValueType
    from feast.types import Float64

    path = folder / "form.parquet"
    frame(0.0).to_parquet(path)
    source = FileSource(
        name="form_file", path=str(path), timestamp_field="at", created_timestamp_column="created" if created else ""
    )
    team = Entity(name="team", join_keys=["team"], value_type=ValueType.STRING)
    view = FeatureView(
        name="form",
        entities=[team],
        ttl=DAY,
        schema=[Field(name="points", dtype=Float64)],
        source=PushSource(name="form_push", batch_source=source),
    )
    store = FeatureStore(
        config=RepoConfig(
            project="matchday",
            provider="local",
            registry=str(folder / "registry.db"),
            online_store=section,
            entity_key_serialization_version=3,
        )
    )
    store.apply([team, view])
    return store


def frame(points: float, at: datetime = NOON, created: datetime = NOON) -> pd.DataFrame:
    return pd.DataFrame({"team": ["ARS"], "points": [points], "at": [at], "created": [created]}).astype(
        {"at": "datetime64[us, UTC]", "created": "datetime64[us, UTC]"}
    )


def points(store: Any) -> list[float | None]:
    found = store.get_online_features(["form:points"], [{"team": "ARS"}, {"team": "nobody"}]).to_dict()
    assert found.keys() == {"team", "points"}
    assert found["points"][1] is None
    return found["points"][:1]  # type: ignore[no-any-return]


def test_a_push_of_feast_obeys_the_law(url: str, tmp_path: Path) -> None:
    store = feast(tmp_path, config(url, as_of=NOON.timestamp()), created=True)
    for row, expected in (
        (frame(1.0), 1.0),
        (frame(2.0, NOON - DAY / 2), 1.0),
        (frame(3.0, created=NOON + DAY), 3.0),
        (frame(4.0, created=NOON), 3.0),
        (frame(5.0, NOON + timedelta(seconds=1), created=NOON - DAY), 5.0),
    ):
        store.push("form_push", row)
        assert points(store) == [expected]


def test_the_revision_of_feasts_row_is_its_created_timestamp_in_milliseconds(url: str, tmp_path: Path) -> None:
    store = feast(tmp_path, config(url, as_of=NOON.timestamp()), created=True)
    store.push("form_push", frame(1.0))
    moment = round(NOON.timestamp() * 1000)
    with closing(open_writer(parse_online_store(url))) as writer:
        row = FeatureRow("form", "team", "ARS", NOON.timestamp(), moment - 1, {"points": 2.0})
        assert writer.write([row]) == WriteCounts(older=1)
        assert writer.write([row._replace(revision=moment + 1)]) == WriteCounts(written=1)
    assert points(store) == [2.0]


def test_a_row_is_read_until_it_is_as_old_as_its_ttl(url: str, tmp_path: Path) -> None:
    feast(tmp_path, config(url)).push("form_push", frame(1.0))
    for age, expected in ((DAY, 1.0), (DAY + timedelta(seconds=1), None), (timedelta(), 1.0)):
        store = feast(tmp_path, config(url, as_of=(NOON + age).timestamp()))
        assert points(store) == [expected]
        view = store.get_feature_view("form")
        [(moment, values)] = store._get_provider().online_read(store.config, view, entity_keys("ARS"), ["points"])
        assert (moment is None) is (values is None) is (expected is None)
    assert points(feast(tmp_path, config(url))) == [None], "by the clock, it is older"


def test_ages_are_looked_at_in_asynchronous_reads_too(server: RedisServer, tmp_path: Path) -> None:
    async def read(store: Any) -> list[float | None]:
        await store.initialize()
        try:
            found = await store.get_online_features_async(["form:points"], [{"team": "ARS"}])
        finally:
            await store.close()
        return found.to_dict()["points"]  # type: ignore[no-any-return]

    store = feast(tmp_path, config(server.url))
    asyncio.run(store.push_async("form_push", frame(1.0)))
    for age, expected in ((DAY, 1.0), (DAY + timedelta(seconds=1), None)):
        assert asyncio.run(read(feast(tmp_path, config(server.url, as_of=(NOON + age).timestamp())))) == [expected]


def entity_keys(*teams: str) -> list[Any]:
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    return [EntityKey(join_keys=["team"], entity_values=[Value(string_val=team)]) for team in teams]


def test_feast_reads_the_file_that_a_refill_has_put_there(tmp_path: Path) -> None:
    path, draft = tmp_path / "online.db", tmp_path / "draft.db"
    store = feast(tmp_path, config(str(path), as_of=NOON.timestamp()))
    store.push("form_push", frame(1.0))
    assert points(store) == [1.0]
    with closing(open_writer(draft)) as writer:
        writer.write([FeatureRow("form", "team", "ARS", NOON.timestamp(), 0, {"points": 2.0})])
    draft.replace(path)
    assert points(store) == [2.0]


def test_a_store_that_refuses_a_push_is_named(tmp_path: Path, server: RedisServer) -> None:
    nobody = f"redis://:secret@127.0.0.1:{free_port()}/0?socket_connect_timeout=0.1"
    store = feast(tmp_path, config(server.url))
    store.config.online_store.connection_string = online.redis(parse_online_store(nobody))["connection_string"]  # type: ignore[arg-type]
    with pytest.raises(FeatureStoreError, match=r"redis://127\.0\.0\.1:\d+/0 refuses") as refused:
        store.push("form_push", frame(1.0))
    assert "secret" not in str(refused.value)
