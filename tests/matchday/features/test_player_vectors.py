"""What is known of a player before a match."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from matchday.features.player_form import UNSEEN, player_form
from matchday.features.player_market import player_market
from matchday.features.player_vectors import FORM, KEYS, MARKET, NAMES, player_vectors
from matchday.settings import REPOSITORY
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances

PAST = [name for name in NAMES if name in FORM]
OUTCOMES = ("minutes", "points", "goals", "assists", "bonus", "bps", "saves", "yellow_cards", "threat", "creativity")


@cache
def history() -> pd.DataFrame:
    """Two real seasons' rows of three clubs: one that stayed, one that went, one that came."""
    rows = Snapshot(REPOSITORY / "data").load(Appearances, ["2425", "2526"])
    return rows[rows["team"].isin(["ARS", "LEI", "SUN"]) & (rows["position"] != "MNG")].reset_index(drop=True)


def ratings(appearances: pd.DataFrame, attack: float = 0.1) -> pd.DataFrame:
    """Equal clubs, rated once, long before."""
    clubs = sorted({*appearances["team"], *appearances["opponent"]})
    rows = pd.DataFrame({"season": "2425", "team": clubs, "elo": 1500.0, "attack": attack, "defence": 0.3})
    rows["event_time"] = pd.Series(pd.Timestamp("2024-06-01", tz="UTC"), rows.index, "datetime64[us, UTC]")
    return rows.assign(level=0.2, home_edge=0.25, low_score=0.0)


def vectors(appearances: pd.DataFrame) -> pd.DataFrame:
    market, form = player_market(appearances), player_form(appearances)
    return player_vectors(appearances, form, market, ratings(appearances))


def test_every_row_has_every_feature_in_the_order_asked() -> None:
    found = vectors(history())
    assert list(found.columns) == [*KEYS, *NAMES]
    assert found["match_id"].tolist() == history()["match_id"].tolist()
    assert found["player"].tolist() == history()["player"].tolist()
    assert np.isfinite(found[list(NAMES)].to_numpy(float)).all()


@pytest.mark.parametrize("week", [1, 2, 13, 24, 38])
def test_what_happens_from_the_deadline_on_changes_no_vector_up_to_it(week) -> None:
    late = (history()["season"] == "2526") & (history()["gameweek"] >= week)
    other = history().copy()
    for name in OUTCOMES:
        other.loc[late, name] = other.loc[late, name].to_numpy()[::-1]
    upto = ~late | (history()["gameweek"] == week)
    pd.testing.assert_frame_equal(vectors(other)[upto], vectors(history())[upto])


def test_what_happens_is_seen_in_the_next_gameweek() -> None:
    now = (history()["season"] == "2526") & (history()["gameweek"] == 10)
    other = history().copy()
    other.loc[now, "minutes"] = 90 - other.loc[now, "minutes"].clip(upper=90)
    then = (history()["season"] == "2526") & (history()["gameweek"] == 11)
    assert (vectors(other)["minutes_1"] != vectors(history())["minutes_1"])[then].mean() > 0.9


def test_the_market_is_read_of_the_gameweek_itself_and_known_only_at_its_deadline() -> None:
    found = vectors(history())
    assert (found["deadline"] < found["kickoff"]).all()
    other = history().copy()
    week = (other["season"] == "2526") & (other["gameweek"] == 10)
    other.loc[week, "transfers_in"] += 1000 * np.arange(week.sum())
    changed = vectors(other)[list(MARKET)].ne(found[list(MARKET)]).any(axis=1)
    assert changed[week].mean() > 0.9
    before = (other["season"] == "2425") | (other["gameweek"] < 10)
    assert not changed[before].any()


def test_a_player_never_seen_and_the_players_of_a_promoted_club_start_as_unseen() -> None:
    found = vectors(history())
    first = found[(found["team"] == "SUN") & (found["gameweek"] == 1)]
    seen = set(history().loc[history()["season"] == "2425", "player"])
    strangers = first[~first["player"].isin(seen)]
    assert len(strangers) > 15
    for name in PAST:
        assert (strangers[name] == UNSEEN[name]).all()


def test_a_season_that_has_ended_becomes_the_last_one() -> None:
    found = vectors(history())
    opening = found[(found["season"] == "2526") & (found["gameweek"] == 1) & (found["team"] == "ARS")]
    means = history()[history()["season"] == "2425"].groupby("player")["minutes"].mean()
    known = opening[opening["player"].isin(means.index)]
    assert len(known) > 15
    assert known["last_season_minutes"].to_numpy() == pytest.approx(means[known["player"]].to_numpy())
    assert (opening[["season_matches", "season_minutes"]] == 0).all(axis=None)


def test_a_new_club_has_seen_nothing_of_him_yet() -> None:
    moved = history().copy()
    player = int(moved.loc[(moved["season"] == "2425") & (moved["minutes"] > 80), "player"].iloc[0])
    rows = moved["player"].eq(player) & moved["season"].eq("2425") & moved["gameweek"].ge(20)
    moved.loc[rows, "team"] = "LIV"
    moved.loc[rows & moved["opponent"].eq("LIV"), "opponent"] = "CHE"
    found = vectors(moved)
    at = found[rows].sort_values("kickoff")
    assert at["club_matches"].tolist() == list(range(len(at)))
    assert (at["matches"] > 10).all()


def test_goals_are_those_of_the_ratings_and_the_side() -> None:
    found = vectors(history())
    home = found["home"] == 1
    assert found.loc[home, "goals_for"].to_numpy() == pytest.approx(np.exp(0.2 + 0.25 + 0.1 - 0.3))
    assert found.loc[home, "goals_against"].to_numpy() == pytest.approx(np.exp(0.2 + 0.1 - 0.3))
    assert found.loc[~home, "goals_against"].to_numpy() == pytest.approx(np.exp(0.2 + 0.25 + 0.1 - 0.3))


def test_a_double_gameweek_is_two_rows_of_one_deadline() -> None:
    found = vectors(history())
    double = found[found["gameweek_matches"] == 2]
    assert len(double) > 20
    each = double.groupby(["season", "gameweek", "player"])
    assert (each["match_id"].nunique() == 2).all()
    assert (each["deadline"].first() == each["deadline"].last()).all()
    assert (each["matches"].first() == each["matches"].last()).all()


def test_a_player_without_a_price_or_a_club_without_ratings_is_refused() -> None:
    rows = history()
    market, form = player_market(rows), player_form(rows)
    with pytest.raises(ValueError, match="no price of player"):
        player_vectors(rows, form, market.iloc[1:], ratings(rows))
    with pytest.raises(ValueError, match="no ratings"):
        player_vectors(rows, form, market, ratings(rows).query("team != 'ARS'"))
