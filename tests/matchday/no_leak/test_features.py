"""Every feature of the team tables on the real league: what comes after a moment is cut off, or shifted by a match."""

from datetime import timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest

from matchday.features.tables import TEAM_TABLES
from matchday.features.team import FULL_TIME, team_tables
from matchday.ratings.xg import with_xg
from matchday.tables import Appearances, Matches, Teams, name
from tests import league

SEASONS = ("2122", "2223")
"""The second has what stands in for expected goals first, and then expected goals."""
MOMENTS = [
    "2021-09-11T15:30:00Z",
    "2021-12-28T00:00:00Z",
    "2022-04-10T17:29:59.999999Z",
    "2022-05-19T23:30:00Z",
    "2022-05-22T15:00:00Z",
    "2022-08-05T20:59:00Z",
    "2022-10-15T14:01:00Z",
    "2022-12-26T12:30:00Z",
    "2023-02-21T22:00:00Z",
    "2023-05-06T16:00:00Z",
    "2023-05-20T18:31:00Z",
    "2023-05-27T00:00:00Z",
]
GOALS = ["home_goals", "away_goals"]
SAID = ["xg", "threat", "creativity", "saves"]
KEYS = {"season", "team", "event_time"}
WAYS = ("cut off", "shifted")

World = dict[str, pd.DataFrame]
"""Feature tables by name."""


def made(matches: pd.DataFrame, appearances: pd.DataFrame) -> World:
    tables = team_tables(with_xg(matches, appearances), league.some(Teams, SEASONS))
    return {name(table): rows for table, rows in zip(TEAM_TABLES, tables, strict=True)}


@cache
def as_it_was() -> World:
    return made(league.some(Matches, SEASONS), league.some(Appearances, SEASONS))


@cache
def otherwise(moment: str, way: str) -> World:
    """The same past, and no future, or one that comes later and in which all have what the match before them had."""
    matches, appearances = league.some(Matches, SEASONS), league.some(Appearances, SEASONS)
    later = matches["kickoff"] + FULL_TIME > pd.Timestamp(moment)
    played = appearances["match_id"].isin(matches.loc[later, "match_id"])
    if way == "cut off":
        return made(matches[~later].reset_index(drop=True), appearances[~played].reset_index(drop=True))
    matches.loc[later, "kickoff"] += timedelta(hours=3)
    matches.loc[later, GOALS] = np.roll(matches.loc[later, GOALS].to_numpy(), 1, axis=0)
    appearances.loc[played, SAID] = np.roll(appearances.loc[played, SAID].to_numpy(), 1, axis=0)
    return made(matches, appearances)


def features(world: World) -> set[tuple[str, str]]:
    """Table and column of every feature."""
    return {(table, column) for table, rows in world.items() for column in rows if column not in KEYS}


def differing(moment: str, ours: World, theirs: World) -> set[tuple[str, str]]:
    """Features with a row that was known at the moment and differs between two worlds that part after it."""
    found = set()
    for table, column in features(ours):
        until = [rows[rows["event_time"] <= pd.Timestamp(moment)] for rows in (ours[table], theirs[table])]
        one, other = (rows.set_index(["team", "event_time"])[column].sort_index() for rows in until)
        if not one.equals(other):
            found.add((table, column))
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_no_feature_of_a_moment_knows_what_comes_after_it(moment: str, way: str) -> None:
    assert differing(moment, as_it_was(), otherwise(moment, way)) == set()


def test_all_three_tables_are_looked_at() -> None:
    assert {table for table, _ in features(as_it_was())} == {"team_form", "team_ratings", "team_strength"}
    assert len(features(as_it_was())) > 20


def peek(world: World, table: str, column: str) -> World:
    """A leak: each row of a team has the feature's value of its next row."""
    rows = world[table].copy()
    rows[column] = rows.groupby("team")[column].shift(-1).fillna(rows[column]).astype(rows[column].dtype)
    return {**world, table: rows}


@pytest.mark.parametrize("way", WAYS)
def test_a_leak_in_any_feature_would_be_found(way: str) -> None:
    unseen = features(as_it_was())
    for moment in MOMENTS:
        theirs = otherwise(moment, way)
        for table, column in sorted(unseen):
            leaks = differing(moment, peek(as_it_was(), table, column), peek(theirs, table, column))
            assert leaks <= {(table, column)}
            unseen -= leaks
    assert unseen == set()
