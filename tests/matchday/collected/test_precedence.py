"""Which source is believed, and what happens to matches that do not go as scheduled: a test for each rule."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchday.collected.precedence import BelievedMatch, believe, disagreements, statements
from tests.matchday.collected.observations import FPL, ORG, SATURDAY, UK, fixtures, match

LATER = SATURDAY + timedelta(days=30)


def believed(*rows: dict[str, object]) -> BelievedMatch:
    (found,) = believe(statements(fixtures(*rows)))
    return found


def reported(*rows: dict[str, object]) -> list[str]:
    return list(map(str, disagreements(statements(fixtures(*rows)))))


def test_the_schedule_is_the_games_own():
    other = SATURDAY + timedelta(hours=2)
    both = (match(1, gameweek=3), match(5, source=ORG, gameweek=4, kickoff=other))
    found = believed(*both)
    assert (found.kickoff, found.gameweek, found.status, found.kickoff_exact) == (SATURDAY, 3, "scheduled", True)
    assert reported(*both) == ["2627-ARS-LIV: kickoff is 2026-08-22 14:00, but football_data_org says 2026-08-22 16:00"]


def test_without_the_game_the_schedule_is_the_next_sources():
    found = believed(match(5, source=UK, score=(1, 0), kickoff=LATER), match(1, source=ORG, gameweek=4))
    assert (found.kickoff, found.gameweek, found.score) == (SATURDAY, 4, (1, 0))
    alone = believed(match(5, source=UK, score=(1, 0)))
    assert (alone.gameweek, alone.kickoff_exact) == (None, False)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({FPL: (1, 0), ORG: (1, 0), UK: (2, 0)}, (1, 0)),
        ({FPL: (2, 0), ORG: (1, 0), UK: (1, 0)}, (1, 0)),
        ({FPL: (1, 0), ORG: (2, 0), UK: (3, 0)}, (1, 0)),
        ({FPL: (1, 0), ORG: (2, 0), UK: None}, (1, 0)),
        ({FPL: None, ORG: (2, 0), UK: (3, 0)}, (2, 0)),
        ({FPL: None, ORG: None, UK: (3, 0)}, (3, 0)),
        ({FPL: (0, 0), ORG: None, UK: None}, (0, 0)),
        ({FPL: None, ORG: None, UK: None}, None),
    ],
)
def test_two_sources_of_one_result_outvote_the_third(scores, expected):
    assert believed(*(match(1, source=source, score=score) for source, score in scores.items())).score == expected


def test_an_outvoted_result_is_reported():
    rows = (match(1, score=(2, 0)), match(1, source=ORG, score=(1, 0)), match(1, source=UK, score=(1, 0)))
    assert reported(*rows) == ["2627-ARS-LIV: result is 1-0, but fpl says 2-0"]


def test_a_correction_is_a_new_version_that_is_believed():
    assert believed(match(1, score=(2, 0)), match(2, score=(2, 1))).score == (2, 1)


def test_a_result_that_is_withdrawn_is_gone_though_others_still_have_it():
    rows = [match(1, score=(2, 0)), match(1, source=UK, score=(2, 0)), match(2)]
    assert believed(*rows).status == "scheduled" and believed(*rows).score is None
    assert reported(*rows) == ["2627-ARS-LIV: result is none (withdrawn by fpl), but football_data_uk says 2-0"]
    assert believed(*rows, match(3, gameweek=2)).score is None, "it has been withdrawn since day 2"
    assert believed(*rows, match(4, source=UK, score=(2, 1))).score == (2, 1), "said after the withdrawal"
    assert believed(*rows, match(4, score=(0, 3))).score == (0, 3)


def test_a_less_believed_source_does_not_withdraw():
    rows = (match(1, score=(2, 0)), match(1, source=ORG, score=(2, 0)), match(2, source=ORG))
    assert believed(*rows).score == (2, 0)


def test_a_source_that_is_late_withdraws_nothing():
    assert believed(match(1), match(3, source=UK, score=(2, 0)), match(4, status="live")).score == (2, 0)


def test_an_abandoned_match_has_no_result_and_is_played_again():
    rows = [match(1, status="live"), match(1, source=ORG, status="abandoned")]
    assert believed(*rows).status == "abandoned"
    assert believed(*rows, match(2, score=(1, 0))).score is None, "the game counts what was played"
    assert reported(*rows, match(2, score=(1, 0))) == ["2627-ARS-LIV: result is none (abandoned), but fpl says 1-0"]
    again = believed(*rows, match(3, kickoff=LATER, gameweek=9))
    assert (again.status, again.kickoff, again.gameweek) == ("scheduled", LATER, 9)
    assert believed(*rows, match(40, kickoff=LATER, score=(3, 3))).score == (3, 3)


def test_a_postponed_match_has_no_kickoff_until_it_gets_one():
    rows = [match(1, gameweek=2), match(2, kickoff=None, gameweek=None, status="postponed")]
    old_date = match(2, source=ORG, status="postponed", gameweek=2)
    assert believed(*rows, old_date).status == "postponed" and believed(*rows, old_date).kickoff is None
    assert reported(*rows, old_date) == []
    again = believed(*rows, old_date, match(9, kickoff=LATER, gameweek=7))
    assert (again.status, again.kickoff, again.gameweek) == ("scheduled", LATER, 7)


def test_a_match_moved_between_gameweeks_has_the_games_gameweek():
    rows = (match(1, gameweek=2), match(1, source=ORG, gameweek=2), match(4, gameweek=5))
    assert believed(*rows).gameweek == 5
    assert reported(*rows) == [], "the second witness keeps the original round"


def test_an_awarded_match_has_the_result_of_the_award():
    rows = (
        match(1, score=(1, 1)),
        match(1, source=UK, score=(1, 1)),
        match(2, source=ORG, score=(3, 0), status="awarded"),
    )
    assert (believed(*rows).status, believed(*rows).score) == ("awarded", (3, 0))
    assert reported(*rows) == ["2627-ARS-LIV: result is 3-0, but fpl says 1-1, football_data_uk says 1-1"]


def test_a_cancelled_match_is_neither_played_nor_to_come():
    found = believed(match(1), match(2, source=ORG, status="cancelled"))
    assert (found.status, found.score) == ("cancelled", None)


@pytest.mark.parametrize("status", ["awarded", "abandoned", "cancelled"])
def test_only_one_source_tells_such_matches(status):
    score = (3, 0) if status == "awarded" else None
    row = match(2, source=UK, score=score, status=status)
    assert believed(match(1, score=(1, 1)), row).score == (1, 1)
    assert believed(match(1), row).status in ("scheduled", "finished")


def test_a_played_match_has_a_kickoff_of_any_source():
    rows = (match(1, kickoff=None, gameweek=None), match(2, source=ORG, score=(1, 0), gameweek=6))
    found = believed(*rows)
    assert (found.kickoff, found.gameweek, found.score) == (SATURDAY, 6, (1, 0))


said = st.tuples(
    st.integers(0, 5), st.sampled_from([FPL, ORG, UK]), st.none() | st.tuples(st.integers(0, 2), st.integers(0, 2))
)


@given(rows=st.lists(said, min_size=1, max_size=8, unique_by=lambda one: one[:2]), data=st.data())
@settings(max_examples=60)
def test_the_order_of_rows_does_not_matter_and_a_result_was_said(rows, data):
    made = [match(day, source=source, score=score) for day, source, score in rows]
    found = believed(*made)
    assert believed(*data.draw(st.permutations(made))) == found
    assert found.score is None or found.score in {score for _, _, score in rows}
    if len({one[2] for one in rows}) == 1:
        assert found.score == rows[0][2] and reported(*made) == []
