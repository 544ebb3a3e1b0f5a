"""A refresh replaces every online row at once, whoever reads meanwhile."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from console.operations import feature_refresh
from console.operations.online_rows import StoredRows, read_all
from feature_repo.served import verify_served
from matchday.features.freshness import downstream_is_current
from matchday.lake.reader import LakeReader
from matchday.tables import Matches
from serving.features import open_store
from tests.feature_repo.served_world import SPRING, ServedWorld
from tests.services.redis import redis_server
from tests.waiting import eventually

pytestmark = pytest.mark.services

VIEWS = {
    "team_form": ["points_5", "goals_for_10", "last_kickoff"],
    "team_ratings": ["elo", "attack", "level"],
    "team_strength": ["attack", "settled", "level"],
}
MANY_READS = 50


@pytest.fixture(params=["sqlite", "redis"])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedWorld]:
    if request.param == "sqlite":
        made = ServedWorld.make(tmp_path / "world")
        made.adopt(monkeypatch)
        yield made
        return
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis") as server:
        made = ServedWorld.make(tmp_path / "world", server.url)
        made.adopt(monkeypatch)
        yield made


class Reader:
    """Reads all teams again and again as the model server does, and keeps what is unlike the read before."""

    def __init__(self, address: str, teams: list[str]) -> None:
        self.seen: list[StoredRows] = []
        self.reads = 0
        self._address, self._teams = address, teams
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(1)

    async def _watch(self) -> None:
        store = open_store(self._address)
        while not self._over.is_set():
            rows = await store.read("team", self._teams, VIEWS)
            self.reads += 1
            if not self.seen or self.seen[-1] != rows:
                self.seen.append(rows)
        store.close()

    def wait_for(self, rows: StoredRows) -> None:
        """Until these rows are read; a failure of the reader is raised."""
        eventually(lambda: self._watching.done() or (self.seen and self.seen[-1] == rows))

    def __enter__(self) -> "Reader":
        self._watching = self._pool.submit(asyncio.run, self._watch())
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watching.result()
        self._pool.shutdown()


def read(world: ServedWorld, teams: list[str]) -> StoredRows:
    async def once() -> StoredRows:
        store = open_store(world.settings.online_store)
        try:
            return await store.read("team", teams, VIEWS)
        finally:
            store.close()

    return asyncio.run(once())


def correct_first_result(world: ServedWorld, goals: int) -> None:
    """Another result of the season's first match, which every rating since then depends on."""
    matches = world.lake.read(Matches)
    first = matches[matches["season"] == "2526"].sort_values(["kickoff", "match_id"]).index[0]
    matches.loc[first, "home_goals"] = goals
    world.lake.write(Matches, matches)


def test_readers_meet_the_former_rows_or_the_new_ones_and_nothing_else(world: ServedWorld) -> None:
    stored = read_all(world.settings)
    teams = sorted({str(team) for view, team in stored if view == "team_form"})
    assert len(teams) == 20
    states = [read(world, teams)]
    with Reader(world.settings.online_store, teams) as reader:
        reader.wait_for(states[0])
        for goals in (9, 7):
            correct_first_result(world, goals)
            found = feature_refresh.refresh(SPRING.isoformat())
            assert (found.unchanged, found.rows) == (False, len(stored))
            assert found.changed >= 20, "every team has other ratings"
            states.append(read(world, teams))
            reader.wait_for(states[-1])
    assert reader.reads > MANY_READS
    assert len(states[0]) == 60
    assert reader.seen == states, "each state once, in order, and nothing between them"


def test_a_refresh_without_news_leaves_the_rows_as_they_are(world: ServedWorld) -> None:
    before = read_all(world.settings)
    found = feature_refresh.refresh(SPRING.isoformat())
    assert (found.unchanged, found.rows, found.changed) == (True, len(before), 0)
    assert read_all(world.settings) == before
    assert downstream_is_current(LakeReader(world.settings.lake), SPRING)
    assert verify_served(world.settings, world.lake, world.log).sampled == 0


def test_a_store_that_lacks_a_view_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after the first release with a new view."""
    world = ServedWorld.make(tmp_path / "world")
    world.adopt(monkeypatch)
    before = read_all(world.settings)
    with closing(sqlite3.connect(world.settings.online_file)) as connection:
        connection.execute("DROP TABLE matchday_team_form")
        connection.commit()
    found = feature_refresh.refresh(SPRING.isoformat())
    assert (found.rows, found.changed) == (len(before), len(before))
    assert read_all(world.settings) == before
