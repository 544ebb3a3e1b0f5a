"""football-data.org's list of matches of a past season at an instant, as plain values for JSON."""

from datetime import datetime
from typing import Any

from console.demo.upstream import running
from console.demo.upstream.season import HALF, PastMatch, PastSeason, elapsed

NAMES = {
    "BHA": "Brighton & Hove Albion FC",
    "BOU": "AFC Bournemouth",
    **{team: f"{name} AFC" for team, name in (("SUN", "Sunderland"), ("SWA", "Swansea City"), ("HUL", "Hull City"))},
    **{team: f"{name} AFC" for team, name in (("CAR", "Cardiff City"), ("HUD", "Huddersfield Town"))},
}
"""Full names that are not ours with " FC" after it."""

AREA = {"id": 2072, "name": "England", "code": "ENG", "flag": None}
COMPETITION = {"id": 2021, "name": "Premier League", "code": "PL", "type": "LEAGUE", "emblem": None}


def matches(season: PastSeason, now: datetime) -> dict[str, Any]:
    """`/v4/competitions/PL/matches?season=YYYY`."""
    played = [match for match in season.matches if season.phase(match, now) == "finished"]
    days = sorted(f"{match.kickoff:%Y-%m-%d}" for match in season.matches)
    year = str(2000 + int(season.season[:2]))
    return {
        "filters": {"season": year},
        "resultSet": {"count": len(season.matches), "first": days[0], "last": days[-1], "played": len(played)},
        "competition": COMPETITION,
        "matches": [_match(season, match, now, days) for match in season.matches],
    }


def _match(season: PastSeason, match: PastMatch, now: datetime, days: list[str]) -> dict[str, Any]:
    gameweek, kickoff = season.schedule(match, now)
    home, away = running.score(season, match, now)
    half = (
        running.score_after(season, match, HALF) if home is not None and elapsed(match, now) >= HALF else (None, None)
    )
    if kickoff is None:  # a postponed match keeps the date that it had
        gameweek, kickoff = (
            season.postponed[match.match_id].former_gameweek,
            season.postponed[match.match_id].former_kickoff,
        )
    return {
        "area": AREA,
        "competition": COMPETITION,
        "season": {
            "id": 2000 + int(season.season[:2]),
            "startDate": days[0],
            "endDate": days[-1],
            "currentMatchday": max(1, season.last_deadline(now)),
            "winner": None,
        },
        "id": 500_000 + match.number,
        "utcDate": f"{kickoff:%Y-%m-%dT%H:%M:%SZ}",
        "status": _status(season, match, now),
        "matchday": gameweek,
        "stage": "REGULAR_SEASON",
        "group": None,
        "lastUpdated": f"{now:%Y-%m-%dT00:00:00Z}",
        "homeTeam": _team(season, match.home),
        "awayTeam": _team(season, match.away),
        "score": {
            "winner": _winner(home, away) if season.phase(match, now) == "finished" else None,
            "duration": "REGULAR",
            "fullTime": {"home": home, "away": away},
            "halfTime": {"home": half[0], "away": half[1]},
        },
        "odds": {"msg": "Activate Odds-Package in User-Panel to retrieve odds."},
        "referees": [],
    }


def _status(season: PastSeason, match: PastMatch, now: datetime) -> str:
    phase = season.phase(match, now)
    if phase == "live":
        return "PAUSED" if elapsed(match, now) == HALF else "IN_PLAY"
    return {"unscheduled": "POSTPONED", "scheduled": "TIMED"}.get(phase, "FINISHED")


def _winner(home: int | None, away: int | None) -> str | None:
    if home is None or away is None:
        return None
    return "HOME_TEAM" if home > away else "AWAY_TEAM" if away > home else "DRAW"


def _team(season: PastSeason, team: str) -> dict[str, Any]:
    return {
        "id": 50 + season.team_numbers[team],
        "name": NAMES.get(team, f"{season.teams[team]} FC"),
        "shortName": season.teams[team],
        "tla": team,
        "crest": None,
    }
