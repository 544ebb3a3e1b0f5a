"""The Fantasy Premier League API: when a player who is out is expected back, from the words of his news."""

import re
from collections.abc import Hashable
from datetime import date, datetime, timedelta

import pandas as pd

EXPECTED = re.compile(r"\b(?:expected back|suspended until)\D{0,8}(\d{1,2}) ([a-z]{3})", re.IGNORECASE)
"""`Knee injury - Expected back 14 Dec`, `Suspended until 20 Dec`: a day and a month, without a year."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONGEST_PAST = timedelta(days=90)
"""Old news stays: a day of the last three months is past, one before them is of the next year."""


def fill_return_gameweeks(players: pd.DataFrame, fixtures: pd.DataFrame) -> pd.DataFrame:
    """Players with `return_gameweek`: that of the team's first match on the day or after it.

    players: rows of ObservedPlayers. fixtures: rows of ObservedFixtures, of the same season. None when the news name no
    day, and when the team's matches from that day on are not scheduled.
    """
    weeks = _matches_of_teams(fixtures)
    found: list[int | None] = []
    for news, team, known_at in players[["news", "team", "known_at"]].itertuples(index=False):
        day = expected_day(news, known_at) if isinstance(news, str) else None
        coming = [week for kicked, week in weeks.get(team, ()) if day is not None and kicked >= day]
        found.append(coming[0] if coming else None)
    return players.assign(return_gameweek=pd.array(found, dtype="Int64"))


def expected_day(news: str, known_at: datetime) -> date | None:
    """The day on which the news expects a player back, or None: `Knee injury - Expected back 14 Dec`."""
    said = EXPECTED.search(news)
    if said is None or said[2].lower() not in MONTHS:
        return None
    month, earliest = MONTHS.index(said[2].lower()) + 1, known_at.date() - LONGEST_PAST
    for year in (earliest.year, earliest.year + 1):
        try:
            day = date(year, month, int(said[1]))
        except ValueError:  # 29 February, 31 June
            continue
        if day >= earliest:
            return day
    return None


def _matches_of_teams(fixtures: pd.DataFrame) -> dict[Hashable, list[tuple[date, int]]]:
    """Day and gameweek of each team's matches that have both, by day."""
    dated = fixtures[fixtures["kickoff"].notna() & fixtures["gameweek"].notna()].sort_values("kickoff")
    sides = pd.concat([dated.assign(team=dated[side]) for side in ("home", "away")]).sort_values("kickoff")
    return {
        team: [(kickoff.date(), int(week)) for kickoff, week in zip(of["kickoff"], of["gameweek"], strict=True)]
        for team, of in sides.groupby("team")
    }
