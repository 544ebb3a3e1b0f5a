"""What players have done in a match at an instant: all of it after the whistle, a part that grows while it is on."""

from datetime import datetime
from typing import Any
from zlib import crc32

from console.demo.upstream.season import HALF, PastMatch, PastPlayer, PastSeason, elapsed

FULL, LONG = 2 * HALF, 60
COUNTS = {
    "assists": "assists",
    "clean_sheets": "clean_sheets",
    "goals_conceded": "conceded",
    "penalties_saved": "penalties_saved",
    "penalties_missed": "penalties_missed",
    "yellow_cards": "yellow_cards",
    "red_cards": "red_cards",
    "saves": "saves",
    "bps": "bps",
    "clearances_blocks_interceptions": "clearances_blocks_interceptions",
    "recoveries": "recoveries",
    "tackles": "tackles",
    "defensive_contribution": "defensive_contribution",
}
"""The game's names of counts, and ours. 0 or absent while a player has done nothing."""

INDICES = {"influence": "influence", "creativity": "creativity", "threat": "threat"}
EXPECTED = {"expected_goals": "xg", "expected_assists": "xa", "expected_goals_conceded": "xgc"}


def window(row: dict[str, Any]) -> tuple[int, int]:
    """The minutes between which a player is on the pitch."""
    minutes = int(row["minutes"])
    started = bool(row["starts"]) if row["starts"] is not None else minutes >= LONG
    return (0, minutes) if started else (FULL - min(minutes, FULL), FULL)


def goal_minutes(row: dict[str, Any], column: str) -> list[int]:
    """When a player scored (goals) or scored against his side (own_goals): while he is on, always the same."""
    start, end = window(row)
    seeds = [f"{row['match_id']} {row['player']} {column} {number}" for number in range(row[column])]
    return sorted(min(FULL, start + 1 + crc32(seed.encode()) % max(1, end - start)) for seed in seeds)


def score(season: PastSeason, match: PastMatch, now: datetime) -> tuple[int, int] | tuple[None, None]:
    """Goals of both sides so far; None before the kick-off."""
    if not season.begun(match, now):
        return None, None
    return score_after(season, match, elapsed(match, now))


def score_after(season: PastSeason, match: PastMatch, minutes: int) -> tuple[int, int]:
    """Goals of both sides after some minutes of play. Goals of nobody in particular come at the end."""
    if minutes >= FULL:
        return match.home_goals, match.away_goals
    goals = {True: 0, False: 0}
    for _, row in season.rows_of_match[match.match_id]:
        goals[row["home"]] += sum(at <= minutes for at in goal_minutes(row, "goals"))
        goals[not row["home"]] += sum(at <= minutes for at in goal_minutes(row, "own_goals"))
    return min(goals[True], match.home_goals), min(goals[False], match.away_goals)


def statistics(season: PastSeason, player: PastPlayer, row: dict[str, Any], now: datetime) -> dict[str, float]:
    """What a player has done in one match, by the game's names. Indices and expected goals are numbers here.

    Points grow with the minutes; bonus points come with the confirmed result. What is confirmed is worked out once.
    """
    match = season.by_id[row["match_id"]]
    if season.phase(match, now) != "finished":
        return _statistics(season, match, row, now)
    key = (match.match_id, player.code)
    if key not in season.finished:
        season.finished[key] = _statistics(season, match, row, now)
    return season.finished[key]


def nothing_done(season: PastSeason, player: PastPlayer) -> dict[str, float]:
    """The game's names of what is counted of a player, each with 0; worked out once."""
    if player.code not in season.nothing_done:
        names = _statistics(season, season.by_id[player.rows[0]["match_id"]], player.rows[0], season.start)
        season.nothing_done[player.code] = dict.fromkeys(names, 0.0)
    return season.nothing_done[player.code]


def _statistics(season: PastSeason, match: PastMatch, row: dict[str, Any], now: datetime) -> dict[str, float]:
    minutes = elapsed(match, now) if season.begun(match, now) else 0
    start, _ = window(row)
    total = int(row["minutes"])
    played = total if minutes >= FULL else max(0, min(minutes - start, total))
    share = played / total if total else float(minutes >= FULL)
    confirmed = season.phase(match, now) == "finished"
    found: dict[str, float] = {"minutes": played}
    found["goals_scored"] = sum(at <= minutes for at in goal_minutes(row, "goals"))
    found["own_goals"] = sum(at <= minutes for at in goal_minutes(row, "own_goals"))
    for name, column in COUNTS.items():
        if row[column] is not None:
            found[name] = int(row[column] * share)
    for names, digits in ((INDICES, 1), (EXPECTED, 2)):
        for name, column in names.items():
            if row[column] is not None:
                found[name] = row[column] if share == 1 else round(row[column] * share, digits)
    if row["starts"] is not None:
        found["starts"] = int(row["starts"] and played > 0)
    found["bonus"] = int(row["bonus"]) if confirmed else 0
    rest = int(row["points"]) - int(row["bonus"]) - _for_minutes(total)
    found["total_points"] = _for_minutes(played) + int(rest * share) + int(found["bonus"])
    return found


def add(*parts: dict[str, float]) -> dict[str, float]:
    """The sum of what a player did in several matches."""
    total: dict[str, float] = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total.get(name, 0) + value
    return total


def written(found: dict[str, float]) -> dict[str, Any]:
    """Statistics as the game writes them: indices and expected goals are strings."""
    answer: dict[str, Any] = {name: int(value) for name, value in found.items() if name not in {**INDICES, **EXPECTED}}
    answer |= {name: f"{found.get(name, 0):.1f}" for name in INDICES}
    answer["ict_index"] = f"{sum(found.get(name, 0) for name in INDICES) / 10:.1f}"
    if "expected_goals" in found:
        answer |= {name: f"{found[name]:.2f}" for name in EXPECTED}
        answer["expected_goal_involvements"] = f"{found['expected_goals'] + found['expected_assists']:.2f}"
    return answer


def _for_minutes(minutes: int) -> int:
    return 2 if minutes >= LONG else int(minutes > 0)
