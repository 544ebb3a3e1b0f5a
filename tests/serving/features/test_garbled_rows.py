"""A row whose bytes are not Feast's harms its own entity alone; readiness reads one row, whatever else Redis holds."""

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from matchday.feast_layout import entity_key, field_name, time_name
from matchday.online_store import directory_key
from serving.endpoint import Endpoint
from serving.features import open_store
from serving.features.cache import CachedStore
from serving.features.store import OnlineStore
from serving.model import load
from serving.protocol import v2
from serving.protocol.errors import Refusal, Unavailable
from tests.services.redis import RedisServer, redis_server
from tests.serving.conftest import Online, match

pytestmark = pytest.mark.services

VIEWS = {"team_ratings": ("elo",), "team_form": ("points", "last_kickoff")}
NAMES = ("ARS", "BOU", "LIV", "MCI")
MOMENT = b"\x08" + bytes([0x80 | 0x00, 0x01])
"""Second 128 of Unix time, as a `google.protobuf.Timestamp`."""


def key(name: str) -> bytes:
    return entity_key("team", name) + b"matchday"


def fill(client: "redis.Redis[bytes]") -> None:
    """Rows as Feast writes them: doubles, and an integer for the last kick-off."""
    client.flushall()
    for name in NAMES:
        row: dict[bytes, bytes] = {time_name(view): MOMENT for view in VIEWS}
        row[field_name("team_ratings", "elo")] = b"\x29" + b"\0" * 6 + b"\x59\x40"
        row[field_name("team_form", "points")] = b"\x29" + b"\0" * 6 + b"\x14\x40"
        row[field_name("team_form", "last_kickoff")] = b"\x20\x05"
        client.hset(key(name), mapping=row)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("garbled")) as running:
        yield running


@pytest.fixture
def client(server: RedisServer) -> "Iterator[redis.Redis[bytes]]":
    with redis.Redis(port=server.port) as client:
        fill(client)
        yield client


def play(
    server: RedisServer, bundle: Path, story: Callable[[Endpoint, Any], Awaitable[None]], fresh: float = 0.0
) -> None:
    """A story with an endpoint on this Redis, whose rows are read anew each time."""

    async def scene() -> None:
        store = CachedStore(open_store(server.url), max_age_s=fresh)
        try:
            await story(Endpoint(load(bundle, "12"), store), store)
        finally:
            store.close()

    asyncio.run(scene())


async def answer(endpoint: Endpoint, home: str = "ARS", away: str = "LIV") -> tuple[list[float], dict[str, Any]]:
    body = json.dumps(match(home, away)).encode()
    response = await endpoint.infer(v2.parse(body))
    return response.outputs[0].values.ravel().tolist(), dict(response.parameters)  # type: ignore[union-attr]


GARBAGE: dict[str, Callable[[Any], None]] = {
    "a value cut short": lambda c: c.hset(key("BOU"), field_name("team_ratings", "elo"), b"\x29\0"),
    "a value of no type": lambda c: c.hset(key("BOU"), field_name("team_ratings", "elo"), b"\xff\xfe\xfd"),
    "a time that is none": lambda c: c.hset(key("BOU"), time_name("team_ratings"), b"tomorrow"),
    "a time beyond time": lambda c: c.hset(key("BOU"), time_name("team_ratings"), b"\x08" + b"\xff" * 8 + b"\x01"),
    "a text in place of a hash": lambda c: (c.delete(key("BOU")), c.set(key("BOU"), "foreign")),
    "a list in place of a hash": lambda c: (c.delete(key("BOU")), c.lpush(key("BOU"), "foreign")),
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_garbled_row_harms_its_own_entity_alone(
    server: RedisServer, client: "redis.Redis[bytes]", bundle: Path, garbage: str
) -> None:
    async def story(endpoint: Endpoint, store: CachedStore) -> None:
        before = await answer(endpoint)
        last_known = await answer(endpoint, "BOU")
        assert "degraded" not in last_known[1]
        GARBAGE[garbage](client)
        for _ in range(3):
            assert await answer(endpoint) == before, "others are answered as before, and fresh"
            await endpoint.check_ready()
        values, parameters = await answer(endpoint, "BOU")
        assert values == last_known[0], "the last row that could be read stands in"
        assert parameters["degraded"] is True and parameters["features_age_seconds"] > 0
        fill(client)
        assert await answer(endpoint, "BOU") == last_known

    play(server, bundle, story)


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_row_that_was_always_garbled_counts_as_missing(
    server: RedisServer, client: "redis.Redis[bytes]", bundle: Path, garbage: str
) -> None:
    GARBAGE[garbage](client)

    async def story(endpoint: Endpoint, store: CachedStore) -> None:
        await endpoint.check_ready()
        values, parameters = await answer(endpoint, "BOU")
        assert sum(values) == pytest.approx(1, abs=1e-5)
        assert parameters["degraded"] is True
        assert parameters["unreadable_rows"] in (1, 2) and parameters["missing_features"] > 0
        assert "degraded" not in (await answer(endpoint))[1]

    play(server, bundle, story)


def test_every_row_garbled_is_not_ready(server: RedisServer, client: "redis.Redis[bytes]", bundle: Path) -> None:
    for name in NAMES:
        client.hset(key(name), field_name("team_ratings", "elo"), b"\xff")

    async def story(endpoint: Endpoint, store: CachedStore) -> None:
        with pytest.raises(Unavailable, match="team_ratings:elo missing"):
            await endpoint.check_ready()

    play(server, bundle, story)


def test_a_text_for_a_number_harms_its_own_entity_alone(
    server: RedisServer, client: "redis.Redis[bytes]", bundle: Path
) -> None:
    async def story(endpoint: Endpoint, store: CachedStore) -> None:
        before = await answer(endpoint)
        client.hset(key("BOU"), field_name("team_ratings", "elo"), TEXT)
        await endpoint.check_ready()
        assert await answer(endpoint) == before
        both = v2.parse(json.dumps({"inputs": [column("home", "ARS", "BOU"), column("away", "LIV", "MCI")]}).encode())
        response = await endpoint.infer(both)
        assert response.outputs[0].values[0].tolist() == before[0]
        parameters = response.parameters
        assert (parameters["degraded"], parameters["unreadable_rows"], parameters["missing_features"]) == (True, 1, 1)
        for name in NAMES:
            client.hset(key(name), field_name("team_ratings", "elo"), TEXT)
        with pytest.raises(Unavailable, match="team_ratings:elo missing"):
            await endpoint.check_ready()

    play(server, bundle, story)


def column(name: str, *values: str) -> dict[str, Any]:
    return {"name": name, "shape": [len(values)], "datatype": "BYTES", "data": list(values)}


TEXT = b"\x12\x04high"
"""A text as Feast writes it."""


def calls(client: "redis.Redis[bytes]") -> dict[str, int]:
    stats: dict[str, Any] = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): int(stat["calls"]) for name, stat in stats.items()}


@pytest.mark.parametrize("directory", [True, False])
def test_readiness_costs_one_read_among_a_hundred_thousand_foreign_keys(
    server: RedisServer, client: "redis.Redis[bytes]", bundle: Path, directory: bool
) -> None:
    pipeline = client.pipeline(transaction=False)
    for number in range(100_000):
        pipeline.set(f"session:{number}", b"x")
    pipeline.execute()
    client.set(entity_key("team", "F") + b"\xffmatchday", b"of others")
    if directory:
        client.sadd(directory_key("matchday", "team"), *(entity_key("team", name) for name in NAMES))

    async def story(endpoint: Endpoint, store: CachedStore) -> None:
        client.config_resetstat()
        await endpoint.check_ready()
        first = calls(client)
        assert ("scan" in first) is not directory
        client.config_resetstat()
        for _ in range(10):
            await endpoint.check_ready()
        assert calls(client)["hmget"] == 10
        assert not calls(client).keys() & {"scan", "keys", "smembers"}
        with pytest.raises(Refusal, match="unknown team 'ZZZ': known are ARS, BOU, LIV, MCI"):
            await answer(endpoint, "ZZZ")
        with pytest.raises(Refusal, match="unknown team 'ZZZ"):
            await answer(endpoint, "ZZZ" * 10_000)
        assert "scan" not in calls(client), "what was listed for readiness is used again"

    play(server, bundle, story)


def test_of_a_file_too_a_garbled_row_harms_its_own_entity_alone(online: Online, tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    path.write_bytes(online.path.read_bytes())
    with sqlite3.connect(path) as file:
        where = (entity_key("team", "ARS"),)
        file.execute("UPDATE matchday_team_form SET value = x'ff' WHERE entity_key = ?", where)
        file.execute("UPDATE matchday_team_ratings SET event_ts = 1e300 WHERE entity_key = ?", where)
        file.execute(
            "INSERT INTO matchday_team_form (entity_key, feature_name, value, event_ts)"
            " VALUES (x'ffff', 'points', x'ff', 1)"
        )
    file.close()

    async def scene(store: OnlineStore) -> None:
        rows = await store.read("team", ["ARS", "LIV"], VIEWS)
        assert set(rows) == {(view, "LIV") for view in VIEWS}
        assert set(rows.unreadable) == {(view, "ARS") for view in VIEWS}
        assert await store.keys("team", VIEWS) == ["ARS", "BOU", "LIV", "MCI", "WHU"]
        store.close()

    asyncio.run(scene(open_store(str(path))))
