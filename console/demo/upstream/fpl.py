"""The Fantasy Premier League API of a past season at an instant: the answers, as plain values for JSON."""

from datetime import datetime
from typing import Any

from console.demo.upstream import running
from console.demo.upstream.elements import element
from console.demo.upstream.season import PastMatch, PastPlayer, PastSeason, elapsed

SHORT_NAMES = {
    "MCI": "Man City",
    "MUN": "Man Utd",
    "NFO": "Nott'm Forest",
    "TOT": "Spurs",
    "WBA": "West Brom",
    "WOL": "Wolves",
}
"""Clubs that the game calls otherwise than their full name; of others it drops the second word."""

SECOND_WORDS = (" City", " Town", " United", " Albion", " Wanderers")
KEPT = ("SHU",)
POSITIONS = ("GKP", "DEF", "MID", "FWD", "MNG")
ROUNDS_OF_A_SQUAD = {"GKP": (2, 1, 1), "DEF": (5, 3, 5), "MID": (5, 2, 5), "FWD": (3, 1, 3), "MNG": (0, 0, 1)}
STATS_OF_A_FIXTURE = (
    *("goals_scored", "assists", "own_goals", "penalties_saved", "penalties_missed", "yellow_cards"),
    *("red_cards", "saves", "bonus", "bps", "defensive_contribution"),
)
BY_POSITION = {
    "goals_scored": (10, 6, 5, 4),
    "clean_sheets": (4, 4, 1, 0),
    "goals_conceded": (-1, -1, 0, 0),
    "defensive_contribution": (0, 2, 2, 2),
}
SCORING = {
    "long_play": 2,
    "short_play": 1,
    "saves": 1,
    "assists": 3,
    "penalties_saved": 5,
    "penalties_missed": -2,
    "yellow_cards": -1,
    "red_cards": -3,
    "own_goals": -2,
    "bonus": 1,
    "bps": 0,
    "starts": 0,
}
RULES = {
    "squad_squadplay": 11,
    "squad_squadsize": 15,
    "squad_team_limit": 3,
    "squad_total_spend": 1000,
    "transfers_cap": 20,
    "transfers_sell_on_fee": 0.5,
    "max_extra_free_transfers": 4,
    "stats_form_days": 30,
    "ui_currency_multiplier": 10,
    "sys_vice_captain_enabled": True,
    "timezone": "UTC",
}


def iso(moment: datetime | None) -> str | None:
    """A moment as the game writes it."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def bootstrap(season: PastSeason, now: datetime) -> dict[str, Any]:
    """`bootstrap-static/`."""
    last = season.last_deadline(now)
    total = squads(season, last)
    return {
        "chips": [
            {"id": 1, "name": "wildcard", "number": 1, "start_event": 2, "stop_event": 19, "chip_type": "transfer"}
        ],
        "events": [_event(season, number, last, now) for number in season.deadlines],
        "game_settings": RULES,
        "game_config": {"settings": {"timezone": "UTC"}, "rules": RULES, "scoring": scoring(season)},
        "phases": [{"id": 1, "name": "Overall", "start_event": 1, "stop_event": 38, "highest_score": None}],
        "teams": [_team(season, team, now) for team in season.teams],
        "total_players": total,
        "element_stats": [{"label": name.replace("_", " ").capitalize(), "name": name} for name in STATS_OF_A_FIXTURE],
        "element_types": [
            {
                "id": number,
                "plural_name_short": short,
                "singular_name_short": short,
                "squad_select": ROUNDS_OF_A_SQUAD[short][0],
                "squad_min_play": ROUNDS_OF_A_SQUAD[short][1],
                "squad_max_play": ROUNDS_OF_A_SQUAD[short][2],
                "element_count": sum(player.position == POSITIONS_OF_OURS[short] for player in season.players),
            }
            for number, short in enumerate(POSITIONS, start=1)
        ],
        "elements": [element(season, player, total, last, now) for player in season.registered(now)],
    }


POSITIONS_OF_OURS = {"GKP": "GK", **{name: name for name in POSITIONS[1:]}}


def scoring(season: PastSeason) -> dict[str, Any]:
    """Points of the game; those for defensive contributions came in 25/26, a goalkeeper's goal was 6 before 24/25."""
    by_position = dict(BY_POSITION)
    if season.season < "2425":
        by_position["goals_scored"] = (6, 6, 5, 4)
    if season.season < "2526":
        del by_position["defensive_contribution"]
    return SCORING | {name: dict(zip(POSITIONS, values, strict=False)) for name, values in by_position.items()}


def squads(season: PastSeason, gameweek: int) -> int:
    """How many squads there are: each holds fifteen of the players selected."""
    wanted = max(1, gameweek)
    selected = {
        player.code: row["selected"] for player in season.players for row in player.rows if row["gameweek"] == wanted
    }
    return max(1, sum(selected.values()) // 15) if selected else squads(season, gameweek - 1)


def fixtures(season: PastSeason, now: datetime, gameweek: int | None = None) -> list[dict[str, Any]]:
    """`fixtures/`, and with a gameweek `fixtures/?event=N`."""
    found = [_fixture(season, match, now) for match in season.matches]
    found.sort(key=lambda one: (one["kickoff_time"] is not None, one["kickoff_time"] or "", one["id"]))
    return [one for one in found if gameweek is None or one["event"] == gameweek]


def live(season: PastSeason, gameweek: int, now: datetime) -> dict[str, Any]:
    """`event/{gameweek}/live/`: each player's total of the gameweek, and his matches in it."""
    matches = [match for match in season.matches if season.schedule(match, now)[0] == gameweek]
    rows = {match.match_id: match for match in matches}
    return {"elements": [_live(season, player, rows, now) for player in season.registered(now)]}


def element_summary(season: PastSeason, number: int, now: datetime) -> dict[str, Any] | None:
    """`element-summary/{number}/`: his matches to come, and those that have begun. Other seasons are left out."""
    player = next((one for one in season.registered(now) if one.number == number), None)
    if player is None:
        return None
    begun = [row for row in player.rows if season.begun(season.by_id[row["match_id"]], now)]
    team = player.team(now)
    coming = [one for one in season.matches if team in (one.home, one.away) and not season.begun(one, now)]
    return {
        "fixtures": [_coming(season, match, team, now) for match in coming],
        "history": [_history(season, player, row, now) for row in begun],
        "history_past": [],
    }


def _event(season: PastSeason, number: int, last: int, now: datetime) -> dict[str, Any]:
    deadline = season.deadlines[number]
    phases = [season.phase(m, now) for m in season.matches if season.schedule(m, now)[0] == number]
    finished = bool(phases) and all(phase == "finished" for phase in phases)
    return {
        "id": number,
        "name": f"Gameweek {number}",
        "deadline_time": iso(deadline),
        "release_time": None,
        "average_entry_score": 50 if finished else 0,
        "finished": finished,
        "data_checked": finished,
        "highest_scoring_entry": None,
        "deadline_time_epoch": int(deadline.timestamp()),
        "deadline_time_game_offset": 0,
        "highest_score": None,
        "is_previous": number == last - 1,
        "is_current": number == last,
        "is_next": number == last + 1,
        "cup_leagues_created": False,
        "h2h_ko_matches_created": False,
        "can_enter": deadline > now,
        "can_manage": deadline > now,
        "released": True,
        "ranked_count": 0,
        "chip_plays": [],
        "transfers_made": 0,
    }


def _team(season: PastSeason, team: str, now: datetime) -> dict[str, Any]:
    played = [m for m in season.matches if team in (m.home, m.away) and season.phase(m, now) == "finished"]
    goals = [(m.home_goals - m.away_goals) * (1 if m.home == team else -1) for m in played]
    won, drawn = sum(goal > 0 for goal in goals), sum(goal == 0 for goal in goals)
    return {
        "code": 100 + sum(ord(letter) * 7**place for place, letter in enumerate(team)),
        "draw": 0,
        "form": None,
        "id": season.team_numbers[team],
        "loss": 0,
        "name": name(season, team),
        "played": 0,
        "points": 3 * won + drawn if played else 0,
        "position": season.team_numbers[team],
        "short_name": team,
        "strength": 3,
        "team_division": None,
        "unavailable": False,
        "win": 0,
        **{f"strength_{part}_{side}": 1100 for part in ("overall", "attack", "defence") for side in ("home", "away")},
        "pulse_id": season.team_numbers[team],
    }


def name(season: PastSeason, team: str) -> str:
    """A club as the game calls it."""
    full = str(season.teams[team])
    if team in SHORT_NAMES or team in KEPT:
        return SHORT_NAMES.get(team, full.replace("United", "Utd"))
    for word in SECOND_WORDS:
        full = full.removesuffix(word)
    return full


def _fixture(season: PastSeason, match: PastMatch, now: datetime) -> dict[str, Any]:
    gameweek, kickoff = season.schedule(match, now)
    phase = season.phase(match, now)
    home, away = running.score(season, match, now)
    begun = season.begun(match, now)
    return {
        "code": 2_000_000 + 1_000 * int(season.season[:2]) + match.number,
        "event": gameweek,
        "finished": phase == "finished",
        "finished_provisional": phase in ("provisional", "finished"),
        "id": match.number,
        "kickoff_time": iso(kickoff),
        "minutes": elapsed(match, now) if begun else 0,
        "provisional_start_time": False,
        "started": None if kickoff is None else begun,
        "team_a": season.team_numbers[match.away],
        "team_a_score": away,
        "team_h": season.team_numbers[match.home],
        "team_h_score": home,
        "stats": _stats_of_fixture(season, match, now) if begun else [],
        "team_h_difficulty": 3,
        "team_a_difficulty": 3,
        "pulse_id": 100_000 + match.number,
    }


def _stats_of_fixture(season: PastSeason, match: PastMatch, now: datetime) -> list[dict[str, Any]]:
    done = [
        (player.number, row["home"], running.statistics(season, player, row, now))
        for player, row in season.rows_of_match[match.match_id]
        if row["minutes"]
    ]
    return [
        {
            "identifier": identifier,
            "a": [{"value": int(s[identifier]), "element": n} for n, home, s in done if not home and s.get(identifier)],
            "h": [{"value": int(s[identifier]), "element": n} for n, home, s in done if home and s.get(identifier)],
        }
        for identifier in STATS_OF_A_FIXTURE
    ]


def _live(season: PastSeason, player: PastPlayer, matches: dict[str, PastMatch], now: datetime) -> dict[str, Any]:
    rows = [row for row in player.rows if row["match_id"] in matches]
    parts = [running.statistics(season, player, row, now) for row in rows]
    return {
        "id": player.number,
        "stats": {**running.written(running.add(running.nothing_done(season, player), *parts)), "in_dreamteam": False},
        "explain": [
            {"fixture": matches[row["match_id"]].number, "stats": _explain(part)}
            for row, part in zip(rows, parts, strict=True)
        ],
        "modified": False,
    }


def _explain(part: dict[str, float]) -> list[dict[str, Any]]:
    """Of what the points are: here all of them beside the minutes."""
    points = int(part["total_points"])
    return [{"identifier": "minutes", "points": points, "value": int(part["minutes"]), "points_modification": 0}]


def _coming(season: PastSeason, match: PastMatch, team: str, now: datetime) -> dict[str, Any]:
    one = _fixture(season, match, now)
    kept = ("id", "code", "team_h", "team_h_score", "team_a", "team_a_score", "event", "finished", "minutes")
    return {
        **{key: one[key] for key in (*kept, "provisional_start_time", "kickoff_time")},
        "event_name": f"Gameweek {one['event']}" if one["event"] else "",
        "is_home": match.home == team,
        "difficulty": 3,
    }


def _history(season: PastSeason, player: PastPlayer, row: dict[str, Any], now: datetime) -> dict[str, Any]:
    match = season.by_id[row["match_id"]]
    gameweek, kickoff = season.schedule(match, now)
    home, away = running.score(season, match, now)
    return {
        "element": player.number,
        "fixture": match.number,
        "opponent_team": season.team_numbers[row["opponent"]],
        "was_home": row["home"],
        "kickoff_time": iso(kickoff),
        "team_h_score": home,
        "team_a_score": away,
        "round": gameweek,
        "modified": False,
        **running.written(running.statistics(season, player, row, now)),
        "value": row["value"],
        "transfers_balance": row["transfers_in"] - row["transfers_out"],
        "selected": row["selected"],
        "transfers_in": row["transfers_in"],
        "transfers_out": row["transfers_out"],
    }
