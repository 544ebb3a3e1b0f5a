"""Statistics that say 0 where nobody recorded them."""

import pandas as pd
import pytest

from matchday import history
from matchday.history import HistoryError
from matchday.ratings import form, goals
from matchday.ratings.xg import with_sums, with_xg
from matchday.tables import Appearances, Matches
from matchday.tables.arrow import dtypes
from matchday.unrecorded import ALWAYS_SOMEONE, blank_unrecorded, unrecorded_statistics
from tests import league

INDICES = ["influence", "creativity", "threat"]


@pytest.fixture(scope="module")
def last_day() -> pd.DataFrame:
    """Gameweek 37 and 38 of 21/22, the latter with the zeros that the source has."""
    rows = league.some(Appearances, ["2122"])
    rows = rows[rows["gameweek"] >= 37].reset_index(drop=True)
    return rows.assign(**{name: rows[name].fillna(0.0) for name in INDICES})


def test_the_indices_of_twenty_matches_of_the_bundled_history_are_null() -> None:
    rows = league.whole(Appearances)
    for name in INDICES:
        missing = rows[rows[name].isna()]
        assert missing.groupby("season")["match_id"].nunique().to_dict() == {"2122": 10, "2223": 10}
        assert set(missing["gameweek"]) == {38}
    assert not unrecorded_statistics(rows)


def test_zeros_of_everybody_are_blanked_and_nothing_else(last_day: pd.DataFrame) -> None:
    assert len(unrecorded_statistics(last_day)) == 10 * len(INDICES)
    blanked = blank_unrecorded(last_day)
    gone = last_day["gameweek"] == 38
    assert blanked.loc[gone, INDICES].isna().all(axis=None)
    pd.testing.assert_frame_equal(blanked[~gone], last_day[~gone])
    pd.testing.assert_frame_equal(blanked.drop(columns=INDICES), last_day.drop(columns=INDICES))
    assert unrecorded_statistics(blanked) == []


def test_one_player_with_something_is_enough(last_day: pd.DataFrame) -> None:
    rows = last_day.copy()
    at = rows.index[(rows["gameweek"] == 38) & (rows["minutes"] > 0)][0]
    rows.loc[at, "threat"] = 2.0
    assert f"{rows.loc[at, 'match_id']} (threat)" not in unrecorded_statistics(rows)
    assert f"{rows.loc[at, 'match_id']} (influence)" in unrecorded_statistics(rows)


def test_a_match_in_which_nobody_played_has_no_statistics_to_miss(last_day: pd.DataFrame) -> None:
    """An award that was never played."""
    assert unrecorded_statistics(last_day.assign(minutes=0)) == []


def test_a_table_without_rows_stays_one() -> None:
    empty = pd.DataFrame(columns=list(dtypes(Appearances))).astype(dict(dtypes(Appearances)))
    pd.testing.assert_frame_equal(blank_unrecorded(empty), empty)


@pytest.mark.parametrize("column", ALWAYS_SOMEONE)
def test_such_zeros_break_a_rule_of_the_history(column: str) -> None:
    matches, rows = league.some(Matches, ["2526"]), league.some(Appearances, ["2526"])
    rows.loc[rows["match_id"] == "2526-LIV-BOU", column] = 0.0

    class Frames:
        def read(self, table: type) -> pd.DataFrame:
            return matches if table is Matches else rows

    with pytest.raises(HistoryError, match=rf"are null: 2526-LIV-BOU \({column}\)$"):
        history.check(Frames())


@pytest.mark.parametrize("zeros", ["null", "as published"])
def test_where_nothing_is_recorded_goals_serve_as_expected_goals(zeros: str) -> None:
    """Whether a source says null or 0: a stream takes rows one by one and cannot blank them."""
    seasons = ["2021", "2122"]
    matches, rows = league.some(Matches, seasons), league.some(Appearances, seasons)
    if zeros == "as published":
        rows = rows.assign(**{name: rows[name].fillna(0.0) for name in INDICES})
    found = with_xg(matches, rows)
    last = found[(found["season"] == "2122") & (found["gameweek"] == 38)]
    assert last[["home_xg", "away_xg"]].isna().all(axis=None)
    others = found[(found["season"] == "2122") & (found["gameweek"] < 38)]
    assert others[["home_xg", "away_xg"]].notna().all(axis=None)
    sums = with_sums(matches, rows).loc[found.index[found["gameweek"] == 38]]
    assert sums[sums["season"] == "2122"]["home_saves"].notna().all()

    match = last.iloc[0]
    sides, scored = (match["home"], match["away"]), (int(match["home_goals"]), int(match["away_goals"]))
    expected = (match["home_xg"], match["away_xg"])
    seen = goals.observe(goals.GoalsState(), match["kickoff"], *sides, scored, expected).matches[0]
    assert (seen["home_value"], seen["away_value"]) == scored
    state = form.observe(form.open_season(form.FormState(), sides), match["kickoff"], *sides, scored, expected)
    assert form.mean_of_last(state, match["home"], 1).xg_for == scored[0]
