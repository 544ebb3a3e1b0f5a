"""football-data.co.uk's file of a past season at an instant, with its traps: BOM, CRLF, short years, empty cells.

The odds are made up: numbers from the match's name, with an overround, nothing that a bookmaker ever offered.
"""

import random
from datetime import datetime
from zoneinfo import ZoneInfo

from console.demo.upstream import running
from console.demo.upstream.season import HALF, PastMatch, PastSeason

LONDON = ZoneInfo("Europe/London")
NAMES = {
    "BHA": "Brighton",
    "CAR": "Cardiff",
    "COV": "Coventry",
    "HUD": "Huddersfield",
    "HUL": "Hull",
    "IPS": "Ipswich",
    "LEE": "Leeds",
    "LEI": "Leicester",
    "LUT": "Luton",
    "MCI": "Man City",
    "MUN": "Man United",
    "NEW": "Newcastle",
    "NFO": "Nott'm Forest",
    "NOR": "Norwich",
    "QPR": "QPR",
    "STK": "Stoke",
    "SWA": "Swansea",
    "TOT": "Tottenham",
    "WBA": "West Brom",
    "WHU": "West Ham",
    "WOL": "Wolves",
}
TIMES_SINCE = "1920"
BOOKS = ("B365", "Max", "Avg", "B365C", "MaxC", "AvgC")
OVERROUND = 1.05


def file(season: PastSeason, now: datetime, short_years: bool = False) -> bytes:
    """`mmz4281/{season}/E0.csv`: matches whose result is confirmed, by kick-off."""
    timed = season.season >= TIMES_SINCE
    header = ["Div", "Date", *(["Time"] if timed else []), "HomeTeam", "AwayTeam", "FTHG", "FTAG", "FTR"]
    header += ["HTHG", "HTAG", "HTR", "Referee", "HY", "AY", "HR", "AR"]
    header += [f"{book}{outcome}" for book in BOOKS for outcome in "HDA"]
    lines = [
        header,
        *(_line(season, match, timed, short_years) for match in season.matches if _there(season, match, now)),
    ]
    return "".join(",".join([*line, "", ""]) + "\r\n" for line in lines).encode("utf-8-sig")


def _there(season: PastSeason, match: PastMatch, now: datetime) -> bool:
    return season.phase(match, now) == "finished"


def _line(season: PastSeason, match: PastMatch, timed: bool, short_years: bool) -> list[str]:
    local = match.kickoff.astimezone(LONDON)
    half = running.score_after(season, match, HALF)
    cards = {
        (column, home): sum(row[column] for _, row in season.rows_of_match[match.match_id] if row["home"] == home)
        for column in ("yellow_cards", "red_cards")
        for home in (True, False)
    }
    date = f"{local:%d/%m/%y}" if short_years else f"{local:%d/%m/%Y}"
    return [
        "E0",
        date,
        *([f"{local:%H:%M}"] if timed else []),
        NAMES.get(match.home) or season.teams[match.home],
        NAMES.get(match.away) or season.teams[match.away],
        *_result(match.home_goals, match.away_goals),
        *_result(*half),
        "A Referee",
        *(str(count) for count in cards.values()),
        *_odds(match),
    ]


def _result(home: int, away: int) -> list[str]:
    return [str(home), str(away), "H" if home > away else "A" if away > home else "D"]


def _odds(match: PastMatch) -> list[str]:
    made_up = random.Random(match.match_id)
    found = []
    for _ in BOOKS:
        weights = [made_up.uniform(1, 4) for _ in range(3)]
        found += [f"{sum(weights) / weight / OVERROUND:.2f}" for weight in weights]
    return found
