"""A refill replaces all rows in one step, but for newer ones that were streamed in; no accepted write is lost to it."""

import asyncio
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
import redis as client
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as some

from feature_repo.error import FeatureStoreError
from feature_repo.online import PROJECT, Online
from feature_repo.refill import refill
from feature_repo.window import Window
from feature_repo.writers import FeatureRow, OnlineWriter, WriteCounts, open_writer
from feature_repo.writers.redis import RedisWriter, connect
from feature_repo.writers.row import content, encode
from feature_repo.writers.sqlite import SqliteWriter
from matchday.feast_layout import entity_key
from matchday.online_store import RedisAddress, directory_key
from matchday.settings import Settings
from serving.features import open_store
from tests.services.redis import RedisServer, redis_server
from tests.waiting import eventually

pytestmark = pytest.mark.services

NOON = 1_780_000_000
WINDOW = Window((NOON - 100) * 1_000_000, (NOON + 100) * 1_000_000)
VIEWS = ("team_form", "team_ratings")
TEAMS = ("ARS", "LIV", "MCI")
FEATURES = ("points", "elo")

Held = dict[tuple[str, str], tuple[float, Mapping[str, object]]]
"""View and team -> event time and values."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("refills")) as running:
        yield running


@pytest.fixture(params=["redis", "sqlite"])
def settings(request: pytest.FixtureRequest, server: RedisServer, tmp_path: Path) -> Settings:
    """Of an online store that is empty."""
    url = server.url if request.param == "redis" else f"sqlite:///{tmp_path / 'online.db'}"
    found = Settings(home=tmp_path / "home", MATCHDAY_ONLINE_STORE=url)
    empty(found)
    return found


def empty(settings: Settings) -> None:
    address = settings.online_address
    if isinstance(address, RedisAddress):
        with client.Redis(port=address.port) as redis:
            redis.flushall()
    else:
        address.unlink(missing_ok=True)


def row(view: str, team: str, at: float, revision: int = 0, **values: float) -> FeatureRow:
    return FeatureRow(view, "team", team, at, revision, values)


def staged_writer(settings: Settings, online: Online) -> OnlineWriter:
    """As Feast's guarded stores write into a refill."""
    address = settings.online_address
    if isinstance(address, RedisAddress):
        return RedisWriter(connect(address), str(address), online.project, life_seconds=60, staged=True)
    return SqliteWriter(Path(online.config["path"]), online.project, staged=True)


def fill(settings: Settings, rows: Iterable[FeatureRow], window: Window = WINDOW) -> None:
    with refill(settings, window) as online, closing(staged_writer(settings, online)) as writer:
        writer.write(rows)


def stream(settings: Settings, *rows: FeatureRow) -> WriteCounts:
    with closing(open_writer(settings.online_address)) as writer:
        return writer.write(rows)


def held(settings: Settings) -> Held:
    async def read() -> Held:
        with closing(open_store(settings.online_store)) as store:
            teams = [str(team) for team in await store.keys("team", VIEWS)]
            rows = await store.read("team", teams, dict.fromkeys(VIEWS, FEATURES))
            assert {team for _, team in rows} == set(teams), "the list names the entities with rows, and no other"
            return {(view, str(team)): (found.newest, found.values) for (view, team), found in rows.items()}

    return asyncio.run(read())


def whole(rows: Iterable[FeatureRow]) -> Held:
    return {(one.view, str(one.key)): (one.event_time, {**dict.fromkeys(FEATURES), **one.values}) for one in rows}


def count(settings: Settings) -> int:
    with closing(open_writer(settings.online_address)) as writer:
        return writer.count_refills()


BOTH = [row(view, "MCI", NOON, elo=0.5) for view in VIEWS]
"""Rows of both views: a file without a view's table cannot be read."""


def test_newer_rows_that_were_streamed_in_stay_and_all_others_go(settings: Settings) -> None:
    fill(settings, [*BOTH, row("team_form", "WHU", NOON + 50, points=1.0)])
    newer = row("team_form", "ARS", NOON + 10, points=2.0)
    alone = row("team_ratings", "ARS", NOON + 10, elo=3.0)
    stream(
        settings,
        newer,
        alone,
        row("team_form", "LIV", NOON - 10, points=2.0),
        row("team_form", "TOT", NOON + 101, points=2.0),
        row("team_form", "EVE", NOON - 101, points=2.0),
    )
    filled = [*BOTH, *(row("team_form", team, NOON, points=9.0, elo=8.0) for team in ("ARS", "LIV"))]
    fill(settings, filled)
    assert held(settings) == {**whole(filled), **whole([newer, alone])}


def test_at_an_equal_event_time_the_refilled_row_wins_and_the_stream_can_correct_it(settings: Settings) -> None:
    fill(settings, BOTH)
    streamed = row("team_form", "ARS", NOON, 5, points=2.0)
    stream(settings, streamed)
    seen = count(settings)
    filled = [*BOTH, row("team_form", "ARS", NOON, points=1.0)]
    fill(settings, filled)
    assert held(settings) == whole(filled)
    assert count(settings) == seen + 1 == 2, "by which the stream notices"
    assert stream(settings, streamed) == WriteCounts(written=1)
    assert held(settings) == {**whole(filled), **whole([streamed])}


def test_a_row_of_a_former_refill_never_stays_however_late_it_is(settings: Settings) -> None:
    fill(settings, [*BOTH, row("team_form", "ARS", NOON + 20, points=1.0)])
    corrected = [*BOTH, row("team_form", "ARS", NOON + 10, points=2.0)]
    fill(settings, corrected)
    assert held(settings) == whole(corrected)


def test_a_row_that_stayed_once_stays_again_until_the_lake_has_it(settings: Settings) -> None:
    fill(settings, BOTH)
    newer = row("team_form", "ARS", NOON + 10, 3, points=2.0)
    stream(settings, newer)
    for _ in range(2):
        fill(settings, BOTH)
        assert held(settings) == {**whole(BOTH), **whole([newer])}
    assert stream(settings, newer) == WriteCounts(unchanged=1), "its revision is still known"
    later = [*BOTH, row("team_form", "ARS", NOON + 10, points=3.0)]
    fill(settings, later)
    fill(settings, BOTH)
    assert held(settings) == whole(BOTH)


rows = some.builds(
    row,
    some.sampled_from(VIEWS),
    some.sampled_from(TEAMS),
    some.sampled_from([NOON + step for step in (-101, -100, -1, 0, 1, 100, 101)]),
    some.integers(0, 2),
    points=some.sampled_from([1.0, 2.0]),
)


@profile(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(former=some.lists(rows, max_size=4), streamed=some.lists(rows, max_size=6), staged=some.lists(rows, max_size=4))
def test_what_stays_is_what_the_rule_says(
    settings: Settings, former: list[FeatureRow], streamed: list[FeatureRow], staged: list[FeatureRow]
) -> None:
    empty(settings)
    fill(settings, [*former, *BOTH])
    newest = latest([*former, *BOTH])
    accepted = {}
    for one in latest(streamed).values():
        there = newest.get((one.view, one.key))
        if there is None or order(one) > order(there):
            accepted[one.view, one.key] = one
    stream(settings, *streamed)
    fill(settings, [*staged, *BOTH])
    expected = latest([*staged, *BOTH])
    for place, one in accepted.items():
        in_window = WINDOW.since <= one.event_time * 1_000_000 <= WINDOW.until
        if in_window and (place not in expected or one.event_time > expected[place].event_time):
            expected[place] = one
    assert held(settings) == whole(expected.values())


def order(one: FeatureRow) -> tuple[int, int, bytes]:
    """What the law of the writers compares rows by."""
    encoded = encode(one)
    return encoded.micros, encoded.revision, content(one.view, encoded.values)


def latest(found: Iterable[FeatureRow]) -> dict[tuple[str, object], FeatureRow]:
    """The row of each place that the law leaves."""
    return {(one.view, one.key): one for one in sorted(found, key=order)}


def test_no_accepted_row_is_lost_to_refills_at_the_same_time(settings: Settings) -> None:
    fill(settings, BOTH)
    over, written = threading.Event(), dict.fromkeys(TEAMS, 0)
    everything = Window(0, (NOON + 10**6) * 1_000_000)

    def keep_writing() -> None:
        with closing(open_writer(settings.online_address)) as writer:
            step = 0
            while not over.is_set():
                step += 1
                rows = [row("team_form", team, NOON + step, points=float(step)) for team in TEAMS]
                assert writer.write(rows) == WriteCounts(written=len(TEAMS))
                written.update(dict.fromkeys(TEAMS, step))

    streaming = threading.Thread(target=keep_writing)
    streaming.start()
    try:
        for _ in range(4):
            seen = written["ARS"]
            fill(settings, [*BOTH, row("team_form", "ARS", NOON, points=0.0)], everything)
            eventually(lambda seen=seen: written["ARS"] > seen or not streaming.is_alive())  # type: ignore[misc]
    finally:
        over.set()
        streaming.join()
    found = held(settings)
    assert {team: found["team_form", team][0] - NOON for team in TEAMS} == written


def test_a_refill_that_is_cut_off_leaves_the_rows_and_their_count(settings: Settings) -> None:
    fill(settings, BOTH)

    def rows() -> Iterator[FeatureRow]:
        yield row("team_form", "ARS", NOON, points=1.0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fill(settings, rows())
    assert held(settings) == whole(BOTH)
    assert count(settings) == 1


def test_a_file_that_is_damaged_is_replaced(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, MATCHDAY_ONLINE_STORE=str(tmp_path / "online.db"))
    (tmp_path / "online.db").write_bytes(b"no database" * 1000)
    fill(settings, BOTH)
    assert held(settings) == whole(BOTH)


def test_a_file_that_others_keep_locked_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feature_repo.writers.sqlite.BUSY_SECONDS", 0.05)
    settings = Settings(home=tmp_path, MATCHDAY_ONLINE_STORE=str(tmp_path / "online.db"))
    fill(settings, BOTH)
    with (
        closing(SqliteWriter(tmp_path / "online.db")) as other,
        other.transaction(),
        pytest.raises(FeatureStoreError, match="database is locked"),
    ):
        fill(settings, [row("team_form", "ARS", NOON, points=1.0)])
    assert held(settings) == whole(BOTH)


def test_the_list_of_entities_in_redis_is_that_of_the_rows(server: RedisServer, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, MATCHDAY_ONLINE_STORE=server.url)
    empty(settings)
    stream(settings, row("team_form", "ARS", NOON + 10, points=1.0), row("team_form", "EVE", NOON - 200, points=1.0))
    fill(settings, BOTH)
    with client.Redis(port=server.port) as redis:
        names = {entity_key("team", team) for team in ("ARS", "MCI")}
        assert redis.smembers(directory_key(PROJECT, "team")) == names
        assert {redis.ttl(key) for key in redis.scan_iter()} == {-1}
