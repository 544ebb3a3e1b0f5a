"""Feature tables of players, made of a lake."""

from functools import cache
from pathlib import Path

import pandas as pd

from matchday.deadlines import deadlines
from matchday.features.player_tables import player_tables, tables_of_the_lake
from matchday.lake import Lake
from matchday.tables import Appearances, Availability, Fixtures, Players, Teams, validate
from matchday.tables.player_form import PlayerForm
from matchday.tables.player_market import PlayerMarket
from tests import league, players

UNTIL = pd.Timestamp("2026-01-10", tz="UTC")


@cache
def appearances() -> pd.DataFrame:
    """Rows of some players until a gameweek whose market is known and in which nobody has played."""
    rows = league.some(Appearances, players.SEASONS)
    return rows[(rows["player"] % 5 == 0) & (rows["kickoff"] < UNTIL)].reset_index(drop=True)


def lake(folder: Path, *, with_availability: bool) -> Lake:
    made = Lake(str(folder))
    made.write(Appearances, appearances())
    for table in (Fixtures, Players, Teams):
        made.write(table, league.some(table, players.SEASONS))
    if with_availability:
        seen = league.whole(Availability)
        week = appearances().query("season == '2526'")["gameweek"].max() + 1
        made.write(Availability, seen[(seen["gameweek"] <= week) & (seen["player"] % 5 == 0)].reset_index(drop=True))
    return made


def made(known: Lake, since: str = "") -> tuple[pd.DataFrame, pd.DataFrame]:
    return tables_of_the_lake(known, known.read(Appearances), known.read(Teams), since)


def test_a_lake_without_availability_has_no_flags_and_nothing_coming(tmp_path: Path) -> None:
    form, market = made(lake(tmp_path, with_availability=False))
    wanted = player_tables(appearances(), league.some(Teams, players.SEASONS))
    pd.testing.assert_frame_equal(form, wanted[0])
    pd.testing.assert_frame_equal(market, wanted[1])
    assert (market["flag"] == 0).all()


def test_with_it_the_coming_gameweek_is_known_from_its_deadline_and_a_season_can_be_made_alone(tmp_path: Path) -> None:
    known = lake(tmp_path, with_availability=True)
    form, market = made(known)
    validate(PlayerForm, form)
    validate(PlayerMarket, market)
    last = deadlines(appearances()).max()
    coming = market[market["event_time"] > last]
    assert len(set(coming["gameweek"])) == 1
    assert coming["player"].nunique() > 100
    assert market["flag"].nunique() > 2
    for late, whole in zip(made(known, "2526"), (form, market), strict=True):
        pd.testing.assert_frame_equal(late, whole[whole["season"] >= "2526"].reset_index(drop=True))
