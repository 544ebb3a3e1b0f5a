"""Invented observations of the season 2026/27."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.tables import columns
from matchday.tables.arrow import dtypes
from matchday.tables.observed import ObservedFixtures, ObservedPlayers, ObservedTeams
from matchday.tables.observed_appearances import ObservedAppearances
from matchday.tables.observed_rules import ObservedRules

SEASON, RAW = "2627", "a" * 64
FPL, ORG, UK = "fpl", "football_data_org", "football_data_uk"

FIRST = datetime(2026, 8, 1, 9, tzinfo=UTC)
"""The day that `at` counts from."""

SATURDAY = datetime(2026, 8, 22, 14, tzinfo=UTC)
"""Kick-off of a match unless a test says otherwise."""


def at(day: float) -> datetime:
    """A moment, in days from the first of August."""
    return FIRST + timedelta(days=day)


def frame(table: type[DataFrameModel], rows: list[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of a table of observations."""
    fixed = {"season": SEASON, "raw": RAW}
    return pd.DataFrame([fixed | dict(row) for row in rows], columns=columns(table)).astype(dtypes(table))


def match(day: float, teams: str = "ARS-LIV", source: str = FPL, **said: Any) -> dict[str, Any]:
    """A row of ObservedFixtures. score: a pair of goals, which makes the match finished."""
    score = said.pop("score", None)
    goals = dict(zip(("home_goals", "away_goals"), score or (None, None), strict=True))
    about = {
        "gameweek": None if source == UK else 1,
        "kickoff": SATURDAY,
        "status": "finished" if score else "scheduled",
    }
    home, away = teams.split("-")
    named = {"match_id": f"{SEASON}-{teams}", "home": home, "away": away, "source": source, "known_at": at(day)}
    return named | goals | about | said


def fixtures(*rows: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of ObservedFixtures."""
    return frame(ObservedFixtures, list(rows))


def players(*rows: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of ObservedPlayers."""
    return frame(ObservedPlayers, list(rows))


def player(day: float, code: int = 7, **said: Any) -> dict[str, Any]:
    """A row of ObservedPlayers."""
    name = {"source": FPL, "known_at": at(day), "player": code, "name": f"Player {code}", "web_name": f"P{code}"}
    price = {"price": 55, "selected": 1.5, "transfers_in": 10, "transfers_out": 5, "chance": None, "news": None}
    return name | price | {"team": "ARS", "position": "MID", "gameweek": 1} | said


def teams(day: float, *codes: str, source: str = FPL) -> pd.DataFrame:
    """Rows of ObservedTeams."""
    rows = [{"source": source, "known_at": at(day), "team": code, "name": f"Name of {code}"} for code in codes]
    return frame(ObservedTeams, rows)


def appearances(*rows: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of ObservedAppearances."""
    return frame(ObservedAppearances, list(rows))


def appearance(day: float, code: int = 7, teams: str = "ARS-LIV", **said: Any) -> dict[str, Any]:
    """A row of ObservedAppearances, of a player of the home team who played and did nothing."""
    counts = dict.fromkeys(columns(ObservedAppearances)[columns(ObservedAppearances).index("minutes") :], 0)
    market = dict.fromkeys(("value", "selected", "transfers_in", "transfers_out"))
    match_id = f"{SEASON}-{teams}"
    named = {"source": FPL, "known_at": at(day), "match_id": match_id, "player": code, "team": teams[:3], "gameweek": 1}
    return named | counts | market | {"minutes": 90, "points": 2} | said


def squads(day: float, count: int) -> pd.DataFrame:
    """How many squads there are, as rows of ObservedRules."""
    return frame(ObservedRules, [{"source": FPL, "known_at": at(day), "name": "total_players", "value": str(count)}])
