"""The standard tables as of a moment."""

from datetime import timedelta
from functools import cache

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchday.collected.current import Frames, tables
from matchday.collected.store import TABLES, no_rows
from matchday.collected.versions import stack
from matchday.tables import Appearances, Availability, Fixtures, Matches, Players, Teams, name, validate
from matchday.tables.observed import ObservedFixtures, ObservedPlayers, ObservedTeams
from matchday.tables.observed_rules import ObservedRules
from tests import league
from tests.matchday.collected.observations import (
    FPL,
    ORG,
    SATURDAY,
    UK,
    at,
    fixtures,
    frame,
    match,
    player,
    players,
    teams,
)

SEASONS = ("2425", "2526")
MADE = (Teams, Fixtures, Matches, Appearances, Players, Availability)


@cache
def bundled(table):
    """A small bundled history; not to be written to."""
    return league.some(table, SEASONS)


@cache
def nothing(table):
    """No bundled history."""
    return bundled(table).iloc[:0]


def made(day: float, matches=None, people=None, clubs=None, load=bundled) -> Frames:
    given = {ObservedFixtures: matches, ObservedPlayers: people, ObservedTeams: clubs}
    observed = {table: no_rows(table) if given.get(table) is None else given[table] for table in TABLES}
    return tables(load, observed, at(day))


def living(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["season"] == "2627"].reset_index(drop=True)


def test_without_observations_the_tables_are_the_bundled_ones():
    found = made(50)
    assert list(found) == list(MADE)
    for table in MADE:
        pd.testing.assert_frame_equal(found[table], bundled(table))


def test_observed_rows_stand_after_the_bundled_seasons():
    clubs, people = teams(1, "ARS", "LIV", "ZZZ"), players(player(1, 7), player(1, 8, team="LIV"))
    rows = fixtures(match(1), match(30, score=(2, 1)), match(1, "LIV-ARS", kickoff=SATURDAY + timedelta(days=200)))
    found = made(50, rows, people, clubs)
    for table, rows_found in found.items():
        validate(table, rows_found)
        before = rows_found[rows_found["season"] != "2627"].reset_index(drop=True)
        pd.testing.assert_frame_equal(before, bundled(table), obj=name(table))
    assert list(living(found[Fixtures])["match_id"]) == ["2627-ARS-LIV", "2627-LIV-ARS"]
    (result,) = living(found[Matches]).to_dict("records")
    assert (result["match_id"], result["home_goals"], result["away_goals"]) == ("2627-ARS-LIV", 2, 1)
    assert result["kickoff"] == SATURDAY and result["kickoff_exact"]
    assert dict(living(found[Teams])[["team", "name"]].to_numpy()) == {
        "ARS": "Arsenal",
        "LIV": "Liverpool",
        "ZZZ": "Name of ZZZ",
    }
    assert list(living(found[Players])["team"]) == ["ARS", "LIV"]


@pytest.mark.parametrize(
    ("rows", "fixture", "played"),
    [
        ([match(1)], True, False),
        ([match(1, kickoff=None, status="postponed")], False, False),
        ([match(1), match(2, source=ORG, status="cancelled")], False, False),
        ([match(1, status="live"), match(2, source=ORG, status="abandoned")], False, False),
        ([match(1, score=(1, 1)), match(2, source=ORG, score=(3, 0), status="awarded")], True, True),
        ([match(1, score=(1, 1)), match(2)], True, False),
        ([match(1, source=UK, score=(1, 1))], True, True),
    ],
)
def test_a_match_is_a_fixture_and_a_result_by_rule(rows, fixture, played):
    found = made(50, fixtures(*rows))
    assert (len(living(found[Fixtures])), len(living(found[Matches]))) == (fixture, played)


def test_a_change_of_price_or_flag_or_news_is_a_row_of_availability():
    rows = players(
        player(1),
        player(1.5, transfers_in=999),
        player(3, price=56),
        player(4, price=56, chance=50, news="Knock - 50% chance of playing"),
        player(5, price=56, gameweek=None, news="Season is over"),
        player(3, 8, team="LIV"),
    )
    found = living(made(50, people=rows)[Availability])
    assert list(zip(found["player"], found["seen_at"], strict=True)) == [(7, at(1)), (7, at(3)), (7, at(4)), (8, at(3))]
    assert list(found["reason"].fillna("-")) == ["-", "-", "injury", "-"]
    assert list(found["price"]) == [55, 56, 56, 55]


def test_squads_of_a_player_are_a_row_of_availability_once_a_day():
    rows = players(
        player(1, selected=1.5),
        player(1.5, selected=1.6, transfers_in=20),
        player(2, selected=2.0, transfers_in=30, transfers_out=6),
        player(2.2, selected=2.1, price=56),
    )
    rules = frame(ObservedRules, [{"source": FPL, "known_at": at(0), "name": "total_players", "value": "2000"}])
    observed = {table: no_rows(table) for table in TABLES} | {ObservedPlayers: rows, ObservedRules: rules}
    found = living(tables(bundled, observed, at(50))[Availability])
    assert list(found["seen_at"]) == [at(1), at(2), at(2.2)]
    assert list(found["selected"]) == [30, 40, 42]
    assert list(found["transfers_in"]) == [10, 30, 10]
    assert list(found["transfers_out"]) == [5, 6, 5]
    without = living(made(50, people=rows)[Availability])
    assert without["selected"].isna().all(), "nobody knows how many squads there are"


def test_a_player_who_moves_is_of_the_team_that_he_was_of_then():
    rows = players(player(1), player(20, team="LIV"))
    assert [made(day, people=rows)[Players].iloc[-1]["team"] for day in (10, 21)] == ["ARS", "LIV"]


def test_a_new_season_begins_beside_the_one_before():
    coming = match(300, "ARS-LIV", kickoff=SATURDAY.replace(year=2027)) | {"season": "2728", "match_id": "2728-ARS-LIV"}
    rows = fixtures(match(1, score=(1, 0)), coming)
    assert set(made(200, rows)[Fixtures]["season"]) == {*SEASONS, "2627"}
    assert set(made(400, rows)[Fixtures]["season"]) == {*SEASONS, "2627", "2728"}


def test_a_season_that_the_bundled_history_has_is_observed_until_it_is_over():
    kickoff = pd.Timestamp("2025-08-23T14:00Z")
    row = match(-300, "ARS-LEE", kickoff=kickoff) | {"season": "2526", "match_id": "2526-ARS-LEE"}
    rows = fixtures(row)
    assert (made(-290, rows)[Fixtures]["season"] == "2526").sum() == 1
    assert made(-290, rows)[Matches]["season"].eq("2526").sum() == 0
    pd.testing.assert_frame_equal(made(0, rows)[Matches], bundled(Matches))


pairs = st.sampled_from(["ARS-LIV", "LIV-ARS", "MCI-BOU"])
scores = st.none() | st.tuples(st.integers(0, 2), st.integers(0, 2))
said = st.tuples(st.integers(0, 9), st.sampled_from([FPL, ORG, UK]), pairs, scores)
prices = st.tuples(st.integers(0, 9), st.sampled_from([7, 8]), st.integers(50, 52))


@given(
    matches=st.lists(said, max_size=12, unique_by=lambda one: one[:3]),
    people=st.lists(prices, max_size=8, unique_by=lambda one: one[:2]),
    moment=st.integers(0, 9),
)
@settings(max_examples=25)
def test_what_is_known_later_changes_nothing(matches, people, moment):
    """With all rows and with those known before the moment alone, every table is the same."""
    rows = fixtures(*(match(day, pair, source, score=score) for day, source, pair, score in matches))
    prices = players(*(player(day, code, price=price) for day, code, price in people))
    clubs = stack([teams(2, "ARS"), teams(7, "LIV", "ZZZ")])
    whole = made(moment, rows, prices, clubs, nothing)
    cut = made(moment, *(frame[frame["known_at"] < at(moment)] for frame in (rows, prices, clubs)), nothing)
    for table in MADE:
        pd.testing.assert_frame_equal(whole[table], cut[table])
