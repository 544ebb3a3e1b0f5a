"""All of 2025/26 from an empty lake and the bundled history before it: the tables become the bundled ones.

In the suite: an update before the deadline of every fourth gameweek, with the players who made the scores and those who
moved. `REPLAY=daily` takes every player and a day after the other, for some minutes; `make bench-season` does too.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
import pytest

from console.demo.upstream.season import PastSeason
from console.demo.upstream.server import UpstreamServer
from matchday import history
from matchday.collected.current import observed_seasons, season_rows
from matchday.collected.store import TABLES
from matchday.tables import Appearances, Availability, Fixtures, Matches, Players, Teams, columns
from tests import league
from tests.services.upstream.bundled import past_season, scoring_season
from tests.services.upstream.living import LivingMachine

SEASON, BEFORE = "2526", ["2324", "2425"]
STANDARD = (Teams, Fixtures, Matches, Players, Appearances, Availability)
DAILY = os.environ.get("REPLAY") == "daily"
EVERY = 4
"""In the suite there is an update in gameweeks 1, 5, 9 and so on, and in the last one."""

MARKET = ["value", "selected", "transfers_in", "transfers_out"]
SEEN_SINCE = 5
"""The bundled prices of single days begin in gameweek 4: until then the stand-in has those of the last deadline."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600 if DAILY else 600)]

Frames = dict[type, pd.DataFrame]


@dataclass
class Replay:
    """A season that was lived through. then: the tables of some moments, as they were published."""

    machine: LivingMachine
    past: PastSeason
    then: dict[datetime, Frames]

    def bundled(self, table: type) -> pd.DataFrame:
        """The bundled rows of the season, of the players that the stand-in served."""
        rows = league.some(table, [SEASON])
        served = rows["player"].isin([one.code for one in self.past.players]) if "player" in rows else rows.index >= 0
        return rows[served].reset_index(drop=True)

    def living(self, table: type) -> pd.DataFrame:
        return self.machine.living(table, SEASON).reset_index(drop=True)


def moments(past: PastSeason) -> list[datetime]:
    """The instants of the updates, the last one a week after the last match."""
    if DAILY:
        first = past.start.replace(hour=11, minute=0)
        return [first + timedelta(days=day) for day in range((past.end - first).days + 1)]
    some = [deadline for gameweek, deadline in past.deadlines.items() if gameweek % EVERY == 1 or gameweek == 38]
    return [past.start, *(deadline - timedelta(minutes=10) for deadline in some), past.end]


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    folder = tmp_path_factory.mktemp("replay")
    past = past_season(SEASON) if DAILY else scoring_season(SEASON)
    with UpstreamServer(past) as server:
        lived = Replay(LivingMachine(folder, server, league.bundled(folder / "data", BEFORE)), past, {})
        instants = moments(past)
        for number, moment in enumerate(instants):
            report = lived.machine.update(moment)
            assert not report.failed and not report.refused and not report.disagreements, report
            if number % max(1, len(instants) // 5) == 1:
                lived.then[report.moment] = {table: lived.living(table) for table in STANDARD}
            server._bodies.clear()
        yield lived


@pytest.mark.parametrize("table", [Teams, Fixtures, Matches, Players])
def test_the_tables_are_the_bundled_ones(replay: Replay, table: type) -> None:
    pd.testing.assert_frame_equal(replay.living(table), replay.bundled(table))


def test_appearances_are_the_bundled_ones_but_for_what_was_so_at_the_deadline(replay: Replay) -> None:
    found, bundled = replay.living(Appearances), replay.bundled(Appearances)
    same = [column for column in columns(Appearances) if column not in MARKET]
    pd.testing.assert_frame_equal(found[same], bundled[same])


def test_prices_are_those_of_the_deadline_as_far_as_somebody_looked_before_it(replay: Replay) -> None:
    """Differences: prices of the first gameweeks, and in gameweeks before whose deadline there was no update."""
    found, bundled = replay.living(Appearances), replay.bundled(Appearances)
    looked = bundled["gameweek"] >= SEEN_SINCE
    if not DAILY:
        looked &= bundled["gameweek"] % EVERY == 1
    assert looked.sum() > 2000
    assert (found["value"] == bundled["value"])[looked].mean() > 0.99
    assert (found["value"] - bundled["value"]).abs().max() <= (2 if DAILY else 10)


def test_ownership_and_transfers_are_those_that_the_stand_in_says_before_the_deadline(replay: Replay) -> None:
    """Difference: the stand-in says those of the last deadline, so they lag a gameweek behind the bundled ones.

    Where it says them of the very match (players with two matches in a gameweek, and those who moved) they are exact.
    """
    found, bundled = replay.living(Appearances), replay.bundled(Appearances)
    moved = bundled.groupby("player")["team"].transform("nunique") > 1
    twice = bundled.groupby(["player", "gameweek"])["match_id"].transform("size") > 1
    assert (twice | moved).sum() > 100
    pd.testing.assert_frame_equal(found.loc[twice, MARKET], bundled.loc[twice, MARKET])
    former = bundled.drop_duplicates(["player", "gameweek"])[["player", "gameweek", "transfers_in", "selected"]]
    lagging = former.assign(gameweek=former["gameweek"] + 1).set_index(["player", "gameweek"])
    single = ~twice & ~moved & (bundled["gameweek"] >= SEEN_SINCE)
    if not DAILY:
        single &= bundled["gameweek"] % EVERY == 1
    both = found[single].join(lagging, on=["player", "gameweek"], rsuffix="_before", how="inner")
    assert len(both) > 1000
    assert (both["transfers_in"] == both["transfers_in_before"]).mean() > 0.98
    squads = 11_000_000 * 0.001
    assert (both["selected"] - both["selected_before"]).abs().quantile(0.98) <= squads


def test_the_last_flag_of_each_player_is_the_bundled_one(replay: Replay) -> None:
    """Difference: the moments are those of the updates, and changes between two updates are not seen."""
    found, bundled = (rows.groupby("player").tail(1).set_index("player") for rows in _flags(replay))
    said = ["price", "chance", "reason", "return_gameweek", "team"]
    shared = found.index.intersection(bundled.index)
    assert len(shared) > 250
    pd.testing.assert_frame_equal(found.loc[shared, said], bundled.loc[shared, said])


def _flags(replay: Replay) -> tuple[pd.DataFrame, pd.DataFrame]:
    return replay.living(Availability), replay.bundled(Availability)


def test_what_was_published_then_is_what_the_observations_still_say_of_then(replay: Replay) -> None:
    """Nothing that was known before a moment was changed by what came later."""
    store, snapshot = replay.machine.store, replay.machine.snapshot
    observed = {table: store.read(table) for table in TABLES}
    assert len(replay.then) >= 4
    for moment, tables in replay.then.items():
        seasons = observed_seasons(observed, moment, snapshot.load(Matches), snapshot.load(Teams))
        for table, published in tables.items():
            pd.testing.assert_frame_equal(season_rows(table, seasons), published, obj=f"{table.__name__} of {moment}")


def test_the_history_keeps_every_rule_at_the_end(replay: Replay) -> None:
    assert all(not one.broken for one in history.check(replay.machine.lake))
    lake, snapshot = replay.machine.lake, replay.machine.snapshot
    assert history.ingest(snapshot, lake).unchanged
    assert set(lake.read(Matches)["season"]) == {*BEFORE, SEASON}
