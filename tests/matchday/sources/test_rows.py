"""Rows of an answer: good ones go in, the others are refused with their reasons, and a broken answer as a whole."""

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from matchday.sources.rows import RowReader
from matchday.sources.upstream import Received, SourceError
from matchday.tables import columns
from matchday.tables.observed import ObservedFixtures, ObservedTeams
from tests.matchday.sources.conftest import SATURDAY

GOOD = [{"team": team, "name": f"Club {team}"} for team in ("ARS", "BHA", "CHE", "EVE")]


@pytest.fixture
def rows(receive: Callable[[bytes], Received]) -> RowReader:
    return RowReader(ObservedTeams, "fpl", "2526", receive(b"answer"))


def read(content: Any) -> dict[str, Any]:
    return {"team": content["team"], "name": content["name"]}


def add(rows: RowReader, contents: list[Any]) -> RowReader:
    for content in contents:
        rows.add(content, read)
    return rows


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"name": "No code"}, "has no team"),
        ({"team": "XX", "name": "Two letters"}, "breaks a rule: team str_matches('^[A-Z]{3}$')"),
        ({"team": "ARS", "name": "Again"}, "breaks a rule: the key is unique"),
        ({"team": "WHU", "name": None}, "breaks a rule: no value is missing"),
        (None, "cannot be read (TypeError: 'NoneType' object is not subscriptable)"),
    ],
)
def test_a_row_that_is_refused_says_why_and_the_others_go_in(rows: RowReader, content: Any, reason: str) -> None:
    frame = add(rows, [*GOOD, content]).frame()
    assert frame["team"].tolist() == [one["team"] for one in GOOD]
    assert frame["name"].tolist() == [one["name"] for one in GOOD]
    (refusal,) = rows.refused
    assert refusal.reason == reason
    assert json.loads(refusal.content) == content
    assert (refusal.source, refusal.season, refusal.table) == ("fpl", "2526", "observed_teams")
    assert refusal.raw == frame["raw"].iloc[0]


def test_what_a_reader_raises_is_the_reason(rows: RowReader) -> None:
    add(rows, GOOD)

    def fail(_: Any) -> dict[str, Any]:
        raise ValueError("names team 99, which is none of the season's clubs")

    rows.add({"team": 99}, fail)
    assert rows.refused[0].reason == "names team 99, which is none of the season's clubs"


def test_an_answer_of_which_half_is_refused_is_broken(rows: RowReader) -> None:
    half = [{"name": "No code"}] * len(GOOD)
    assert len(add(rows, [*GOOD, *half]).frame()) == len(GOOD)
    rows.add({"name": "One too many"}, read)
    with pytest.raises(
        SourceError, match=r"^fpl: .* is not what it was: 5 of 9 rows of observed_teams cannot .* has no team$"
    ):
        rows.frame()


def test_an_answer_without_rows_is_an_empty_table(rows: RowReader) -> None:
    frame = rows.frame()
    assert frame.empty
    assert list(frame.columns) == columns(ObservedTeams)


def test_rows_of_several_answers_say_which_is_theirs(receive: Callable[[bytes], Received]) -> None:
    first, second = receive(b"first"), receive(b"second")
    rows = add(RowReader(ObservedTeams, "fpl", "2526", first), GOOD[:2])
    rows.read_on(second)
    add(rows, [*GOOD[2:], {"team": "xx", "name": "Small letters"}]).check_answer()
    assert rows.frame()["raw"].tolist() == [first.origin.sha256] * 2 + [second.origin.sha256] * 2
    assert [refusal.raw for refusal in rows.refused] == [second.origin.sha256]


def test_one_broken_answer_of_several_is_found(receive: Callable[[bytes], Received]) -> None:
    rows = add(RowReader(ObservedTeams, "fpl", "2526", receive(b"first")), GOOD)
    rows.read_on(receive(b"second"))
    add(rows, [{"name": "No code"}])
    with pytest.raises(SourceError, match=r"1 of 1 rows of observed_teams cannot be taken in"):
        rows.check_answer()


def test_text_that_cannot_be_stored_does_not_stop_a_refusal(rows: RowReader) -> None:
    rows.refuse("is strange", {"name": "half a character: \ud800"})
    assert rows.refused[0].content.encode()


def test_values_that_do_not_fit_are_the_answer_s_fault(rows: RowReader) -> None:
    rows = RowReader(ObservedFixtures, "fpl", "2526", rows._received)
    rows.add({}, lambda _: {"match_id": "2526-ARS-LIV", "gameweek": "one", "kickoff": pd.Timestamp(SATURDAY)})
    with pytest.raises(SourceError, match=r"^fpl: .* is not what it was: its rows do not fit into observed_fixtures"):
        rows.frame()
