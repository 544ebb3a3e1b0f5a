"""What is Redis's own: the script, the list of entities, and servers that refuse."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis as client

from feature_repo.error import FeatureStoreError
from feature_repo.writers import FeatureRow, WriteCounts, open_writer
from feature_repo.writers.mark import mark_name
from matchday.feast_layout import encode_moment, encode_value, entity_key, field_name, time_name
from matchday.online_store import RedisAddress, directory_key
from tests.feature_repo.writers.conftest import Place, new_project
from tests.services.processes import free_port
from tests.services.redis import RedisServer, redis_server

pytestmark = pytest.mark.services

NOON = 1_780_000_000.0


def form(team: str, at: float = NOON, revision: int = 0, points: float = 1.0) -> FeatureRow:
    return FeatureRow("team_form", "team", team, at, revision, {"points": points})


@pytest.fixture
def redis(writers_redis: RedisServer) -> "Iterator[client.Redis[bytes]]":
    with client.Redis.from_url(writers_redis.url) as connection:
        yield connection


def write_as_feast(redis: "client.Redis[bytes]", project: str, team: str, at: float, points: float) -> None:
    """A row of which our writers know nothing."""
    fields = {time_name("team_form"): encode_moment(at), field_name("team_form", "points"): encode_value(points)}
    redis.hset(entity_key("team", team) + project.encode(), mapping=fields)  # type: ignore[arg-type]


def held(redis: "client.Redis[bytes]", project: str, team: str) -> tuple[bytes | None, bytes | None]:
    """Event time and points of a team."""
    key = entity_key("team", team) + project.encode()
    time, points = redis.hmget(key, [time_name("team_form"), field_name("team_form", "points")])  # type: ignore[list-item]
    return time, points


def test_a_script_that_the_server_has_forgotten_is_given_again(in_redis: Place, redis: "client.Redis[bytes]") -> None:
    project = new_project()
    with closing(in_redis.writer(project)) as writer:
        writer.write([form("ARS")])
        redis.script_flush()
        assert writer.write([form(team) for team in ("ARS", "LIV", "MCI")]) == WriteCounts(written=2, unchanged=1)


def test_many_rows_take_several_pipelines(in_redis: Place, redis: "client.Redis[bytes]") -> None:
    project = new_project()
    with closing(in_redis.writer(project)) as writer:
        assert writer.write(form(f"T{number}") for number in range(1234)) == WriteCounts(written=1234)
    assert redis.scard(directory_key(project, "team")) == 1234


def test_the_directory_names_also_what_feast_alone_has_written(in_redis: Place, redis: "client.Redis[bytes]") -> None:
    project = new_project()
    write_as_feast(redis, project, "ARS", NOON, 1.0)
    write_as_feast(redis, "other" + project, "WHU", NOON, 1.0)
    with closing(in_redis.writer(project)) as writer:
        writer.write([form("LIV")])
    assert redis.smembers(directory_key(project, "team")) == {entity_key("team", team) for team in ("ARS", "LIV")}

    async def listed() -> list[str | int]:
        with closing(in_redis.reader(project)) as store:
            return await store.keys("team", ["team_form"])

    assert asyncio.run(listed()) == ["ARS", "LIV"]


def test_a_row_of_feast_alone_has_revision_0(in_redis: Place, redis: "client.Redis[bytes]") -> None:
    project = new_project()
    with closing(in_redis.writer(project)) as writer:
        writer.write([form("ARS", NOON, revision=9)])
        write_as_feast(redis, project, "ARS", NOON + 60, 2.0)
        assert writer.write([form("ARS", NOON, revision=10)]) == WriteCounts(older=1)
        assert writer.write([form("ARS", NOON + 60, points=2.0)]) == WriteCounts(unchanged=1)
        assert writer.write([form("ARS", NOON + 60, revision=1, points=3.0)]) == WriteCounts(written=1)
    assert held(redis, project, "ARS") == (encode_moment(NOON + 60), encode_value(3.0))


@pytest.mark.parametrize("garbage", [b"tomorrow", b"\x08", b"\x08" + b"\xff" * 11])
def test_a_row_whose_event_time_nobody_can_read_is_replaced(
    in_redis: Place, redis: "client.Redis[bytes]", garbage: bytes
) -> None:
    project = new_project()
    redis.hset(entity_key("team", "ARS") + project.encode(), time_name("team_form"), garbage)  # type: ignore[arg-type]
    with closing(in_redis.writer(project)) as writer:
        assert writer.write([form("ARS", -5.5)]) == WriteCounts(written=1)
    assert held(redis, project, "ARS") == (encode_moment(-5.5), encode_value(1.0))


def test_a_value_that_was_lost_is_written_again(in_redis: Place, redis: "client.Redis[bytes]") -> None:
    project = new_project()
    with closing(in_redis.writer(project)) as writer:
        writer.write([form("ARS")])
        redis.hdel(entity_key("team", "ARS") + project.encode(), field_name("team_form", "points"))  # type: ignore[arg-type]
        assert writer.write([form("ARS")]) == WriteCounts(written=1)


def test_without_memory_no_row_is_half_there(tmp_path: Path) -> None:
    with (
        redis_server(tmp_path) as server,
        client.Redis(port=server.port) as redis,
        closing(open_writer(RedisAddress("127.0.0.1", server.port))) as writer,
    ):
        writer.write([form("ARS")])
        redis.config_set("maxmemory", "1")
        before = redis.hgetall(entity_key("team", "ARS") + b"matchday")
        with pytest.raises(FeatureStoreError, match="maxmemory"):
            writer.write([form("ARS", NOON + 1), form("LIV")])
        assert redis.hgetall(entity_key("team", "ARS") + b"matchday") == before
        assert not redis.exists(entity_key("team", "LIV") + b"matchday")
        redis.config_set("maxmemory", "0")
        assert writer.write([form("ARS", NOON + 1), form("LIV")]) == WriteCounts(written=2)


def test_a_server_that_was_started_again_empty_is_filled_again(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        with closing(open_writer(RedisAddress("127.0.0.1", server.port))) as writer:
            writer.write([form("ARS")])
            server.kill()
            server.start()
            assert writer.write([form("ARS")]) == WriteCounts(written=1)
        with client.Redis(port=server.port) as redis:
            assert redis.smembers(directory_key("matchday", "team")) == {entity_key("team", "ARS")}
            assert redis.hexists(entity_key("team", "ARS") + b"matchday", mark_name("team_form"))  # type: ignore[arg-type]


def test_a_server_that_refuses_is_named_without_its_password(writers_redis: RedisServer) -> None:
    for address in (
        RedisAddress("127.0.0.1", writers_redis.port, password="secret"),
        RedisAddress("127.0.0.1", writers_redis.port),
        RedisAddress("127.0.0.1", free_port(), password="secret"),
    ):
        with closing(open_writer(address)) as writer:
            for act in (lambda: writer.write([form("ARS")]), writer.count_refills):
                with pytest.raises(FeatureStoreError, match=r"redis://127\.0\.0\.1:\d+/0 refuses") as refused:
                    act()
                assert "secret" not in str(refused.value)
