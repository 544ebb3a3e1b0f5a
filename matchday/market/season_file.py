"""A season file of football-data.co.uk on the user's disk: which odds each match had.

The columns come and go over the years, so a match has the odds of the first book in `BOOKS` that is whole.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import pandas as pd

from matchday.market.error import MarketError
from matchday.sources.fields import number
from matchday.sources.football_data_uk import BOOKMAKERS, NEEDED, parse_lines, read_clubs, read_day, read_score

DIVISION = "E0"
"""The Premier League, in the column `Div`."""

BOOKS = {"Avg": BOOKMAKERS["Avg"], "BbAv": "average of Betbrain", "B365": BOOKMAKERS["B365"], "PS": "Pinnacle"}
"""What columns begin with, the preferred first. Averages have the least noise; Betbrain's ended with 2018/19."""

LAST_MONTH = 7
"""A season's matches lie before August at the latest: those of 2019/20 ended on 26 July."""


class Moment(StrEnum):
    """When the odds were offered: some days before the match, or at its kick-off."""

    PRE_MATCH = "pre-match"
    CLOSING = "closing"


COLUMN = {Moment.PRE_MATCH: "", Moment.CLOSING: "C"}
"""What follows the book in the name of a column: B365H, B365CH."""


@dataclass(frozen=True)
class SeasonFile:
    """What one file holds.

    name: of the file. season: "2324". matches: `match_id`, `home_goals`, `away_goals` of each. odds: `match_id`,
    `moment`, `book`, and decimal odds `H`, `D`, `A`, at most one row for each match and moment. left_out: sentences
    about lines that could not be used.
    """

    name: str
    season: str
    matches: pd.DataFrame
    odds: pd.DataFrame
    left_out: tuple[str, ...]


def read_season_file(name: str, body: bytes) -> SeasonFile:
    """Read a file. Its season is that of most of its dates, whatever it is called; a match is known by its clubs.

    Lines of other seasons or divisions, with a club that is not known, without a result, or of a match that an earlier
    line had, are left out and told. Raises MarketError for a file that holds no match at all.
    """
    try:
        lines = parse_lines(body, NEEDED)
    except ValueError as why:
        raise MarketError(f"{name}: it {why}") from None
    own = [line for line in lines if line.get("Div", DIVISION) in (DIVISION, "")]
    if not own:
        found = ", ".join(sorted({line["Div"] for line in lines})) or "nothing"
        raise MarketError(f"{name}: it holds no match of the Premier League ({DIVISION}), but {found}")
    season = _most_frequent_season(name, own)
    matches: dict[str, dict[str, Any]] = {}
    odds: list[dict[str, Any]] = []
    reasons: Counter[str] = Counter({"is of another division": len(lines) - len(own)} if len(own) < len(lines) else {})
    for line in own:
        try:
            match = _read_match(line, season)
            if match["match_id"] in matches:
                raise ValueError(f"repeats the match {match['match_id']}")
        except ValueError as why:
            reasons[str(why)] += 1
            continue
        matches[match["match_id"]] = match
        offered = (_read_odds(line, moment) for moment in Moment)
        odds += [{"match_id": match["match_id"], **one} for one in offered if one]
    if not matches:
        raise MarketError(f"{name}: no line can be used; the first because it {next(iter(reasons))}")
    return SeasonFile(
        name,
        season,
        pd.DataFrame(list(matches.values())),
        pd.DataFrame(odds, columns=["match_id", "moment", "book", "H", "D", "A"]),
        tuple(f"{name}: {_count(count)} left out: it {reason}" for reason, count in reasons.items()),
    )


def season_of(day: date) -> str:
    """The season of a day, "2324"; July belongs to the season that ends."""
    first = day.year - (day.month <= LAST_MONTH)
    return f"{first % 100:02d}{(first + 1) % 100:02d}"


def _most_frequent_season(name: str, lines: Sequence[Mapping[str, str]]) -> str:
    seasons: Counter[str] = Counter()
    for line in lines:
        try:
            seasons[season_of(read_day(line))] += 1
        except ValueError as why:
            reason = why
    if not seasons:
        raise MarketError(f"{name}: no line has a date; the last {reason}")
    return seasons.most_common(1)[0][0]


def _read_match(line: Mapping[str, str], season: str) -> dict[str, Any]:
    if (played := season_of(read_day(line))) != season:
        raise ValueError(f"is of season {played}, and the file of {season}")
    home_goals, away_goals = read_score(line)
    match_id = "-".join((season, *read_clubs(line)))
    return {"match_id": match_id, "home_goals": home_goals, "away_goals": away_goals}


def _read_odds(line: Mapping[str, str], moment: Moment) -> dict[str, Any] | None:
    """The odds of the first book whose three cells are numbers above 1; None where there is none."""
    for book, title in BOOKS.items():
        try:
            odds = {outcome: number(line, f"{book}{COLUMN[moment]}{outcome}") for outcome in "HDA"}
        except ValueError:
            continue
        if min(odds.values()) > 1:
            return {"moment": moment.value, "book": title, **odds}
    return None


def _count(lines: int) -> str:
    return f"{lines} line{'s' * (lines != 1)}"
