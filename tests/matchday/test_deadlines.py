"""From when on prices, ownership and transfers are known."""

from datetime import timedelta

import pandas as pd
import pytest

from matchday.deadlines import KNOWN_AT_THE_DEADLINE, deadlines, hide_unknown_market, market_known_from
from matchday.features.team import team_tables
from matchday.ratings.xg import with_xg
from matchday.tables import Appearances, Fixtures, Matches, Teams
from tests import league

AS_PUBLISHED = {
    ("1718", 1): "2017-08-11T17:45",
    ("1920", 1): "2019-08-09T18:00",
    ("2021", 1): "2020-09-12T10:00",
    ("2526", 38): "2026-05-24T13:30",
}
"""What the game's own dumps say."""


@pytest.fixture(scope="module")
def found() -> pd.Series:
    return deadlines(league.whole(Fixtures))


@pytest.mark.parametrize(("gameweek", "moment"), AS_PUBLISHED.items(), ids=str)
def test_deadlines_are_those_of_the_game(found: pd.Series, gameweek: tuple[str, int], moment: str) -> None:
    assert found[gameweek] == pd.Timestamp(moment, tz="UTC")


def test_every_gameweek_has_one_before_its_first_kickoff_and_after_the_one_before(found: pd.Series) -> None:
    assert found.groupby("season").size().to_dict() == {
        season: 37 if season == "2223" else 38
        for season in league.whole(Fixtures)["season"].unique()
        if season > "1415"
    }
    assert (found.groupby("season").diff().dropna() > timedelta(0)).all()


def test_rows_are_known_from_the_deadline_of_their_gameweek(found: pd.Series) -> None:
    rows = league.some(Appearances, ["2526"]).sample(2000, random_state=1)
    moments = market_known_from(rows, league.whole(Fixtures))
    assert (moments.index == rows.index).all()
    assert (moments < rows["kickoff"]).all()
    for at in rows.index[:50]:
        assert moments[at] == found[rows.loc[at, "season"], rows.loc[at, "gameweek"]]


def test_a_row_without_a_gameweek_is_known_from_its_kickoff() -> None:
    rows = league.some(Appearances, ["2526"]).head(5)
    rows = rows.assign(gameweek=pd.array([None, 1, None, 1, None], dtype="Int64"))
    moments = market_known_from(rows, league.some(Fixtures, ["2425"]))
    assert moments.tolist() == rows["kickoff"].tolist()


def test_at_midnight_before_the_deadline_a_gameweeks_market_is_hidden() -> None:
    rows, fixtures = league.some(Appearances, ["2526"]), league.some(Fixtures, ["2526"])
    week = rows["gameweek"].astype("int64")
    deadline = deadlines(fixtures)["2526", 20]
    midnight = deadline.normalize()
    before, after = (hide_unknown_market(rows, fixtures, at) for at in (midnight, deadline))
    for name in KNOWN_AT_THE_DEADLINE:
        assert before[name].isna().equals(week >= 20)
        assert after[name].isna().equals(week > 20)
    altered = rows.assign(**{name: rows[name] + 1 for name in KNOWN_AT_THE_DEADLINE})
    altered = altered.where(week >= 20, rows).astype(rows.dtypes)
    pd.testing.assert_frame_equal(hide_unknown_market(altered, fixtures, midnight), before)


def test_features_of_teams_do_not_change_with_the_market() -> None:
    """No feature of a match reads a price, so a forecast at midnight before the deadline is the same whatever it is."""
    seasons = ["2526"]
    matches, teams, rows = (league.some(table, seasons) for table in (Matches, Teams, Appearances))
    matches = matches[matches["gameweek"] <= 6]
    rows = rows[rows["match_id"].isin(matches["match_id"])]
    altered = rows.assign(**{name: rows[name] * 3 + 1 for name in KNOWN_AT_THE_DEADLINE})
    for one, other in zip(
        team_tables(with_xg(matches, rows), teams), team_tables(with_xg(matches, altered), teams), strict=True
    ):
        pd.testing.assert_frame_equal(one, other)
