"""The Fantasy Premier League API: teams, players with prices and news, fixtures and results."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from matchday.sources.clubs import CODES, NAMES, code
from matchday.sources.collected import Collected
from matchday.sources.fields import (
    flag,
    items,
    moment,
    number,
    optional_day,
    optional_moment,
    optional_whole,
    text,
    whole,
)
from matchday.sources.fpl_returns import fill_return_gameweeks
from matchday.sources.fpl_rules import read_rules
from matchday.sources.live import FPL
from matchday.sources.rows import Refusal, RowReader, write_content
from matchday.sources.upstream import Received, SourceError, Upstream, parse_json
from matchday.tables.observed import ObservedFixtures, ObservedPlayers, ObservedTeams
from matchday.tables.observed_rules import ObservedRules
from matchday.tables.table import TEAM

SOURCE = FPL.name

POSITIONS = {1: "GK", 2: "DEF", 3: "MID", 4: "FWD", 5: "MNG"}
JUNE = 6
GAMEWEEKS = range(1, 39)


@dataclass(frozen=True)
class ListedSeason:
    """What the answers of a season have in common.

    teams: three letters by the season's own number. gameweek: the next one whose deadline has not passed, None after
    the last.
    """

    season: str
    gameweek: int | None
    teams: Mapping[int, str]


@dataclass(frozen=True)
class ListedPlayer:
    """A player in the list of the season. joined: when he came to his team, None when it is not said."""

    code: int
    team: str
    joined: date | None


@dataclass(frozen=True)
class Bootstrap:
    """What `bootstrap-static/` gives. people: players by the season's own number.

    refused: gameweeks that are not taken in.
    """

    season: ListedSeason
    teams: RowReader
    players: RowReader
    people: Mapping[int, ListedPlayer]
    rules: RowReader
    refused: tuple[Refusal, ...]


@dataclass(frozen=True)
class ListedMatch:
    """A match in the list of fixtures. confirmed: its statistics and bonus points are final."""

    match_id: str
    home: str
    away: str
    gameweek: int | None
    kickoff: datetime | None
    confirmed: bool


@dataclass(frozen=True)
class Listing:
    """Who is who in the season's answers: players and matches by the season's own numbers."""

    season: ListedSeason
    people: Mapping[int, ListedPlayer]
    matches: Mapping[int, ListedMatch]


def collect(upstream: Upstream) -> Collected:
    """Teams, players, fixtures, results and rules as they are now: two requests. Raises SourceError."""
    return collect_listed(upstream)[0]


def collect_listed(upstream: Upstream) -> tuple[Collected, Listing]:
    """The same, and who is who: what `fpl_appearances.collect` needs. Raises SourceError."""
    with upstream.read("/bootstrap-static/") as first:
        start = read_bootstrap(first)
        teams, players = start.teams.frame(), start.players.frame()
    with upstream.read("/fixtures/") as second:
        rows, matches = read_fixtures(second, start.season)
        fixtures = rows.frame()
    frames = {
        ObservedTeams: teams,
        ObservedPlayers: fill_return_gameweeks(players, fixtures),
        ObservedFixtures: fixtures,
        ObservedRules: start.rules.frame(),
    }
    refused = (*start.refused, *start.teams.refused, *start.players.refused, *rows.refused)
    collected = Collected(start.season.season, frames, refused, first.fresh or second.fresh)
    return collected, Listing(start.season, start.people, matches)


def read_bootstrap(received: Received) -> Bootstrap:
    """The season, its teams, players and rules. Raises SourceError for an answer that is none."""
    answer = parse_json(SOURCE, received)
    try:
        events, clubs, elements = (items(answer, field) for field in ("events", "teams", "elements"))
        deadlines, doubtful = _deadlines(events)
    except ValueError as why:
        raise changed(received, why) from None
    name = _season_of(min(deadlines.values()))
    coming = [gameweek for gameweek, deadline in deadlines.items() if deadline > received.known_at]
    teams, players = (RowReader(table, SOURCE, name, received) for table in (ObservedTeams, ObservedPlayers))
    numbers: dict[int, str] = {}
    for one in clubs:
        teams.add(one, lambda row: _club(row, numbers))
    season = ListedSeason(name, min(coming, default=None), numbers)
    people: dict[int, ListedPlayer] = {}
    for one in elements:
        players.add(one, lambda row: _player(row, season, people))
    rules = RowReader(ObservedRules, SOURCE, name, received)
    read_rules(answer, rules)
    raw = received.origin.sha256
    refused = tuple(Refusal(SOURCE, name, "gameweeks", why, write_content(row), raw) for row, why in doubtful)
    return Bootstrap(season, teams, players, people, rules, refused)


def read_fixtures(received: Received, season: ListedSeason) -> tuple[RowReader, dict[int, ListedMatch]]:
    """The matches of the season, played or not, and by their numbers. Raises SourceError for an answer that is none."""
    answer = parse_json(SOURCE, received)
    if not isinstance(answer, list):
        raise changed(received, ValueError("is no list"))
    rows = RowReader(ObservedFixtures, SOURCE, season.season, received)
    matches: dict[int, ListedMatch] = {}
    for one in answer:
        rows.add(one, lambda row: _fixture(row, season, matches))
    rows.expect_season(len(answer))
    return rows, matches


def find_team(season: ListedSeason, row: Any, field: str) -> str:
    """The three letters of the team that a row names by its number. Raises ValueError."""
    found = whole(row, field)
    if found not in season.teams:
        raise ValueError(f"names team {found}, which is none of the season's clubs")
    return season.teams[found]


def changed(received: Received, why: Exception) -> SourceError:
    """The answer as a whole is not what it should be."""
    return SourceError(f"{SOURCE}: {received.origin.address} is not what it was: it {why}", reachable=True)


def _deadlines(events: list[Any]) -> tuple[dict[int, datetime], list[tuple[Any, str]]]:
    """Deadlines by gameweek, and the rows that are not taken in with the reasons.

    Of a gameweek that is listed twice the earlier deadline holds, so that no forecast comes too late.
    """
    found: dict[int, datetime] = {}
    refused: list[tuple[Any, str]] = []
    for row in sorted(events, key=_by_deadline):
        try:
            gameweek, deadline = whole(row, "id"), moment(row, "deadline_time")
            if gameweek not in GAMEWEEKS:
                raise ValueError(f"is gameweek {gameweek}, which no season has")
            if gameweek in found:
                raise ValueError(f"is gameweek {gameweek}, which is listed twice: the earlier deadline holds")
            found[gameweek] = deadline
        except ValueError as why:
            refused.append((row, str(why)))
    if not found:
        raise ValueError(f"has no gameweek: the first {refused[0][1]}" if refused else "has no gameweek")
    return found, refused


def _by_deadline(row: Any) -> tuple[bool, float]:
    try:
        return False, moment(row, "deadline_time").timestamp()
    except ValueError:
        return True, 0.0


def _season_of(first: datetime) -> str:
    year = first.year if first.month >= JUNE else first.year - 1
    return f"{year % 100:02}{(year + 1) % 100:02}"


def _club(row: Any, numbers: dict[int, str]) -> dict[str, Any]:
    team, own = _team(row), whole(row, "id")
    if team in numbers.values() or own in numbers:
        raise ValueError(f"is {team} with the number {own}, one of which another club of the answer has")
    numbers[own] = team
    return {"team": team, "name": NAMES.get(team, text(row, "name"))}


def _team(row: Any) -> str:
    """A club's three letters: ours where we know its name, else its short name, which no other club may have."""
    name, short = text(row, "name"), text(row, "short_name")
    if name in CODES:
        return code(name)
    if short in NAMES or not re.fullmatch(TEAM, short):
        raise ValueError(f"is a club {name!r} with the short name {short!r}, which is no code for a new club")
    return short


def _player(row: Any, season: ListedSeason, people: dict[int, ListedPlayer]) -> dict[str, Any]:
    position, own, team = whole(row, "element_type"), whole(row, "code"), find_team(season, row, "team")
    if position not in POSITIONS:
        raise ValueError(f"has the element_type {position}, which is no position")
    people[whole(row, "id")] = ListedPlayer(own, team, optional_day(row, "team_join_date"))
    return {
        "player": own,
        "name": f"{text(row, 'first_name')} {text(row, 'second_name')}".strip(),
        "web_name": text(row, "web_name"),
        "team": team,
        "position": POSITIONS[position],
        "gameweek": season.gameweek,
        "price": whole(row, "now_cost"),
        "selected": number(row, "selected_by_percent"),
        "transfers_in": whole(row, "transfers_in_event"),
        "transfers_out": whole(row, "transfers_out_event"),
        "chance": optional_whole(row, "chance_of_playing_next_round"),
        "news": text(row, "news") or None,
    }


def _fixture(row: Any, season: ListedSeason, matches: dict[int, ListedMatch]) -> dict[str, Any]:
    home, away = find_team(season, row, "team_h"), find_team(season, row, "team_a")
    kickoff, gameweek = optional_moment(row, "kickoff_time"), optional_whole(row, "event")
    confirmed, begun = flag(row, "finished"), flag(row, "started")
    finished = confirmed or flag(row, "finished_provisional")
    if kickoff is None and (begun or finished):
        raise ValueError("has begun and has no kickoff_time")
    match_id = f"{season.season}-{home}-{away}"
    matches.setdefault(whole(row, "id"), ListedMatch(match_id, home, away, gameweek, kickoff, confirmed))
    return {
        "match_id": match_id,
        "home": home,
        "away": away,
        "gameweek": gameweek,
        "kickoff": kickoff or pd.NaT,
        "status": "finished" if finished else "live" if begun else "scheduled" if kickoff else "postponed",
        "home_goals": optional_whole(row, "team_h_score"),
        "away_goals": optional_whole(row, "team_a_score"),
    }
