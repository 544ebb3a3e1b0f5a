"""football-data.co.uk's file of a season: results, and the user's own odds beside them.

The odds carry no open licence: they stay in what this machine collected, for comparisons with the market alone.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from matchday.sources.clubs import code
from matchday.sources.collected import Collected
from matchday.sources.rows import RowReader
from matchday.sources.upstream import Received, SourceError, Upstream
from matchday.tables.observed import ObservedFixtures, ObservedOdds

SOURCE, URL = "football_data_uk", "https://www.football-data.co.uk"
PACE_SECONDS = 1.0

LONDON = ZoneInfo("Europe/London")
NEEDED = ("Date", "HomeTeam", "AwayTeam", "FTHG", "FTAG")
BOOKMAKERS = {"B365": "bet365", "Avg": "average", "Max": "highest"}
"""Columns begin with it: B365H, B365D, B365A before the match; B365CH, ... at its start."""


def collect(upstream: Upstream, season: str) -> Collected:
    """The season's played matches: one request. season: "2627". Raises SourceError."""
    with upstream.read(f"/mmz4281/{season}/E0.csv") as received:
        lines = list(read_lines(received))
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


def read_lines(received: Received) -> Iterator[dict[str, str]]:
    """The lines of the file by column, without empty ones. Raises SourceError for a file that is none."""
    text = received.body.decode("utf-8-sig", "replace")
    reader = csv.DictReader(io.StringIO(text))
    lacking = [column for column in NEEDED if column not in (reader.fieldnames or ())]
    if lacking:
        raise SourceError(
            f"{SOURCE}: {received.origin.address} is no file of results: it has no column {', '.join(lacking)}",
            reachable=True,
        )
    for line in reader:
        row = {column: value.strip() for column, value in line.items() if column and isinstance(value, str)}
        if any(row.values()):
            yield row


def _result(row: Mapping[str, str], season: str) -> dict[str, object]:
    home, away = code(row["HomeTeam"]), code(row["AwayTeam"])
    return {
        "match_id": f"{season}-{home}-{away}",
        "home": home,
        "away": away,
        "gameweek": None,
        "kickoff": _kickoff(row),
        "status": "finished",
        "home_goals": int(row["FTHG"]),
        "away_goals": int(row["FTAG"]),
    }


def _odds(row: Mapping[str, str], season: str, book: str, closing: bool, columns: list[str]) -> dict[str, object]:
    home, draw, away = (float(row[column]) for column in columns)
    match_id = f"{season}-{code(row['HomeTeam'])}-{code(row['AwayTeam'])}"
    return {
        "match_id": match_id,
        "bookmaker": BOOKMAKERS[book],
        "closing": closing,
        "home": home,
        "draw": draw,
        "away": away,
    }


def _kickoff(row: Mapping[str, str]) -> datetime:
    """UTC of a local date, with two or four digits of the year, and time; 15:00 where no time is given."""
    day, month, year = (int(part) for part in row["Date"].split("/"))
    hour, minute = (int(part) for part in (row.get("Time") or "15:00").split(":"))
    return datetime(year if year > 99 else 2000 + year, month, day, hour, minute, tzinfo=LONDON).astimezone(UTC)
