"""Redis holds what the embedded store holds: every team as known at one moment, and nothing else, at any time."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis as client
from feast import FeatureStore

from feature_repo import staging
from feature_repo.error import FeatureStoreError
from feature_repo.materialise import materialise
from feature_repo.online import PROJECT
from feature_repo.staging import LIFE_SECONDS, Staging
from feature_repo.store import open_store
from matchday import history
from matchday.feast_layout import entity_key
from matchday.features.tables import TABLES
from matchday.lake import Lake
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.packaging import describe
from matchday.online_store import RedisAddress, directory_key
from matchday.settings import Settings
from serving.features import open_store as open_reader
from serving.features.store import Rows
from serving.vector import lookups
from tests import league
from tests.services.processes import free_port
from tests.services.redis import RedisServer, redis_server

pytestmark = pytest.mark.services

SEASONS = ("2425", "2526")
BEFORE, WINTER, SPRING = (datetime(*day, tzinfo=UTC) for day in ((2025, 4, 1), (2025, 12, 24), (2026, 4, 1)))
PASSWORD = '1e5,"p@ss"=/:#'
"""What Feast would read as a number, as two options, or as JSON."""

DIRECTORY = directory_key(PROJECT, "team")
OWN_KEYS = {staging.COUNTER.encode(), DIRECTORY.encode(), directory_key(PROJECT, "player").encode()}
"""Keys that are no rows."""

(LOOKUP,) = lookups(describe(MATCH_OUTCOME, "f00d", SPRING.isoformat()))


@dataclass(frozen=True)
class Built:
    """A lake with feature tables, and their fingerprint."""

    lake: Lake
    features: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    for table, rows in zip(TABLES, league.feature_tables(), strict=True):
        lake.write(table, rows[rows["season"].isin(SEASONS)])
    return Built(lake, history.fingerprint(lake, TABLES))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis"), password=PASSWORD) as running:
        yield running


@pytest.fixture
def redis(server: RedisServer) -> Iterator[client.Redis]:
    """The server, empty."""
    with client.Redis.from_url(server.url) as connection:
        connection.flushall()
        yield connection


@pytest.fixture
def settings(server: RedisServer, redis: client.Redis, home: Path) -> Settings:
    return Settings(home=home, MATCHDAY_ONLINE_STORE=server.url)


def read(url: str) -> Rows:
    """Every team that the server's own reader finds."""

    async def all_rows() -> Rows:
        store = open_reader(url)
        try:
            return await store.read(LOOKUP.join_key, await store.keys(LOOKUP.join_key, LOOKUP.views), LOOKUP.views)
        finally:
            store.close()

    return asyncio.run(all_rows())


def embedded(built: Built, folder: Path, moment: datetime) -> Rows:
    """What the embedded store holds as of a moment."""
    file = folder / f"{moment:%Y%m%d}.db"
    materialise(Settings(home=folder, MATCHDAY_ONLINE_STORE=str(file)), built.lake, built.features, moment)
    return read(str(file))


def test_back_and_forth_in_time_redis_holds_what_the_embedded_store_holds(
    built: Built, settings: Settings, redis: client.Redis, tmp_path: Path
) -> None:
    held = {moment: embedded(built, tmp_path, moment) for moment in (BEFORE, WINTER, SPRING)}
    teams = {moment: {team for _, team in rows} for moment, rows in held.items()}
    assert {len(names) for names in teams.values()} == {20}
    assert teams[BEFORE] != teams[WINTER], "three clubs go down and three come up"
    for moment in (WINTER, SPRING, WINTER, BEFORE, SPRING):
        materialise(settings, built.lake, built.features, moment)
        assert read(settings.online_store) == held[moment]
    assert {redis.ttl(key) for key in redis.scan_iter()} == {-1}, "nothing that is served runs out"


def test_feast_reads_it_back(built: Built, settings: Settings) -> None:
    materialise(settings, built.lake, built.features, WINTER)
    store = open_store(settings, WINTER)
    service = store.get_feature_service(MATCH_OUTCOME.feature_service)
    found = store.get_online_features(service, [{"home": "ARS", "away": "LIV"}], full_feature_names=True).to_dict()
    rows = read(settings.online_store)
    assert found["home__team_strength__attack"] == [rows["team_strength", "ARS"].values["attack"]]
    assert found["away__team_strength__defence"] == [rows["team_strength", "LIV"].values["defence"]]


def test_a_row_is_mended_although_its_moment_is_the_same(built: Built, settings: Settings, redis: client.Redis) -> None:
    materialise(settings, built.lake, built.features, WINTER)
    whole = read(settings.online_store)
    for key in redis.scan_iter(match=b"*ARS*"):
        for field in redis.hkeys(key):
            if not field.startswith(b"_ts:"):
                redis.hdel(key, field)
    assert read(settings.online_store) != whole
    materialise(settings, built.lake, built.features, WINTER)
    assert read(settings.online_store) == whole


def test_what_others_keep_there_stays(built: Built, settings: Settings, redis: client.Redis) -> None:
    theirs = {b"session:1": b"x", b"other_matchday": b"y", b"matchday": b"z"}
    redis.mset(theirs)
    materialise(settings, built.lake, built.features, WINTER)
    [row] = redis.keys("*ARS*")
    similar = row.removesuffix(b"matchday") + b"other_matchday"
    redis.copy(row, similar)
    materialise(settings, built.lake, built.features, SPRING)
    assert {key: redis.get(key) for key in theirs} == theirs
    assert redis.exists(similar)


def test_a_reader_never_meets_teams_of_two_moments(built: Built, settings: Settings, tmp_path: Path) -> None:
    held = [embedded(built, tmp_path, moment) for moment in (BEFORE, SPRING)]
    names = {team for rows in held for _, team in rows}
    materialise(settings, built.lake, built.features, BEFORE)
    seen: list[Rows] = []
    over = threading.Event()

    async def watch() -> None:
        store = open_reader(settings.online_store)
        while not over.is_set():
            seen.append(await store.read(LOOKUP.join_key, names, LOOKUP.views))
        store.close()

    watcher = threading.Thread(target=asyncio.run, args=(watch(),))
    watcher.start()
    try:
        for moment in (SPRING, BEFORE, SPRING):
            materialise(settings, built.lake, built.features, moment)
    finally:
        over.set()
        watcher.join()
    assert len(seen) > 100
    assert all(rows in held for rows in seen)
    assert held[0] in seen and held[1] in seen


class Cut(BaseException):
    """Out of the blue."""


def test_a_materialisation_that_is_cut_off_leaves_the_former_rows(
    built: Built, settings: Settings, redis: client.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    materialise(settings, built.lake, built.features, WINTER)
    before = {key: redis.hgetall(key) for key in redis.scan_iter() if not key.startswith(b"matchday:")}
    real, waiting = FeatureStore.materialize, []

    def half(store: FeatureStore, **when: datetime) -> None:
        real(store, feature_views=["team_form"], **when)
        waiting.extend(set(redis.keys()) - before.keys() - OWN_KEYS)
        assert all(0 < redis.ttl(key) <= LIFE_SECONDS for key in waiting), "a killed writer's rows run out"
        raise Cut

    monkeypatch.setattr(FeatureStore, "materialize", half)
    with pytest.raises(Cut):
        materialise(settings, built.lake, built.features, SPRING)
    assert len(waiting) == 20
    assert {key: redis.hgetall(key) for key in redis.scan_iter() if not key.startswith(b"matchday:")} == before


def key_of(team: str, project: str) -> bytes:
    return entity_key("team", team) + project.encode()


def test_of_two_writers_at_once_the_later_wins_whole(
    server: RedisServer, redis: client.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Staging(RedisAddress.parse(server.url)), Staging(RedisAddress.parse(server.url))
    for team in ("ARS", "LIV"):
        redis.hset(key_of(team, first.project), "by", "first")
    for team in ("LIV", "MCI"):
        redis.hset(key_of(team, second.project), "by", "second")
    look, cut_in = first._keys, [True]

    def late(project: str) -> Iterator[bytes]:
        yield from look(project)
        if project == PROJECT and cut_in.pop():
            cut_in.append(False)
            with second:
                pass

    monkeypatch.setattr(first, "_keys", late)
    with first:
        pass
    held = {key: redis.hget(key, "by") for key in redis.scan_iter() if key not in OWN_KEYS}
    assert held == {key_of("ARS", PROJECT): b"first", key_of("LIV", PROJECT): b"first"}
    assert {key + PROJECT.encode() for key in redis.smembers(DIRECTORY)} == set(held), "the directory names them all"
    assert redis.get(staging.COUNTER) == b"2"


def test_rows_that_ran_out_are_not_taken_for_an_empty_season(server: RedisServer, redis: client.Redis) -> None:
    redis.hset(key_of("ARS", PROJECT), "by", "first")
    with pytest.raises(FeatureStoreError, match="has written no row"), Staging(RedisAddress.parse(server.url)):
        pass
    assert redis.exists(key_of("ARS", PROJECT))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://:wrong@127.0.0.1:{port}/0", r"redis://127\.0\.0\.1:\d+/0 refuses \(.*(WRONGPASS|invalid username)"),
        ("redis://127.0.0.1:{port}/0", r"refuses \(Authentication required"),
        ("redis://:secret@127.0.0.1:{nobody}/3", r"/3 refuses \(.*onnect.*check MATCHDAY_ONLINE_STORE"),
    ],
)
def test_a_redis_that_refuses_is_named_without_its_password(
    built: Built, server: RedisServer, home: Path, url: str, said: str
) -> None:
    address = url.format(port=server.port, nobody=free_port())
    with pytest.raises(FeatureStoreError, match=said) as refused:
        materialise(Settings(home=home, MATCHDAY_ONLINE_STORE=address), built.lake, built.features, WINTER)
    assert "secret" not in str(refused.value) and "wrong@" not in str(refused.value)
