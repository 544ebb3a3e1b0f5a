"""football-data.co.uk's file of a season: results, and the user's own odds beside them.

The odds carry no open licence: they stay in what this machine collected, for comparisons with the market alone.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from matchday.sources.collected import Collected
from matchday.sources.fields import club, number, text, whole
from matchday.sources.live import FOOTBALL_DATA_UK
from matchday.sources.rows import RowReader
from matchday.sources.upstream import Received, SourceError, Upstream
from matchday.tables.observed import ObservedFixtures, ObservedOdds

SOURCE = FOOTBALL_DATA_UK.name

LONDON = ZoneInfo("Europe/London")
NEEDED = ("Date", "HomeTeam", "AwayTeam", "FTHG", "FTAG")
TIMES_SINCE = "1920"
"""First season whose file has times. Of an earlier match 15:00 is taken."""

FIRST_YEAR = 1993
"""Of the oldest file: a year of two digits is this one or one of the 99 after it."""

BOOKMAKERS = {"B365": "bet365", "Avg": "average", "Max": "highest"}
"""Columns begin with it: B365H, B365D, B365A before the match; B365CH, ... at its start."""


def collect(upstream: Upstream, season: str) -> Collected:
    """The season's played matches: one request. season: "2627". Raises SourceError."""
    with upstream.read(f"/mmz4281/{season}/E0.csv") as received:
        lines = read_lines(received, season)
        results = RowReader(ObservedFixtures, SOURCE, season, received)
        odds = RowReader(ObservedOdds, SOURCE, season, received)
        for line in lines:
            results.add(line, lambda row: _result(row, season))
            for book in BOOKMAKERS:
                for closing in (False, True):
                    columns = [f"{book}{'C' * closing}{outcome}" for outcome in "HDA"]
                    if all(line.get(column) for column in columns):
                        odds.add(line, lambda row, b=book, c=closing, n=columns: _odds(row, season, b, c, n))  # type: ignore[misc]
        tables = {ObservedFixtures: results.frame(), ObservedOdds: odds.frame()}
        return Collected(season, tables, (*results.refused, *odds.refused), received.fresh)


def read_lines(received: Received, season: str) -> list[dict[str, str]]:
    """The lines of the file by column, without empty ones. Raises SourceError for a file that is none."""
    try:
        return parse_lines(received.body, (*NEEDED, *(["Time"] if season >= TIMES_SINCE else [])))
    except ValueError as why:
        raise SourceError(
            f"{SOURCE}: {received.origin.address} is no file of results: it {why}", reachable=True
        ) from None


def parse_lines(body: bytes, needed: Sequence[str] = NEEDED) -> list[dict[str, str]]:
    """The lines of a file by column, without empty ones.

    A byte order mark, and cells without a column, are passed over. Raises ValueError, with a reason that follows "it",
    for what is no CSV or lacks a column of `needed`.
    """
    reader = csv.DictReader(io.StringIO(body.decode("utf-8-sig", "replace")))
    try:
        lacking = [column for column in needed if column not in (reader.fieldnames or ())]
        lines = [] if lacking else list(reader)
    except csv.Error as why:
        raise ValueError(f"is no CSV ({why})") from None
    if lacking:
        raise ValueError(f"has no column {', '.join(lacking)}")
    rows = [
        {column: cell.strip() for column, cell in line.items() if column and isinstance(cell, str)} for line in lines
    ]
    return [row for row in rows if any(row.values())]


def read_clubs(row: Mapping[str, str]) -> tuple[str, str]:
    """The three letters of home and away. Raises ValueError as the functions of `fields` do, as does `read_score`."""
    return club(text(row, "HomeTeam")), club(text(row, "AwayTeam"))


def read_score(row: Mapping[str, str]) -> tuple[int, int]:
    """Goals of home and away at full time."""
    return whole(row, "FTHG"), whole(row, "FTAG")


def read_day(row: Mapping[str, str]) -> date:
    """The local date, written with two or four digits of the year. Raises ValueError for what is none."""
    written = text(row, "Date")
    found = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})", written)
    try:
        if found is None:
            raise ValueError
        day, month, year = map(int, found.groups())
        return date(year if year > 99 else FIRST_YEAR + (year - FIRST_YEAR) % 100, month, day)
    except ValueError:
        raise ValueError(f"has the date {written!r}, which is no day") from None


def _result(row: Mapping[str, str], season: str) -> dict[str, object]:
    home, away = read_clubs(row)
    home_goals, away_goals = read_score(row)
    return {
        "match_id": f"{season}-{home}-{away}",
        "home": home,
        "away": away,
        "gameweek": None,
        "kickoff": _kickoff(row, season),
        "status": "finished",
        "home_goals": home_goals,
        "away_goals": away_goals,
    }


def _odds(row: Mapping[str, str], season: str, book: str, closing: bool, columns: list[str]) -> dict[str, object]:
    home, draw, away = (number(row, column) for column in columns)
    return {
        "match_id": "-".join((season, *read_clubs(row))),
        "bookmaker": BOOKMAKERS[book],
        "closing": closing,
        "home": home,
        "draw": draw,
        "away": away,
    }


def _kickoff(row: Mapping[str, str], season: str) -> datetime:
    """UTC of a local date and time; 15:00 in seasons without times."""
    written = text(row, "Time") if season >= TIMES_SINCE else "15:00"
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", written)
    try:
        if found is None:
            raise ValueError
        hour, minute = map(int, found.groups())
        clock = time(hour, minute)
    except ValueError:
        raise ValueError(f"has the time {written!r}, which is no time of day") from None
    return datetime.combine(read_day(row), clock, tzinfo=LONDON).astimezone(UTC)
