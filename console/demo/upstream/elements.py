"""A player in `bootstrap-static/`: price, ownership and transfers as at the last deadline, news, totals so far."""

from datetime import datetime, timedelta
from typing import Any

from console.demo.upstream import running
from console.demo.upstream.season import PastPlayer, PastSeason

TYPES = {"GK": 1, "DEF": 2, "MID": 3, "FWD": 4, "MNG": 5}
FORM = timedelta(days=30)
NEWS = {
    "injury": "Knee injury",
    "illness": "Illness",
    "suspension": "Suspended",
    "fitness": "Lack of match fitness",
    "ineligible": "Ineligible to play",
    "international": "International duty",
    "personal": "Personal reasons",
    "loan": "Has joined another club on loan",
    "left": "Has joined another club",
    "other": "Unavailable",
}
STATUSES = {"injury": "i", "suspension": "s", "ineligible": "n", "loan": "u", "left": "u"}


def element(season: PastSeason, player: PastPlayer, squads: int, last: int, now: datetime) -> dict[str, Any]:
    """squads: of all who play the game. last: the newest gameweek whose deadline has passed."""
    before = [row for row in player.rows if (row["gameweek"] or 1) <= max(1, last)]
    row = before[-1] if before else player.rows[0]
    first, _, rest = player.name.partition(" ")
    moves = last > 0 and row["gameweek"] == last
    done = [one for one in player.rows if season.phase(season.by_id[one["match_id"]], now) == "finished"]
    parts = [running.statistics(season, player, one, now) for one in done]
    totals = running.add(running.nothing_done(season, player), *parts)
    recent = [int(p["total_points"]) for p, one in zip(parts, done, strict=True) if now - one["kickoff"] <= FORM]
    played = sum(part["minutes"] > 0 for part in parts)
    price = _price(season, player, row, last, now)
    return {
        "can_transact": True,
        "can_select": True,
        "code": player.code,
        "cost_change_event": 0,
        "cost_change_event_fall": 0,
        "cost_change_start": price - int(player.rows[0]["value"]),
        "cost_change_start_fall": int(player.rows[0]["value"]) - price,
        "dreamteam_count": 0,
        "element_type": TYPES[player.position],
        "ep_next": "0.0",
        "ep_this": "0.0",
        "event_points": 0,
        "first_name": first,
        "form": f"{sum(recent) / len(recent) if recent else 0:.1f}",
        "id": player.number,
        "in_dreamteam": False,
        **_flag(season, player, now),
        "now_cost": price,
        "photo": f"{player.code}.jpg",
        "points_per_game": f"{totals['total_points'] / played if played else 0:.1f}",
        "removed": False,
        "second_name": rest,
        "selected_by_percent": f"{min(100.0, 100 * row['selected'] / squads):.1f}",
        "special": False,
        "squad_number": None,
        "team": season.team_numbers[player.team(now)],
        "team_code": 1,
        "transfers_in": sum(one["transfers_in"] for one in before),
        "transfers_in_event": row["transfers_in"] if moves else 0,
        "transfers_out": sum(one["transfers_out"] for one in before),
        "transfers_out_event": row["transfers_out"] if moves else 0,
        "value_form": "0.0",
        "value_season": f"{totals['total_points'] / price * 10:.1f}",
        "web_name": player.web_name,
        "region": None,
        "team_join_date": _joined(player, now),
        "birth_date": None,
        "has_temporary_code": False,
        "opta_code": f"p{player.code}",
        **running.written(totals),
        "influence_rank": 1,
        "influence_rank_type": 1,
        "corners_and_indirect_freekicks_order": None,
        "penalties_order": None,
        "penalties_text": "",
    }


def _price(season: PastSeason, player: PastPlayer, row: dict[str, Any], last: int, now: datetime) -> int:
    """The newest known: a change seen since the deadline, else the price at it."""
    deadline = season.deadlines[max(1, last)]
    seen = [one for one in player.flags if deadline < one["seen_at"] <= now]
    return int(seen[-1]["price"] if seen else row["value"])


def _flag(season: PastSeason, player: PastPlayer, now: datetime) -> dict[str, Any]:
    """News and chance of playing; from 25/26."""
    seen = [one for one in player.flags if one["seen_at"] <= now]
    chance = seen[-1]["chance"] if seen else None
    reason = seen[-1]["reason"] if seen else None
    news, added = "", None
    if reason is not None:
        more = f" - {chance}% chance of playing" if chance else " - Unknown return date" if reason == "injury" else ""
        if (day := _return_day(season, seen[-1])) is not None:
            more = f" {'until' if reason == 'suspension' else '- Expected back'} {day:%d %b}"
        changed = next(one for one in reversed(seen) if one["reason"] == reason)
        news, added = NEWS[reason] + more, f"{changed['seen_at']:%Y-%m-%dT%H:%M:%S.%fZ}"
    doubtful = chance not in (None, 0, 100)
    status = "d" if doubtful else "a" if reason is None or chance == 100 else STATUSES.get(reason, "d")
    return {
        "chance_of_playing_next_round": chance,
        "chance_of_playing_this_round": chance,
        "news": news,
        "news_added": added,
        "status": status,
    }


def _return_day(season: PastSeason, flag: dict[str, Any]) -> datetime | None:
    """The day of his team's first match in the gameweek of his return; None when the flag names none."""
    if flag["return_gameweek"] is None:
        return None
    matches = [one for one in season.matches if one.gameweek == flag["return_gameweek"]]
    return min((one.kickoff for one in matches if flag["team"] in (one.home, one.away)), default=None)


def _joined(player: PastPlayer, now: datetime) -> str | None:
    """The day after the last match with his former team; None for who has been there since before the season."""
    team = player.team(now)
    former = [row["kickoff"] for row in player.rows if row["kickoff"] <= now and row["team"] != team]
    return f"{max(former) + timedelta(days=1):%Y-%m-%d}" if former else None
