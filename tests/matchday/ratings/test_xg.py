"""Expected goals and their stand-in."""

import numpy as np
import pandas as pd
import pytest

from matchday.ratings.poisson import poisson_regression
from matchday.ratings.xg import XG_PUBLISHED, with_xg
from matchday.tables import Appearances, Matches
from tests import league

OLD = ("1617", "1718", "1819")


@pytest.fixture(scope="module")
def old() -> tuple[pd.DataFrame, pd.DataFrame]:
    return league.some(Matches, OLD), league.some(Appearances, OLD)


def of(season: str, table: pd.DataFrame) -> pd.DataFrame:
    return table.loc[table["season"] == season, ["home_xg", "away_xg"]]


def test_poisson_regression_finds_the_coefficients_that_made_the_counts() -> None:
    random = np.random.default_rng(3)
    design = np.column_stack([np.ones(20_000), random.normal(size=(20_000, 2))])
    true = np.array([0.3, 0.5, -0.2])
    assert poisson_regression(design, random.poisson(np.exp(design @ true)).astype(float)) == pytest.approx(
        true, abs=0.03
    )


@pytest.mark.parametrize("season", OLD)
def test_a_season_never_helps_to_describe_itself(old, season: str) -> None:
    matches, appearances = old
    altered = matches.copy()
    here = altered["season"] == season
    altered.loc[here, "home_goals"] = 9 - altered.loc[here, "home_goals"]
    before, after = with_xg(matches, appearances), with_xg(altered, appearances)
    for other in OLD:
        if other <= season:
            pd.testing.assert_frame_equal(of(other, after), of(other, before), check_exact=True)
        else:
            assert (of(other, after) != of(other, before)).all(axis=None), "later seasons learn from it"


def test_the_first_season_with_players_has_no_stand_in_and_the_next_a_sensible_one(old) -> None:
    found = with_xg(*old)
    assert of("1617", found).isna().all(axis=None)
    later = found[found["season"] > "1617"]
    assert later[["home_xg", "away_xg"]].notna().all(axis=None)
    assert later["home_xg"].mean() == pytest.approx(later["home_goals"].mean(), rel=0.1)
    assert np.corrcoef(later["home_xg"], later["home_goals"])[0, 1] > 0.45


def test_where_the_source_has_expected_goals_they_are_the_sum_over_the_players() -> None:
    matches, appearances = league.some(Matches, ["2526"]), league.some(Appearances, ["2526"])
    found = with_xg(matches, appearances)
    assert found["match_id"].tolist() == matches["match_id"].tolist()
    for row in found.iloc[::75].to_dict("records"):
        players = appearances[appearances["match_id"] == row["match_id"]]
        for side in ("home", "away"):
            assert row[f"{side}_xg"] == pytest.approx(players.loc[players["team"] == row[side], "xg"].sum())


def test_matches_without_players_have_none() -> None:
    matches = league.some(Matches, ["1415"])
    assert with_xg(matches, league.some(Appearances, ["1617"]))[["home_xg", "away_xg"]].isna().all(axis=None)


def test_expected_goals_of_2223_are_not_used_before_they_were_published() -> None:
    """A forecast of a match before the World Cup does not change whatever they say of autumn, nor does one after it."""
    seasons = ["2122", "2223"]
    matches, rows = league.some(Matches, seasons), league.some(Appearances, seasons)
    found = with_xg(matches, rows)
    early = (rows["season"] == "2223") & (rows["kickoff"] < XG_PUBLISHED)
    altered = with_xg(matches, rows.assign(xg=rows["xg"].mask(early, rows["xg"] + 5)))
    pd.testing.assert_frame_equal(altered, found)
    autumn = found[(found["season"] == "2223") & (found["kickoff"] < XG_PUBLISHED)]
    assert 140 < len(autumn) < 160
    assert autumn["home_xg"].notna().all(), "the stand-in serves"
    later = found[(found["kickoff"] >= XG_PUBLISHED)].iloc[0]
    players = rows[(rows["match_id"] == later["match_id"]) & (rows["team"] == later["home"])]
    assert later["home_xg"] == pytest.approx(players["xg"].sum())


def test_own_expected_goals_stay_apart_from_what_stands_in_for_them() -> None:
    seasons = ("2122", "2223")
    found = with_xg(league.some(Matches, seasons), league.some(Appearances, seasons))
    own = found["kickoff"] >= XG_PUBLISHED
    for side in ("home", "away"):
        assert found.loc[own, f"{side}_own_xg"].equals(found.loc[own, f"{side}_xg"])
        assert found.loc[~own, f"{side}_own_xg"].isna().all()
    # The first season has no season before it to learn the stand-in from.
    described = found.loc[~own].groupby("season")["home_xg"].count()
    assert described["2122"] == 0 < described["2223"]
