"""Which matches come next."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.calendar import EARLIEST, CalendarError, last_gameweek_day, next_gameweek, parse
from matchday.tables import Fixtures
from tests import league

SATURDAY = datetime(2025, 9, 6, 15, tzinfo=UTC)


def fixtures(*rounds: tuple[int, datetime, int]) -> pd.DataFrame:
    """Rounds as (gameweek, first kick-off, matches), the matches of a round an hour apart."""
    rows = [
        {"match_id": f"{number}-{i}", "season": "2526", "gameweek": number, "kickoff": first + timedelta(hours=i)}
        for number, first, matches in rounds
        for i in range(matches)
    ]
    return pd.DataFrame(rows).astype({"gameweek": "Int64", "kickoff": "datetime64[us, UTC]"})


WEEKS = fixtures(*((n, SATURDAY + timedelta(days=7 * n), 10) for n in range(1, 6)))


def test_the_round_that_comes_next() -> None:
    gameweek = next_gameweek(WEEKS, SATURDAY + timedelta(days=8))
    assert (gameweek.season, gameweek.number, len(gameweek.fixtures)) == ("2526", 2, 10)
    assert gameweek.fixtures["kickoff"].is_monotonic_increasing


def test_matches_that_have_begun_are_left_out_and_one_that_begins_now_is_not() -> None:
    gameweek = next_gameweek(WEEKS, SATURDAY + timedelta(days=7, hours=3))
    assert (gameweek.number, gameweek.fixtures["match_id"].tolist()) == (1, [f"1-{i}" for i in range(3, 10)])


def test_when_most_of_a_round_has_begun_the_next_one_is_meant() -> None:
    assert next_gameweek(WEEKS, SATURDAY + timedelta(days=7, hours=8)).number == 2


def test_postponed_matches_of_other_rounds_do_not_make_a_round() -> None:
    caught_up = fixtures((1, SATURDAY, 8), (30, SATURDAY + timedelta(days=3), 2), (2, SATURDAY + timedelta(days=7), 10))
    gameweek = next_gameweek(caught_up, SATURDAY + timedelta(days=1))
    assert (gameweek.number, len(gameweek.fixtures)) == (2, 10)


def test_a_round_that_is_spread_over_weeks_is_whole() -> None:
    spread = fixtures((7, SATURDAY, 9), (8, SATURDAY + timedelta(days=7), 10), (7, SATURDAY + timedelta(days=30), 1))
    assert len(next_gameweek(spread, SATURDAY).fixtures) == 10


@pytest.mark.parametrize("as_of", ["2014-08-16", "2019-07-31", "2026-05-25", "2031-01-01"])
def test_dates_that_cannot_be_forecast_are_refused_with_those_that_can(as_of: str) -> None:
    with pytest.raises(CalendarError, match=f"on {as_of}: choose a date from 2019-08-01 to 2026-05-24"):
        next_gameweek(league.whole(Fixtures), parse(as_of))


def test_the_last_gameweek_of_the_bundled_history() -> None:
    day = last_gameweek_day(league.whole(Fixtures))
    gameweek = next_gameweek(league.whole(Fixtures), day)
    assert day == datetime(2026, 5, 24, tzinfo=UTC)
    assert (gameweek.season, gameweek.number, len(gameweek.fixtures)) == ("2526", 38, 10)


@given(hours=some.integers(0, int((datetime(2026, 5, 24, 15, tzinfo=UTC) - EARLIEST) / timedelta(hours=1))))
def test_any_moment_of_the_history_has_a_round_ahead(hours: int) -> None:
    moment = EARLIEST + timedelta(hours=hours)
    gameweek = next_gameweek(league.whole(Fixtures), moment)
    coming = gameweek.fixtures
    assert 1 <= len(coming) <= 20
    assert (coming["kickoff"] >= moment).all()
    assert set(coming["gameweek"]) == {gameweek.number}
    ahead = league.whole(Fixtures)
    ahead = ahead[ahead["kickoff"] >= moment].nsmallest(10, "kickoff")
    assert set(coming["match_id"]) & set(ahead["match_id"]), "one of the next ten is among them"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T12:30", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2026-03-01T12:30:00+02:00", datetime(2026, 3, 1, 10, 30, tzinfo=UTC)),
        ("2026-03-01T12:30:00Z", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
    ],
)
def test_moments_are_read_as_utc(text: str, moment: datetime) -> None:
    assert parse(text) == moment
    assert parse(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "01/03/2026", "2026-02-30"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(CalendarError, match="is not a date: write it as 2026-03-01"):
        parse(text)
