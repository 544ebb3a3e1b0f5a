"""The Fantasy Premier League API: teams, players with prices and news, fixtures and results."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.sources.clubs import CODES, NAMES, code
from matchday.sources.collected import Collected
from matchday.sources.rows import RowReader
from matchday.sources.upstream import Received, SourceError, Upstream, parse_json
from matchday.tables.observed import ObservedFixtures, ObservedPlayers, ObservedTeams
from matchday.tables.table import TEAM

SOURCE, URL = "fpl", "https://fantasy.premierleague.com/api"
PACE_SECONDS = 0.2

POSITIONS = {1: "GK", 2: "DEF", 3: "MID", 4: "FWD", 5: "MNG"}
JULY = 7
TEAMS, MATCHES = 20, 380


@dataclass(frozen=True)
class Season:
    """What the answers of a season have in common. teams: three letters by the season's own number.

    gameweek: the next one whose deadline has not passed, None after the last.
    """

    season: str
    gameweek: int | None
    teams: Mapping[int, str]


def collect(upstream: Upstream) -> Collected:
    """Teams, players, fixtures and results as they are now: two requests. Raises SourceError."""
    with upstream.read("/bootstrap-static/") as first:
        season, teams, players = read_bootstrap(first)
        frames: dict[type[DataFrameModel], pd.DataFrame] = {
            ObservedTeams: teams.frame(),
            ObservedPlayers: players.frame(),
        }
    with upstream.read("/fixtures/") as second:
        fixtures = read_fixtures(second, season)
        frames[ObservedFixtures] = fixtures.frame()
    refused = (*teams.refused, *players.refused, *fixtures.refused)
    return Collected(season.season, frames, refused, first.fresh or second.fresh)


def read_bootstrap(received: Received) -> tuple[Season, RowReader, RowReader]:
    """The season, its teams and its players. Raises SourceError for an answer that is none."""
    answer = parse_json(SOURCE, received)
    try:
        season = _season(answer, received.known_at)
        people, clubs = list(answer["elements"]), list(answer["teams"])
    except (KeyError, TypeError, ValueError) as why:
        raise _changed(received, why) from None
    teams = RowReader(ObservedTeams, SOURCE, season.season, received)
    for one in clubs:
        teams.add(one, lambda row: {"team": _team(row), "name": NAMES.get(_team(row), str(row["name"]))})
    players = RowReader(ObservedPlayers, SOURCE, season.season, received)
    for one in people:
        players.add(one, lambda row: _player(row, season))
    return season, teams, players


def read_fixtures(received: Received, season: Season) -> RowReader:
    """The matches of the season, played or not. Raises SourceError for an answer that is none."""
    answer = parse_json(SOURCE, received)
    if not isinstance(answer, list):
        raise _changed(received, TypeError("it is no list"))
    rows = RowReader(ObservedFixtures, SOURCE, season.season, received)
    for one in answer:
        rows.add(one, lambda row: _fixture(row, season))
    return rows


def _season(answer: Mapping[str, Any], now: datetime) -> Season:
    deadlines = {int(event["id"]): _moment(event["deadline_time"]) for event in answer["events"]}
    first = min(deadlines.values())
    year = first.year if first.month >= JULY - 1 else first.year - 1
    coming = [number for number, deadline in deadlines.items() if deadline > now]
    teams = {int(row["id"]): _team(row) for row in answer["teams"]}
    return Season(f"{year % 100:02}{(year + 1) % 100:02}", min(coming, default=None), teams)


def _team(row: Mapping[str, Any]) -> str:
    """A club's three letters: ours where we know its name, else its short name, which no other club may have."""
    name, short = str(row["name"]), str(row["short_name"])
    if name in CODES:
        return code(name)
    if short in NAMES or not re.fullmatch(TEAM, short):
        raise ValueError(f"names a club {name!r} with the short name {short!r}, which is no code for a new club")
    return short


def _player(row: Mapping[str, Any], season: Season) -> dict[str, Any]:
    return {
        "player": int(row["code"]),
        "name": f"{row['first_name']} {row['second_name']}".strip(),
        "web_name": str(row["web_name"]),
        "team": _known(season, row["team"]),
        "position": POSITIONS[int(row["element_type"])],
        "gameweek": season.gameweek,
        "price": int(row["now_cost"]),
        "selected": float(row["selected_by_percent"]),
        "transfers_in": int(row["transfers_in_event"]),
        "transfers_out": int(row["transfers_out_event"]),
        "chance": _optional(row["chance_of_playing_next_round"]),
        "news": str(row["news"]) or None,
    }


def _fixture(row: Mapping[str, Any], season: Season) -> dict[str, Any]:
    home, away = _known(season, row["team_h"]), _known(season, row["team_a"])
    kickoff = row["kickoff_time"]
    finished = bool(row["finished"]) or bool(row["finished_provisional"])
    status = "finished" if finished else "live" if row["started"] else "scheduled" if kickoff else "postponed"
    return {
        "match_id": f"{season.season}-{home}-{away}",
        "home": home,
        "away": away,
        "gameweek": _optional(row["event"]),
        "kickoff": _moment(kickoff) if kickoff else pd.NaT,
        "status": status,
        "home_goals": _optional(row["team_h_score"]),
        "away_goals": _optional(row["team_a_score"]),
    }


def _known(season: Season, number: Any) -> str:
    if number not in season.teams:
        raise ValueError(f"names team {number}, which the season does not have")
    return season.teams[number]


def _optional(value: Any) -> int | None:
    return None if value is None else int(value)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _changed(received: Received, why: Exception) -> SourceError:
    missing = f"it has no {why}" if isinstance(why, KeyError) else str(why)
    return SourceError(f"{SOURCE}: {received.origin.address} is not what it was: {missing}", reachable=True)
