"""Rows of teams' strength: when they are known, and of what."""

from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest

from matchday.features.team import team_tables
from matchday.models.match_outcome.settled_goals import SettledGoals, vectors_of
from matchday.ratings.goals import PROMOTED_ATTACK, PROMOTED_DEFENCE
from matchday.ratings.home_edge import behind_closed_doors
from matchday.ratings.xg import with_xg
from matchday.tables import Appearances, Matches, Teams
from tests import league

SEASONS = ("1920", "2021")


@cache
def matches() -> pd.DataFrame:
    return with_xg(league.some(Matches, SEASONS), league.some(Appearances, SEASONS))


@cache
def tables() -> tuple[pd.DataFrame, ...]:
    return team_tables(matches(), league.some(Teams, SEASONS))


def table() -> pd.DataFrame:
    return tables()[2]


def strength_table(matches: pd.DataFrame, teams: pd.DataFrame) -> pd.DataFrame:
    return team_tables(matches, teams)[2]


def known_at(rows: pd.DataFrame, moment: datetime) -> pd.DataFrame:
    return rows[rows["event_time"] <= moment].groupby("team").tail(1).set_index("team").sort_index()


def test_every_team_has_a_row_at_the_opening_and_after_each_day_with_matches() -> None:
    days = sum(matches().loc[matches()["season"] == season, "kickoff"].dt.date.nunique() for season in SEASONS)
    assert len(table()) == 20 * (len(SEASONS) + days)
    assert not table().duplicated(["team", "event_time"]).any()
    assert np.isfinite(table()[["attack", "defence", "level", "home_edge"]].to_numpy()).all()


@pytest.mark.parametrize("moment", [datetime(2019, 12, 1, tzinfo=UTC), datetime(2021, 2, 3, tzinfo=UTC)])
def test_rows_up_to_a_moment_do_not_change_with_what_happens_later(moment) -> None:
    """The future is cut off, and the future is made up."""
    wanted = table()[table()["event_time"] <= moment].reset_index(drop=True)
    past = matches()[matches()["kickoff"] < moment]
    other = matches().assign(home_goals=9, away_xg=7.0, away_own_xg=7.0)
    made_up = other.where(matches()["kickoff"] >= moment, matches())
    made_up = made_up.astype(matches().dtypes.to_dict())
    for changed in (past, made_up):
        found = strength_table(changed, league.some(Teams, SEASONS))
        pd.testing.assert_frame_equal(found[found["event_time"] <= moment].reset_index(drop=True), wanted)


def test_the_home_edge_of_a_row_is_that_of_the_crowd_at_its_moment() -> None:
    rows = table().drop_duplicates("event_time")
    closed = np.array([behind_closed_doors(moment.to_pydatetime()) for moment in rows["event_time"]])
    changes = np.flatnonzero(np.diff(closed))
    before, after = rows["home_edge"].to_numpy()[changes], rows["home_edge"].to_numpy()[changes + 1]
    assert closed[changes + 1].tolist() == [True, False]
    assert (after - before > 0.05).tolist() == [False, True]
    assert (after - before < -0.05).tolist() == [True, False]


def test_champions_are_settled_once_nobody_can_catch_them() -> None:
    """LIV were champions of 19/20 on 25 June 2020, after MCI had lost; they were sure of all else then, too."""
    settled = [known_at(table(), datetime(2020, 6, day, 1, tzinfo=UTC)).loc["LIV", "settled"] for day in (25, 26)]
    assert settled == [0.0, 1.0]


def test_nobody_is_settled_before_spring() -> None:
    months = table()["event_time"].dt.month
    assert not table().loc[months.isin([8, 9, 10, 11, 12, 1]), "settled"].any()


def test_rows_are_ordered_as_they_become_known() -> None:
    steps = table()["event_time"].diff().dropna()
    assert (steps >= timedelta(0)).all()


def test_a_club_that_comes_up_starts_from_its_prior_and_is_forecast_from_its_first_match() -> None:
    """LEE had not been in the league since 2004; its first match was on 12 September 2020 at LIV."""
    opening = known_at(table(), datetime(2020, 9, 1, tzinfo=UTC))
    promoted = opening.loc[["FUL", "LEE", "WBA"]]
    assert promoted["attack"].to_numpy() == pytest.approx(PROMOTED_ATTACK, abs=1e-6)
    assert promoted["defence"].to_numpy() == pytest.approx(PROMOTED_DEFENCE, abs=1e-6)
    assert not promoted["settled"].any()
    first = league.joined(matches()[matches()["match_id"] == "2021-LIV-LEE"], *tables())
    (forecast,) = SettledGoals().predict(vectors_of(first))
    assert 0.6 < forecast[0] < 0.95


def test_a_club_that_was_never_seen_is_rated_like_any_that_comes_up() -> None:
    """A code of no club, in place of LEE."""
    renamed = {"home": {"LEE": "XYZ"}, "away": {"LEE": "XYZ"}}
    teams = league.some(Teams, SEASONS).replace({"team": {"LEE": "XYZ"}})
    found = strength_table(matches().replace(renamed), teams)
    wanted = table().replace({"team": {"LEE": "XYZ"}}).sort_values(["event_time", "team"], ignore_index=True)
    numbers = ["attack", "defence", "settled", "level", "home_edge"]
    assert found["team"].tolist() == wanted["team"].tolist()
    assert found[numbers].to_numpy() == pytest.approx(wanted[numbers].to_numpy(), abs=1e-9)


def test_postponed_matches_change_rows_on_the_day_on_which_they_are_played() -> None:
    """MCI - AVL of September 2020 was played on 20 January 2021: until then no row knows of it."""
    match = matches()["match_id"] == "2021-MCI-AVL"
    assert str(matches().loc[match, "kickoff"].iloc[0])[:10] == "2021-01-20"
    without = strength_table(matches()[~match], league.some(Teams, SEASONS))
    moment = datetime(2021, 1, 20, 23, 59, tzinfo=UTC)
    assert known_at(without, moment).equals(known_at(table(), moment))
    later = moment + timedelta(minutes=2)
    assert not known_at(without, later).equals(known_at(table(), later))
