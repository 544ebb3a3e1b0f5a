"""football-data.org's API, version 4: fixtures and results, as a second witness. Needs a token."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from matchday.sources.clubs import code
from matchday.sources.collected import Collected
from matchday.sources.rows import RowReader
from matchday.sources.upstream import Received, SourceError, Upstream, parse_json
from matchday.tables.observed import ObservedFixtures

SOURCE, URL = "football_data_org", "https://api.football-data.org"
AUTHENTICATION = "x-auth-token"
PACE_SECONDS = 6.0
"""Ten requests a minute are free."""

STATUSES = {
    "SCHEDULED": "scheduled",
    "TIMED": "scheduled",
    "IN_PLAY": "live",
    "PAUSED": "live",
    "FINISHED": "finished",
    "AWARDED": "awarded",
    "SUSPENDED": "abandoned",
    "POSTPONED": "postponed",
    "CANCELLED": "cancelled",
}


def collect(upstream: Upstream, season: str) -> Collected:
    """The season's matches as they are now: one request. season: "2627". Raises SourceError."""
    with upstream.read("/v4/competitions/PL/matches", {"season": f"20{season[:2]}"}) as received:
        rows = read_matches(received, season)
        return Collected(season, {ObservedFixtures: rows.frame()}, tuple(rows.refused), received.fresh)


def read_matches(received: Received, season: str) -> RowReader:
    """The matches of an answer. Raises SourceError for an answer that is none."""
    answer = parse_json(SOURCE, received)
    if not isinstance(answer, dict) or not isinstance(answer.get("matches"), list):
        raise SourceError(f"{SOURCE}: {received.origin.address} has no list of matches", reachable=True)
    rows = RowReader(ObservedFixtures, SOURCE, season, received)
    for one in answer["matches"]:
        rows.add(one, lambda row: _match(row, season))
    return rows


def _match(row: Mapping[str, Any], season: str) -> dict[str, Any]:
    home, away = (code(_plain(str(row[side]["name"]))) for side in ("homeTeam", "awayTeam"))
    status = str(row["status"])
    if status not in STATUSES:
        raise ValueError(f"has the unknown status {status}")
    goals = row["score"]["fullTime"]
    kickoff = row["utcDate"]
    return {
        "match_id": f"{season}-{home}-{away}",
        "home": home,
        "away": away,
        "gameweek": row["matchday"],
        "kickoff": datetime.fromisoformat(kickoff).astimezone(UTC) if kickoff else pd.NaT,
        "status": STATUSES[status],
        "home_goals": goals["home"],
        "away_goals": goals["away"],
    }


def _plain(name: str) -> str:
    """A club's name without the letters around it: "Arsenal FC", "AFC Bournemouth"."""
    plain = name.removesuffix(" FC").removesuffix(" AFC").removeprefix("AFC ")
    return {"Brighton & Hove Albion": "Brighton"}.get(plain, plain)
