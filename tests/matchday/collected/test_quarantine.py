"""Rows that are refused, and what becomes of them."""

import json
from datetime import timedelta

import pandas as pd
import pytest

from matchday.collected.precedence import believe, statements
from matchday.collected.quarantine import Quarantine, QuarantineError, refuse_unreadable, separate_untrue
from matchday.collected.store import no_rows
from matchday.collected.truths import broken_truths, season_warnings
from matchday.lake import Lake
from matchday.sources.rows import Refusal
from matchday.tables import Fixtures, validate
from matchday.tables.observed import ObservedFixtures
from matchday.tables.refused_rows import RefusedRows
from tests import league
from tests.matchday.collected.observations import FPL, RAW, SATURDAY, SEASON, at, fixtures, match

KNOWN_BEFORE = {"observed_fixtures": fixtures(match(25, score=(2, 0)))}
NOTHING = {"observed_fixtures": no_rows(ObservedFixtures)}
AGAIN = match(60, score=(1, 0), kickoff=SATURDAY + timedelta(days=30))
"""Another result of another day."""


@pytest.fixture
def quarantine(tmp_path):
    return Quarantine(Lake(str(tmp_path / "collected")))


def unreadable(reason: str = "has no code", content: str = '{"id": 4, "name": "x"}') -> Refusal:
    return Refusal(FPL, SEASON, "observed_players", reason, content, RAW)


def sift(*rows, latest=KNOWN_BEFORE, released=frozenset(), day=61.0):
    return separate_untrue(ObservedFixtures, fixtures(*rows), latest, set(released), at(day))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (match(1, kickoff=SATURDAY.replace(year=2027)), "kicks off on 2027-08-22, not in season 2627"),
        (match(1, kickoff=SATURDAY.replace(month=6)), "kicks off on 2026-06-22, not in season 2627"),
        (match(1, score=(1, 0)), "has a result before its kick-off on 2026-08-22 14:00"),
        (AGAIN, "has two results: 2-0 on 2026-08-22 and 1-0 on 2026-09-21"),
    ],
)
def test_a_row_that_breaks_a_truth_is_refused_and_the_rest_goes_in(row, reason):
    taken, refused = sift(match(40, "MCI-BOU"), row)
    assert list(taken["match_id"]) == ["2627-MCI-BOU"]
    assert list(refused["reason"]) == [reason] and list(refused["key"]) == ["2627-ARS-LIV"]
    validate(RefusedRows, refused)
    assert json.loads(refused["content"][0])["home"] == "ARS"


@pytest.mark.parametrize(
    "row",
    [
        match(26, score=(2, 1)),
        match(1, kickoff=None, status="postponed"),
        match(1, score=(3, 0), status="awarded"),
        match(60, score=(2, 0), kickoff=SATURDAY + timedelta(days=30)),
    ],
)
def test_a_correction_a_match_without_date_and_an_award_are_true(row):
    taken, refused = sift(row)
    assert len(taken) == 1 and refused.empty


def test_goals_of_players_make_the_score():
    latest = {"observed_fixtures": fixtures(match(25, score=(2, 1)), match(25, "MCI-BOU", status="live"))}
    made = [("ARS-LIV", "ARS", 1, 0), ("ARS-LIV", "ARS", 1, 1), ("MCI-BOU", "MCI", 1, 0)]
    rows = pd.DataFrame(made, columns=["match_id", "team", "goals", "own_goals"])
    rows["match_id"] = "2627-" + rows["match_id"]
    assert broken_truths("observed_appearances", rows, latest) == {}
    found = broken_truths("observed_appearances", rows.assign(own_goals=0), latest)
    told = "is of a match that ended 2-1, of which the players' goals make 2-0"
    assert [reason for _, reason in found.values()] == [told] * 2
    assert list(found) == [0, 1], "the match that is under way is not judged"


def test_the_same_refusal_is_kept_once(quarantine):
    first = refuse_unreadable([unreadable(), unreadable("has no team")], at(1))
    assert len(quarantine.keep(first)) == 2 and quarantine.keep(first).empty
    later = refuse_unreadable([unreadable(content='{"id": 4, "name": "y"}')], at(2))
    assert quarantine.keep(later).empty, "the same row of the source, refused for the same reason"
    assert list(quarantine.rows()["known_at"]) == [at(1)] * 2
    assert quarantine.needed() == {RAW}


def test_a_row_of_the_schema_cannot_be_released_but_dropped(quarantine):
    (kept,) = quarantine.keep(refuse_unreadable([unreadable()], at(1)))["id"]
    with pytest.raises(QuarantineError, match=r"cannot be released.*has no code"):
        quarantine.release(kept, at(2))
    assert list(quarantine.drop(kept, at(3))["state"]) == ["dropped"]
    assert quarantine.rows("kept").empty and list(quarantine.rows("dropped")["decided_at"]) == [at(3)]
    assert quarantine.keep(refuse_unreadable([unreadable()], at(4))).empty


def test_a_truth_of_the_schema_cannot_be_waived(quarantine):
    _, refused = sift(match(1, kickoff=SATURDAY.replace(year=2027)))
    quarantine.keep(refused)
    with pytest.raises(QuarantineError, match="cannot be released"):
        quarantine.release("2627-ARS-LIV", at(2))


def test_a_released_row_goes_in_as_known_from_then(quarantine):
    _, refused = sift(AGAIN)
    quarantine.keep(refused)
    assert list(quarantine.release("2627-ARS-LIV", at(62))["state"]) == ["released"]
    taken, refused = sift(AGAIN, match(60, "MCI-BOU"), released=quarantine.released(), day=63)
    assert refused.empty
    assert list(zip(taken["match_id"], taken["known_at"], strict=True)) == [
        ("2627-ARS-LIV", at(63)),
        ("2627-MCI-BOU", at(60)),
    ]
    other = AGAIN | {"home_goals": 5}
    assert len(sift(other, released=quarantine.released())[1]) == 1, "what was released is this row alone"


def test_a_name_that_is_not_there_is_refused(quarantine):
    with pytest.raises(QuarantineError, match="nothing in quarantine is called 123"):
        quarantine.find("123")


def season(*changed):
    """The matches of 2025/26 as one source schedules them, with changes by match_id."""
    scheduled = league.some(Fixtures, ["2526"]).assign(source=FPL, known_at=pd.Timestamp("2025-07-01T00:00Z"))
    rows = scheduled.assign(raw=RAW, status="scheduled", home_goals=pd.NA, away_goals=pd.NA).set_index("match_id")
    for match_id, column, value in changed:
        rows.loc[match_id, column] = value
    return season_warnings("2526", believe(statements(rows.reset_index())))


def test_a_true_season_has_no_warning():
    assert season() == []


def test_a_season_is_warned_about_as_a_whole():
    first, last = "2526-LIV-BOU", "2526-ARS-CHE"
    found = season((first, "gameweek", 20), (last, "kickoff", pd.NaT))
    assert found[0] == f"1 of its matches have no kick-off yet: {last}"
    assert found[1].startswith(
        "gameweeks are not in the order of kick-offs: BOU plays 2 after 20, LIV plays 2 after 20"
    )
    assert season_warnings("2526", []) == ["season 2526 has 0 known matches, not 380"]
