"""Appearances of a season under way, from what was observed of players and matches."""

import pandas as pd
import pytest

from matchday.collected.current import observed_seasons, season_rows
from matchday.collected.store import TABLES, no_rows
from matchday.collected.versions import stack
from matchday.tables import Appearances, Matches, Teams, validate
from matchday.tables.observed import ObservedFixtures, ObservedPlayers
from matchday.tables.observed_appearances import ObservedAppearances
from matchday.tables.observed_rules import ObservedRules
from tests import league
from tests.matchday.collected.observations import (
    FPL,
    ORG,
    SATURDAY,
    appearance,
    appearances,
    at,
    fixtures,
    match,
    player,
    players,
    squads,
)

PLAYED = match(30, score=(1, 0))


def made(day: float, matches: pd.DataFrame, people: pd.DataFrame, rows: pd.DataFrame, rules=None) -> pd.DataFrame:
    """Valid rows of Appearances as of a day."""
    given = {ObservedFixtures: matches, ObservedPlayers: people, ObservedAppearances: rows, ObservedRules: rules}
    observed = {table: no_rows(table) if given.get(table) is None else given[table] for table in TABLES}
    nothing = (league.whole(table).iloc[:0] for table in (Matches, Teams))
    return validate(Appearances, season_rows(Appearances, observed_seasons(observed, at(day), *nothing)))


def test_a_row_takes_match_and_player_from_where_they_are_known():
    people = players(player(1), player(1, 8, team="LIV", position="GK", name="Keeper of Liverpool"))
    rows = appearances(appearance(30, goals=1), appearance(30, 8, team="LIV", conceded=1))
    one, other = made(50, fixtures(PLAYED), people, rows).to_dict("records")
    assert (one["player"], one["home"], one["opponent"], one["kickoff"]) == (7, True, "LIV", SATURDAY)
    assert (other["player"], other["home"], other["opponent"], other["team"]) == (8, False, "ARS", "LIV")
    assert (other["name"], other["position"], other["gameweek"]) == ("Keeper of Liverpool", "GK", 1)


@pytest.mark.parametrize(
    ("matches", "count"),
    [
        ([PLAYED], 1),
        ([match(30, status="live")], 0),
        ([PLAYED, match(31, score=None)], 0),
        ([PLAYED, match(31, score=(3, 0), source=ORG, status="awarded")], 1),
        ([PLAYED, match(31, source=ORG, status="cancelled")], 0),
        ([PLAYED, match(31, source=ORG, status="abandoned")], 0),
    ],
    ids=["played", "live", "withdrawn", "awarded", "cancelled", "abandoned"],
)
def test_a_match_has_appearances_while_it_has_a_result(matches, count):
    rows = made(50, fixtures(*matches), players(player(1)), appearances(appearance(30, goals=1)))
    assert len(rows) == count


def test_a_player_who_is_not_known_yet_waits():
    rows = appearances(appearance(30, 7), appearance(30, 9))
    assert made(50, fixtures(PLAYED), players(player(1)), rows)["player"].tolist() == [7]
    people = players(player(1), player(40, 9))
    assert made(50, fixtures(PLAYED), people, rows)["player"].tolist() == [7, 9]


def test_a_correction_replaces_the_row_from_then_on():
    rows = appearances(appearance(30, points=2), appearance(33, points=5, xg=0.4))
    found = [made(day, fixtures(PLAYED), players(player(1)), rows)["points"].tolist() for day in (30, 31, 34)]
    assert found == [[], [2], [5]]


MARKET = ["value", "selected", "transfers_in", "transfers_out"]


def test_price_ownership_and_transfers_are_those_known_last_before_the_deadline():
    """`gameweek` of a version is the next one whose deadline has not passed."""
    people = players(
        player(1, price=50, selected=1.0, transfers_in=5, transfers_out=1, gameweek=1),
        player(19, price=51, selected=2.0, transfers_in=70, transfers_out=3, gameweek=1),
        player(22, price=52, selected=3.0, transfers_in=9, transfers_out=4, gameweek=2),
    )
    rules = stack([squads(1, 1000), squads(22, 5000)])
    rows = appearances(appearance(30))
    found = made(50, fixtures(PLAYED), people, rows, rules)
    assert found[MARKET].to_numpy().tolist() == [[51, 20, 70, 3]]
    late = match(30, score=(1, 0), gameweek=2)
    assert made(50, fixtures(late), people, rows, rules)[MARKET].to_numpy().tolist() == [[52, 150, 9, 4]]


def test_without_a_version_of_the_gameweek_transfers_are_none_and_the_price_is_the_nearest_known():
    rows, rules = appearances(appearance(30)), squads(1, 1000)
    stale = match(30, score=(1, 0), gameweek=3)
    people = players(
        player(1, price=50, gameweek=1), player(22, price=52, gameweek=2), player(45, price=54, gameweek=4)
    )
    assert made(50, fixtures(stale), people, rows, rules)[MARKET].to_numpy().tolist() == [[52, 15, 0, 0]]
    newcomer = players(player(22, price=52, gameweek=2), player(23, price=53, gameweek=2))
    assert made(50, fixtures(PLAYED), newcomer, rows, rules)[MARKET].to_numpy().tolist() == [[52, 15, 0, 0]]
    over = players(player(22, price=52, gameweek=None))
    assert made(50, fixtures(PLAYED), over, rows)[MARKET].to_numpy().tolist() == [[52, 0, 0, 0]]


def test_what_the_source_says_of_the_match_itself_comes_first_and_stays():
    said = {"value": 60, "selected": 12, "transfers_in": 3, "transfers_out": 2}
    rows = appearances(appearance(30), appearance(31, **said), appearance(32, points=3))
    found = made(50, fixtures(PLAYED), players(player(1, price=50)), rows, squads(1, 1000))
    assert found[MARKET].to_numpy().tolist() == [[60, 12, 3, 2]]
    assert found["points"].tolist() == [3]


def test_a_player_who_changes_his_club_keeps_the_club_that_he_played_for():
    people = players(player(1, team="ARS"), player(100, team="LIV"))
    again = match(150, "LIV-ARS", score=(0, 0), kickoff=at(149), gameweek=20)
    rows = appearances(appearance(30, goals=1), appearance(150, teams="LIV-ARS", gameweek=20))
    found = made(200, fixtures(PLAYED, again), people, rows)
    assert list(zip(found["team"], found["opponent"], found["home"], strict=True)) == [
        ("ARS", "LIV", True),
        ("LIV", "ARS", True),
    ]
    assert {FPL} == set(rows["source"])
