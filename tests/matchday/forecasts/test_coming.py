"""Which matches come next: gameweeks, those of two matches and of none, postponed ones, the end of a season."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.calendar import CalendarError
from matchday.forecasts.coming import find_coming
from matchday.forecasts.scheduled import ScheduledMatch
from tests import league
from tests.matchday.forecasts.league_ahead import FIRST, TEAMS, rounds, scheduled

WEEK = timedelta(weeks=1)
HOUR = timedelta(hours=1)


def ids(matches: tuple[ScheduledMatch, ...]) -> list[str]:
    return [match.match_id.removeprefix("2627-") for match in matches]


def season() -> list[ScheduledMatch]:
    """A gameweek has ten matches in the league, and so does a gameweek here: five pairs, there and back."""
    teams = [f"{letter * 3}" for letter in "ABCDEFGHIJKLMNOPQRST"]
    pairs = [f"{home}-{away}" for home, away in zip(teams[::2], teams[1::2], strict=True)]
    return [scheduled(pair, gameweek) for gameweek, pairs in ((1, pairs), (2, turned(pairs))) for pair in pairs]


def turned(pairs: list[str]) -> list[str]:
    return ["-".join(reversed(pair.split("-"))) for pair in pairs]


def test_the_next_gameweek_is_the_one_that_begins_next() -> None:
    coming = find_coming(season(), FIRST - HOUR)
    assert (coming.season, coming.gameweeks, len(coming.matches), coming.notes) == ("2627", (1,), 10, ())
    assert find_coming(season(), FIRST).gameweeks == (2,), "a match begins at its kick-off"


def test_several_gameweeks_follow_by_number() -> None:
    coming = find_coming(rounds(), FIRST - HOUR, weeks=4)
    assert coming.gameweeks == (1, 2, 3, 4) and len(coming.matches) == 8
    assert find_coming(rounds(), FIRST + 4 * WEEK + HOUR, weeks=4).gameweeks == (6,), "there is only one left"


def test_a_gameweek_under_way_is_the_next_until_half_of_it_has_begun() -> None:
    fixtures = season()
    for late, (place, teams) in enumerate(
        [(9, "SSS-TTT"), (8, "QQQ-RRR"), (7, "OOO-PPP"), (6, "MMM-NNN"), (5, "KKK-LLL")]
    ):
        fixtures[place] = scheduled(teams, 1, days=2)
        coming = find_coming(fixtures, FIRST + HOUR)
        assert ids(coming.matches)[0] == teams
        half = late == 4
        assert (coming.gameweeks, len(coming.matches)) == (((1,), 5) if half else ((2,), 11 + late))
        assert coming.notes[-1:] == (() if half else ("SSS - TTT is left of gameweek 1",))


def test_a_gameweek_of_few_matches_is_the_next_all_the_same() -> None:
    few = [scheduled("AAA-BBB", 1, days=-7), *(one for one in season() if one.gameweek == 2)]
    coming = find_coming(few, FIRST - 8 * 24 * HOUR)
    assert coming.gameweeks == (1,) and ids(coming.matches) == ["AAA-BBB"]


def test_the_last_gameweek_is_forecast_to_its_last_match() -> None:
    fixtures = [one for one in season() if one.gameweek == 1]
    fixtures[9] = scheduled("SSS-TTT", 1, days=2)
    coming = find_coming(fixtures, FIRST + HOUR)
    assert (coming.gameweeks, ids(coming.matches), coming.notes) == ((1,), ["SSS-TTT"], ())


def test_a_team_that_plays_twice_and_one_that_does_not_are_named() -> None:
    fixtures = [scheduled("ARS-LIV"), scheduled("CHE-ARS", 1, days=3), scheduled("EVE-CHE", 2), scheduled("LIV-ARS", 2)]
    coming = find_coming(fixtures, FIRST - HOUR, weeks=2)
    assert ids(coming.matches) == ["ARS-LIV", "CHE-ARS", "EVE-CHE", "LIV-ARS"]
    assert coming.notes == ("gameweek 1: ARS play more than once", "gameweek 1: no match of EVE")


def test_a_gameweek_without_a_match_is_passed_over_and_named() -> None:
    coming = find_coming([scheduled("ARS-LIV", 6), scheduled("LIV-ARS", 8)], FIRST, weeks=2)
    assert (coming.gameweeks, coming.notes) == ((6, 8), ("gameweek 7 has no match",))


def test_a_match_that_was_moved_into_a_later_gameweek_comes_with_it() -> None:
    fixtures = [*season(), scheduled("AAA-CCC", 1, week=2, days=-1), scheduled("CCC-AAA", None, week=2, days=-1)]
    coming = find_coming(fixtures, FIRST + HOUR)
    assert coming.gameweeks == (2,) and {"AAA-CCC", "CCC-AAA"} <= set(ids(coming.matches))
    assert coming.notes == ("AAA - CCC is left of gameweek 1", "CCC - AAA has no gameweek yet")


def test_matches_that_keep_their_gameweek_for_months_bring_no_others_with_them() -> None:
    late = scheduled("AAA-CCC", 1, week=20)
    coming = find_coming([*season(), late], FIRST - HOUR)
    assert coming.gameweeks == (1,) and len(coming.matches) == 11
    assert all(match.gameweek == 1 for match in coming.matches)
    assert find_coming([*season(), late], FIRST + HOUR).gameweeks == (2,)
    whole = [scheduled("-".join(one.teams), 1, week=20) if one.gameweek == 1 else one for one in season()]
    assert find_coming(whole, FIRST).gameweeks == (2,), "all of gameweek 1 was postponed"


def test_matches_without_gameweeks_are_the_next_ten() -> None:
    coming = find_coming([scheduled("ARS-LIV", None), scheduled("LIV-ARS", None, days=1)], FIRST - HOUR)
    assert (coming.gameweeks, len(coming.matches)) == ((), 2)


def test_after_the_last_match_there_is_none_and_before_a_season_its_first() -> None:
    assert find_coming(rounds(), FIRST + 5 * WEEK).matches == ()
    assert find_coming([], FIRST).matches == ()
    both = [*rounds(), *(scheduled(f"{home}-ARS", 1, season="2728", week=50) for home in TEAMS[1:])]
    after = find_coming(both, FIRST + 5 * WEEK)
    assert (after.season, after.gameweeks, len(after.matches)) == ("2728", (1,), 3)


@pytest.mark.parametrize(("weeks", "moment"), [(0, FIRST), (5, FIRST), (1, datetime(2018, 1, 1, tzinfo=UTC))])
def test_what_cannot_be_forecast_is_refused(weeks: int, moment: datetime) -> None:
    with pytest.raises(CalendarError, match="choose"):
        find_coming(rounds(), moment, weeks)


@given(hours=some.integers(0, 24 * 300), weeks=some.integers(1, 4))
def test_at_any_moment_of_a_real_season_all_are_to_come_and_none_before_them_is_left_out(
    hours: int, weeks: int
) -> None:
    """22/23: no gameweek 7, gameweeks of two matches, of none, a World Cup."""
    fixtures = real_season()
    moment = datetime(2022, 8, 1, tzinfo=UTC) + timedelta(hours=hours)
    coming = find_coming(fixtures, moment, weeks)
    left = [match for match in fixtures if match.kickoff > moment]
    assert bool(coming.matches) == bool(left)
    if left:
        assert all(match.kickoff > moment for match in coming.matches)
        assert {match for match in left if match.gameweek in coming.gameweeks} <= {*coming.matches}
        assert min(left, key=lambda match: match.kickoff).kickoff == coming.matches[0].kickoff


REAL: list[ScheduledMatch] = []


def real_season() -> list[ScheduledMatch]:
    from matchday.forecasts.past_knowledge import plain_rows
    from matchday.tables import Fixtures

    if not REAL:
        REAL.extend(ScheduledMatch.of_row(row) for row in plain_rows(league.some(Fixtures, ["2223"])))
    return REAL
