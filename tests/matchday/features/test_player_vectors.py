"""What is known of a player before a match: nothing from his gameweek's deadline on but what is known then."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from matchday.deadlines import KNOWN_AT_THE_DEADLINE, hide_unknown_market, market_known_from
from matchday.durations import FULL_TIME
from matchday.features.labels import label
from matchday.features.player_form import UNSEEN
from matchday.features.services import PLAYER_FORM, PLAYER_MARKET, PLAYER_POINTS
from matchday.models.player_points.kind import PLAYER_POINTS as KIND
from matchday.tables import columns, validate
from matchday.tables.player_form import PlayerForm
from matchday.tables.player_market import PlayerMarket
from matchday.tables.points_features import PointsFeatures
from tests import players

NAMES = list(KIND.feature_names)
OUTCOMES = (
    *("minutes", "points", "goals", "assists", "bonus", "bps", "saves", "yellow_cards"),
    *("threat", "creativity", "xg", "xa", "defensive_contribution"),
)
CLUBS = ("ARS", "LEI", "SUN")
"""One that stayed, one that went, one that came."""
MOMENTS = [
    pd.Timestamp(moment, tz="UTC")
    for moment in (
        *("2024-08-16 17:30", "2024-09-15 00:00", "2024-11-02 00:00", "2024-12-26 13:30", "2025-02-15 16:00"),
        *("2025-04-01 00:00", "2025-05-25 14:00", "2025-08-15 17:30", "2025-08-16 00:00", "2025-10-04 14:00"),
        *("2026-01-01 12:00", "2026-03-14 15:00", "2026-05-09 00:00"),
    )
]
MARKET = [feature.name for feature in PLAYER_POINTS.features if feature.view == "player_market"]


@cache
def appearances() -> pd.DataFrame:
    """Real rows of three clubs."""
    return players.history()[players.history()["team"].isin(CLUBS)].reset_index(drop=True)


@cache
def vectors() -> pd.DataFrame:
    return players.rows_of(appearances(), players.availability())


def told(rows: pd.DataFrame, flags: pd.DataFrame) -> pd.DataFrame:
    return players.rows_of(rows, flags)


def test_every_row_has_every_feature_and_is_a_row_of_the_table() -> None:
    found = validate(PointsFeatures, vectors())
    assert len(found) == len(appearances())
    assert np.isfinite(found[NAMES].to_numpy()).all()
    assert (found["event_time"] < found["kickoff"]).all()


def test_the_service_reads_every_column_of_the_players_tables_and_people_can_read_them() -> None:
    keys = {"season", "player", "event_time", "team"}
    assert set(PLAYER_FORM) == set(columns(PlayerForm)) - keys
    assert {*PLAYER_MARKET, "deadline"} == set(columns(PlayerMarket)) - keys
    for feature in PLAYER_POINTS.features:
        table = {"player_form": PlayerForm, "player_market": PlayerMarket}.get(feature.view)
        if table is not None:
            assert str(table.to_schema().columns[feature.feature].dtype) == feature.dtype
    assert len({label(name) for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize("moment", MOMENTS)
def test_whatever_is_not_known_at_a_moment_changes_no_vector_up_to_it(moment) -> None:
    """Results of matches that have not ended, prices and transfers of later deadlines, and flags not yet seen."""
    other, flags = appearances().copy(), players.availability().copy()
    late = (other["kickoff"] + FULL_TIME > moment).to_numpy()
    for name in OUTCOMES:
        other.loc[late, name] = other.loc[late, name].to_numpy()[::-1]
    unknown = (market_known_from(other, other) > moment).to_numpy()
    for name in KNOWN_AT_THE_DEADLINE:
        other.loc[unknown, name] = other.loc[unknown, name].to_numpy()[::-1] + 1
    flags["chance"] = flags["chance"].where(flags["seen_at"] < moment, 0)
    upto = (vectors()["event_time"] <= moment).to_numpy()
    pd.testing.assert_frame_equal(told(other, flags)[upto][NAMES], vectors()[upto][NAMES])


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_history_that_ends_gives_the_vectors_that_the_whole_one_gives(moment) -> None:
    gone = market_known_from(appearances(), appearances()) > moment
    short = told(appearances()[~gone], players.availability())
    upto = vectors()["event_time"] <= moment
    assert len(short) == upto.sum()
    pd.testing.assert_frame_equal(short[NAMES], vectors()[upto].reset_index(drop=True)[NAMES])


def test_what_the_market_does_after_midnight_before_the_deadline_changes_no_forecast_made_then() -> None:
    """Prices, ownership and transfers of the coming gameweek are not read before its deadline."""
    week = (appearances()["season"] == "2526") & (appearances()["gameweek"] == 11)
    deadline = market_known_from(appearances()[week], appearances()).iloc[0]
    midnight = deadline.normalize()
    hidden = hide_unknown_market(appearances(), appearances(), midnight)
    assert hidden.loc[week, list(KNOWN_AT_THE_DEADLINE)].isna().all(axis=None)
    altered = appearances().copy()
    for name in KNOWN_AT_THE_DEADLINE:
        altered.loc[week, name] = altered.loc[week, name] * 2 + 7
    before, after = (known_of_the_market(rows, midnight) for rows in (appearances(), altered))
    pd.testing.assert_frame_equal(before, after)
    changed = known_of_the_market(altered, deadline) != known_of_the_market(appearances(), deadline)
    assert changed.any(axis=1).mean() > 0.5, "from the deadline on they do"


def known_of_the_market(rows: pd.DataFrame, moment: pd.Timestamp) -> pd.DataFrame:
    """The newest row of each player's market at a moment."""
    _, market = players.player_tables(rows, pd.DataFrame({"season": ["2526"]}), players.availability())
    known = market[market["event_time"] <= moment]
    return known.drop_duplicates("player", keep="last").set_index("player")


def test_what_happens_is_seen_in_the_next_gameweek() -> None:
    now = (appearances()["season"] == "2526") & (appearances()["gameweek"] == 10)
    other = appearances().copy()
    other.loc[now, "minutes"] = 90 - other.loc[now, "minutes"].clip(upper=90)
    then = (vectors()["season"] == "2526") & (vectors()["gameweek"] == 11)
    changed = told(other, players.availability())["minutes_1"] != vectors()["minutes_1"]
    assert changed[then].mean() > 0.9


def test_a_player_never_seen_starts_as_unseen_and_with_his_price() -> None:
    first = vectors()[(vectors()["team"] == "SUN") & (vectors()["gameweek"] == 1)]
    seen = set(appearances().loc[appearances()["season"] == "2425", "player"])
    strangers = first[~first["player"].isin(seen)]
    assert len(strangers) > 15
    assert (strangers["price"] > 30).all()
    for name in PLAYER_FORM:
        column = "ever_matches" if name == "matches" else name
        assert (strangers[column] == UNSEEN[name]).all()


def test_a_season_that_has_ended_becomes_the_last_one() -> None:
    opening = vectors()[(vectors()["season"] == "2526") & (vectors()["gameweek"] == 1) & (vectors()["team"] == "ARS")]
    means = appearances()[appearances()["season"] == "2425"].groupby("player")["minutes"].mean()
    known = opening[opening["player"].isin(means.index)]
    assert len(known) > 15
    assert known["last_season_minutes"].to_numpy() == pytest.approx(means[known["player"]].to_numpy())
    assert (opening[["season_matches", "season_minutes"]] == 0).all(axis=None)


def test_who_changes_club_keeps_his_form_and_starts_again_with_the_club() -> None:
    moved = appearances().copy()
    player = int(moved.loc[(moved["season"] == "2425") & (moved["minutes"] > 80), "player"].iloc[0])
    rows = moved["player"].eq(player) & moved["season"].eq("2425") & moved["gameweek"].ge(20)
    moved.loc[rows, "team"] = "LIV"
    moved.loc[rows & moved["opponent"].eq("LIV"), "opponent"] = "CHE"
    found, was = (
        each[(each["player"] == player) & (each["season"] == "2425")] for each in (told(moved, None), vectors())
    )
    at, before = found[found["gameweek"] >= 20], was[was["gameweek"] >= 20]
    assert at["club_weeks"].tolist() == list(range(len(at)))
    assert (at["ever_matches"].to_numpy() == before["ever_matches"].to_numpy()).all()
    assert (at["team_attack"].to_numpy() != before["team_attack"].to_numpy()).all()


def test_who_changes_position_is_in_the_new_one_at_once() -> None:
    moved = appearances().copy()
    player = int(moved.loc[moved["position"] == "MID", "player"].iloc[0])
    moved.loc[moved["player"].eq(player) & moved["gameweek"].ge(10), "position"] = "FWD"
    found = told(moved, None)
    his = found[found["player"] == player]
    assert set(his.loc[his["gameweek"] < 10, "position_number"]) == {2.0}
    assert set(his.loc[his["gameweek"] >= 10, "position_number"]) == {3.0}


def test_names_do_not_matter() -> None:
    renamed = told(appearances().assign(name="Ada"), players.availability())
    pd.testing.assert_frame_equal(renamed, vectors())


def test_a_double_gameweek_is_two_rows_of_one_deadline_and_a_blank_one_none() -> None:
    double = vectors()[vectors()["gameweek_matches"] == 2]
    assert len(double) > 20
    each = double.groupby(["season", "gameweek", "player"])
    assert (each["match_id"].nunique() == 2).all()
    for name in ("event_time", "ever_matches", "price"):
        assert (each[name].first() == each[name].last()).all()
    blank = set(range(1, 39)) - set(appearances().query("season == '2526' and team == 'ARS'")["gameweek"])
    rows = vectors()[(vectors()["season"] == "2526") & (vectors()["team"] == "ARS")]
    assert not blank & set(rows["gameweek"].astype(int))


def test_the_days_from_the_deadline_to_the_match_are_told() -> None:
    days = (vectors()["kickoff"] - vectors()["event_time"]).dt.total_seconds() / 86400
    assert vectors()["days_ahead"].to_numpy() == pytest.approx(days.to_numpy())


def test_a_player_without_a_price_or_a_club_without_ratings_is_refused() -> None:
    form, market = players.player_tables(appearances(), pd.DataFrame({"season": ["2526"]}))
    team_form, team_ratings = players.team_rows()
    tables = {"player_form": form, "player_market": market, "team_form": team_form, "team_ratings": team_ratings}
    late = market["event_time"] > market["event_time"].min()
    with pytest.raises(ValueError, match="nothing was known of player"):
        players.points_rows(appearances(), {**tables, "player_market": market[late]})
    with pytest.raises(ValueError, match="or a club of"):
        players.points_rows(appearances(), {**tables, "team_ratings": team_ratings.query("team != 'ARS'")})


def test_seasons_can_be_made_alone() -> None:
    whole = players.player_tables(appearances(), pd.DataFrame({"season": players.SEASONS}), players.availability())
    for late, all_of in zip(
        players.player_tables(appearances(), pd.DataFrame({"season": players.SEASONS}), players.availability(), "2526"),
        whole,
        strict=True,
    ):
        wanted = all_of[all_of["season"] >= "2526"].reset_index(drop=True)
        pd.testing.assert_frame_equal(late, wanted)
