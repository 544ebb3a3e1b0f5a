"""When a player is expected back, read from his news."""

from datetime import UTC, date, datetime

import pytest

from matchday.sources import fpl
from matchday.sources.fpl_returns import expected_day, fill_return_gameweeks
from matchday.tables import Availability
from matchday.tables.observed import ObservedPlayers
from tests.matchday.collected.observations import FIRST, at, fixtures, match, player, players
from tests.matchday.sources.conftest import Sources
from tests.services.upstream.bundled import SNAPSHOT, past_season

NOVEMBER = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("news", "day"),
    [
        ("Knee injury - Expected back 14 Dec", date(2026, 12, 14)),
        ("Hamstring injury - Expected back 02 Jan", date(2027, 1, 2)),
        ("Suspended until 6 Dec", date(2026, 12, 6)),
        ("Ankle injury - Expected back 08 Nov", date(2026, 11, 8)),
        ("Knee injury - Expected back 01 Aug", date(2027, 8, 1)),
        ("Knee injury - Expected back 29 Feb", None),
        ("Knee injury - Expected back 31 Jun", None),
        ("Knee injury - Expected back 14 Foo", None),
        ("Knee injury - Unknown return date", None),
        ("Knock - 75% chance of playing", None),
        ("Joined Club 14 Dec on loan until 20 Jun", None),
        ("", None),
    ],
)
def test_the_day_stands_in_the_news_without_its_year(news: str, day: date | None) -> None:
    assert expected_day(news, NOVEMBER) == day


def test_the_gameweek_is_that_of_the_team_s_first_match_from_that_day_on() -> None:
    listed = fixtures(
        match(1, "ARS-LIV", kickoff=at(20), gameweek=1),
        match(1, "MCI-ARS", kickoff=at(29), gameweek=2),
        match(1, "LIV-MCI", kickoff=at(27), gameweek=2),
        match(1, "ARS-BOU", kickoff=None, gameweek=None, status="postponed"),
    )
    days = {7: 20, 8: 21, 9: 29, 10: 30}
    people = players(
        *(player(1, code, news=f"Knee injury - Expected back {at(day):%d %b}") for code, day in days.items()),
        player(1, 11, news=f"Knee injury - Expected back {at(21):%d %b}", team="LIV"),
        player(1, 12, news="Knee injury - Unknown return date"),
        player(1, 13),
    )
    found = fill_return_gameweeks(people, listed).set_index("player")["return_gameweek"]
    assert FIRST.date() == date(2026, 8, 1)
    assert found.fillna(0).to_dict() == {7: 1, 8: 2, 9: 2, 10: 0, 11: 2, 12: 0, 13: 0}


def test_the_gameweeks_of_a_whole_season_s_news_are_the_bundled_ones(sources: Sources) -> None:
    """On one day; of those whose match of that gameweek is not over."""
    flags = SNAPSHOT.load(Availability)
    latest = flags[flags["seen_at"] <= sources.server.now].drop_duplicates("player", keep="last").set_index("player")
    found = fpl.collect(sources.fpl()).tables[ObservedPlayers].set_index("player")["return_gameweek"]
    there = {one.code for one in past_season("2526").registered(sources.server.now)}
    expected = latest.loc[latest.index.isin(there), "return_gameweek"].dropna()
    assert len(expected) > 20
    assert found[expected.index].to_dict() == expected.to_dict()
    assert found.notna().sum() == len(expected)
