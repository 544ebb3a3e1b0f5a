"""Matches that are filed under the wrong gameweek."""

import pandas as pd
import pytest

from matchday import history
from matchday.gameweeks import misfiled_matches
from matchday.history import HistoryError
from matchday.tables import Appearances, Matches
from tests import league

FIRST_LEGS = {"ARS-AVL": 16, "AVL-TOT": 11, "LEI-NEW": 13, "SUN-CHE": 17, "WHU-SWA": 17}
"""Return legs of 15/16, and the gameweek of the first leg, under which the source files them."""


def refile(matches: pd.DataFrame, weeks: dict[str, int]) -> pd.DataFrame:
    """The matches with some of them under another gameweek."""
    changed = matches["match_id"].map(weeks).astype("Int64")
    return matches.assign(gameweek=changed.fillna(matches["gameweek"]))


def test_the_bundled_history_has_none() -> None:
    assert misfiled_matches(league.whole(Matches)) == []


@pytest.mark.parametrize("match", ["AVL-TOT", "LEI-NEW"])
def test_a_match_played_on_the_days_of_the_gameweek_before_is_found(match: str) -> None:
    """Both clubs have none in gameweek 30 then, and two in gameweek 31 a week later."""
    found = misfiled_matches(refile(league.some(Matches, ["1516"]), {f"1516-{match}": 31}))
    assert found == [f"1516-{match} in gameweek 31: played within the days of gameweek 30"]


def test_two_such_matches_do_not_hide_each_other() -> None:
    found = misfiled_matches(refile(league.some(Matches, ["1516"]), {"1516-AVL-TOT": 31, "1516-LEI-NEW": 31}))
    assert [one[:12] for one in found] == ["1516-AVL-TOT", "1516-LEI-NEW"]


def test_return_legs_under_the_gameweek_of_the_first_leg_are_found_and_nothing_else() -> None:
    weeks = {f"1516-{match}": week for match, week in FIRST_LEGS.items()}
    found = misfiled_matches(refile(league.some(Matches, ["1516"]), weeks))
    assert sorted(found) == [f"{match} in gameweek {weeks[match]}: played beyond its neighbours" for match in weeks]


@pytest.mark.parametrize("week", [1, 20, 38])
def test_a_match_of_any_other_gameweek_is_found(week: int) -> None:
    matches = league.some(Matches, ["2425"])
    moved = matches[matches["gameweek"] == 10].iloc[0]["match_id"]
    assert misfiled_matches(refile(matches, {moved: week})) == [
        f"{moved} in gameweek {week}: played beyond its neighbours"
    ]


def test_a_postponed_match_may_keep_its_first_gameweek() -> None:
    """football-data.org leaves it there; both clubs have no other match in that gameweek."""
    matches = league.some(Matches, ["2526"])
    late = matches["match_id"] == matches[matches["gameweek"] == 9].iloc[0]["match_id"]
    assert misfiled_matches(matches.assign(kickoff=matches["kickoff"].mask(late, matches["kickoff"].iloc[-30]))) == []


@pytest.mark.parametrize("played", range(20, 380, 45))
def test_a_season_under_way_has_none(played: int) -> None:
    assert misfiled_matches(league.some(Matches, ["2425"]).iloc[:played]) == []


def test_a_season_without_gameweeks_is_not_judged() -> None:
    assert misfiled_matches(league.some(Matches, ["1415"])) == []


def test_a_misfiled_match_breaks_a_rule_of_the_history() -> None:
    class Frames:
        def read(self, table: type) -> pd.DataFrame:
            rows = league.some(table, ["1516", "2526"])
            return refile(rows, {"1516-AVL-TOT": 31}) if table is Matches else rows

    assert len(league.some(Appearances, ["2526"]))
    with pytest.raises(HistoryError, match="between those of its neighbours: 1516-AVL-TOT in gameweek 31"):
        history.check(Frames())
