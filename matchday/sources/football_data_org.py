"""football-data.org's API, version 4: fixtures and results, as a second witness. Needs a token.

A postponed match keeps its former date there until it has another one: here it has none.
"""

from typing import Any

import pandas as pd

from matchday.sources.collected import Collected
from matchday.sources.fields import club, items, optional_moment, optional_whole, part, text
from matchday.sources.live import FOOTBALL_DATA_ORG
from matchday.sources.rows import RowReader
from matchday.sources.upstream import Received, SourceError, Upstream, parse_json
from matchday.tables.observed import ObservedFixtures

SOURCE = FOOTBALL_DATA_ORG.name
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
    try:
        listed = items(answer, "matches")
    except ValueError as why:
        raise SourceError(f"{SOURCE}: {received.origin.address} is not what it was: it {why}", reachable=True) from None
    rows = RowReader(ObservedFixtures, SOURCE, season, received)
    for one in listed:
        rows.add(one, lambda row: _match(row, season))
    rows.expect_season(len(listed))
    return rows


def _match(row: Any, season: str) -> dict[str, Any]:
    home, away = (club(_plain(text(part(row, side), "name"))) for side in ("homeTeam", "awayTeam"))
    status, goals = text(row, "status"), part(part(row, "score"), "fullTime")
    if status not in STATUSES:
        raise ValueError(f"has the unknown status {status}")
    kickoff = optional_moment(row, "utcDate")
    if kickoff is None and STATUSES[status] in ("live", "finished"):
        raise ValueError("has begun and has no utcDate")
    return {
        "match_id": f"{season}-{home}-{away}",
        "home": home,
        "away": away,
        "gameweek": optional_whole(row, "matchday"),
        "kickoff": pd.NaT if STATUSES[status] == "postponed" else kickoff or pd.NaT,
        "status": STATUSES[status],
        "home_goals": optional_whole(goals, "home"),
        "away_goals": optional_whole(goals, "away"),
    }


def _plain(name: str) -> str:
    """A club's name without the letters around it: "Arsenal FC", "AFC Bournemouth"."""
    plain = name.removesuffix(" FC").removesuffix(" AFC").removeprefix("AFC ")
    return {"Brighton & Hove Albion": "Brighton"}.get(plain, plain)
