"""The market of a gameweek before anybody has played in it."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from matchday.deadlines import deadlines
from matchday.features.coming_market import READ, coming_appearances
from matchday.tables import Fixtures, Players
from tests import league, players

SEASON, WEEK = "2526", 33
"""A double gameweek for some clubs."""


@cache
def deadline() -> pd.Timestamp:
    return deadlines(players.history()).loc[(SEASON, WEEK)]


@cache
def before() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Appearances, availability, fixtures and players as they were just before the deadline."""
    rows, seen = players.history(), players.availability()
    known = rows[(rows["kickoff"] < deadline())].reset_index(drop=True)
    tables = (league.some(table, [SEASON]) for table in (Fixtures, Players))
    return known, seen[seen["seen_at"] < deadline()].reset_index(drop=True), *tables


@cache
def coming() -> pd.DataFrame:
    return coming_appearances(*before())


def tables(rows: pd.DataFrame, later: pd.DataFrame | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    return players.player_tables(rows, pd.DataFrame({"season": players.SEASONS}), before()[1], coming=later)


def test_each_player_has_a_row_for_each_match_of_his_club() -> None:
    wanted = players.history().query("season == @SEASON and gameweek == @WEEK")
    both = coming().merge(wanted, on=["match_id", "player"], how="inner", suffixes=("", "_said"))
    assert list(coming().columns) == list(READ)
    assert len(both) > 0.97 * len(wanted)
    assert (both["kickoff"] == both["kickoff_said"]).all()
    assert coming().groupby("player").size().max() == 2


def test_the_market_made_before_the_gameweek_is_the_one_made_of_its_appearances() -> None:
    _, early = tables(before()[0], coming())
    rows = players.history()
    _, late = tables(rows[market_known(rows)])
    early, late = (table[table["event_time"] == deadline()].set_index("player") for table in (early, late))
    both = early.index.intersection(late.index)
    assert len(both) > 0.97 * len(late)
    for name in ("price", "matches", "position_number", "flag", "gameweek", "club_weeks"):
        assert (early.loc[both, name] == late.loc[both, name]).mean() > 0.95, name
    for name in ("owned", "bought", "sold"):
        assert np.corrcoef(early.loc[both, name], late.loc[both, name])[0, 1] > 0.95, name


def market_known(rows: pd.DataFrame) -> pd.Series:
    return (rows["season"] < SEASON) | (rows["gameweek"] <= WEEK)


def test_it_is_to_be_read_from_the_deadline_on_and_changes_nothing_before() -> None:
    without, with_it = tables(before()[0])[1], tables(before()[0], coming())[1]
    known = with_it[with_it["event_time"] < deadline()].reset_index(drop=True)
    pd.testing.assert_frame_equal(known, without)
    assert (with_it["event_time"].max(), len(with_it) > len(without)) == (deadline(), True)


def test_a_player_whom_nobody_has_seen_is_registered_at_the_deadline() -> None:
    new = coming().head(1).assign(player=999_999)
    form, market = tables(before()[0], pd.concat([coming(), new], ignore_index=True))
    for table in (form, market):
        assert table.loc[table["player"] == 999_999, "event_time"].tolist() == [deadline()]


def test_in_a_gameweek_under_way_clubs_that_have_yet_to_play_keep_its_market() -> None:
    """When its first match is over, the newest record is about the next gameweek."""
    rows, (_, _, fixtures, registered) = players.history(), before()
    now = deadline() + pd.Timedelta(hours=12)
    known = rows[rows["kickoff"] < now].reset_index(drop=True)
    later = players.availability().query("season == @SEASON and gameweek == @WEEK + 1")["seen_at"].min()
    seen = players.availability()[players.availability()["seen_at"] <= later]
    over, week = (of.query("season == @SEASON and gameweek == @WEEK")["match_id"].nunique() for of in (known, rows))
    assert 0 < over < week
    rest = coming_appearances(known, seen, fixtures, registered)
    assert not set(rest["match_id"]) & set(known["match_id"])
    assert set(rest["gameweek"]) == {WEEK, WEEK + 1}
    under_way, whole = (
        table[table["event_time"] == deadline()].set_index("player")
        for table in (tables(known, rest)[1], tables(rows[market_known(rows)])[1])
    )
    both = under_way.index.intersection(whole.index)
    assert len(both) > 0.97 * len(whole)
    assert np.corrcoef(under_way.loc[both, "owned"], whole.loc[both, "owned"])[0, 1] > 0.95
    assert (under_way.loc[both, "matches"] == whole.loc[both, "matches"]).mean() > 0.99, "but for who came later"
    assert under_way["owned"].sum() == pytest.approx(15, abs=0.01)


def test_a_match_with_appearances_is_not_coming_and_nothing_comes_of_no_record() -> None:
    known, seen, fixtures, registered = before()
    assert coming_appearances(players.history(), seen, fixtures, registered).empty
    assert coming_appearances(known, seen.iloc[:0], fixtures, registered).empty
    assert coming_appearances(known, seen, fixtures[fixtures["gameweek"] != WEEK], registered).empty


@pytest.mark.parametrize("column", ["selected", "transfers_in"])
def test_numbers_that_nobody_knows_are_0(column) -> None:
    known, seen, fixtures, registered = before()
    rows = coming_appearances(
        known, seen.assign(**{column: pd.array([pd.NA] * len(seen), "Int64")}), fixtures, registered
    )
    assert (rows[column] == 0).all()
