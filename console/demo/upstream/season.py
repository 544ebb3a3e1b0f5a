"""A past season of the bundled history, as the upstreams knew it at an instant.

A match without a kick-off is unscheduled; before its kick-off it is scheduled; it is live for 105 minutes, then its
result is provisional, and four hours after the kick-off it is finished: bonus points are in.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd

from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Availability, Matches, Players, Teams
from matchday.tables.availability import flag_changes

HALF, BREAK = 45, 15
WHISTLE, CONFIRMED = timedelta(minutes=2 * HALF + BREAK), timedelta(hours=4)
BEFORE_KICKOFF = timedelta(minutes=90)
"""A gameweek's deadline is so long before its first match."""

GAMEWEEKS = 38
WEEK = timedelta(days=7)


class Postponement(NamedTuple):
    """The date that a match once had. Until `announced_at` it is shown; then none is, until `redated_at`."""

    announced_at: datetime
    redated_at: datetime
    former_kickoff: datetime
    former_gameweek: int


@dataclass(frozen=True)
class PastMatch:
    """A match as it was played. number: of the season, not of the match in other seasons."""

    number: int
    match_id: str
    gameweek: int | None
    kickoff: datetime
    home: str
    away: str
    home_goals: int
    away_goals: int


@dataclass(frozen=True)
class PastPlayer:
    """A player and his matches, rows of Appearances by kick-off. number: of the season; code: of all seasons.

    since: when he was registered, None: before the season.
    """

    number: int
    code: int
    name: str
    web_name: str
    position: str
    since: datetime | None
    rows: list[dict[str, Any]]
    flags: list[dict[str, Any]]

    def team(self, now: datetime) -> str:
        """His team: that of the last match that had begun, before it that of his first."""
        begun = [row for row in self.rows if row["kickoff"] <= now]
        return str((begun[-1] if begun else self.rows[0])["team"])


class PastSeason:
    """All that the upstreams are asked about.

    postponed: former dates by match_id. players: codes of those who are served, None: all.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        season: str,
        postponed: Mapping[str, Postponement] | None = None,
        players: Collection[int] | None = None,
    ) -> None:
        self.season = season
        self.postponed = dict(postponed or {})
        teams = snapshot.load(Teams, [season]).sort_values("name")
        self.teams = dict(zip(teams["team"], teams["name"], strict=True))
        self.team_numbers = {team: number for number, team in enumerate(self.teams, start=1)}
        played = snapshot.load(Matches, [season]).drop(columns=["season", "kickoff_exact"])
        self.matches = [PastMatch(number, **row) for number, row in enumerate(_records(played), start=1)]
        self.by_id = {match.match_id: match for match in self.matches}
        self.deadlines = _deadlines(self.matches)
        self.finished: dict[tuple[str, int], dict[str, float]] = {}
        self.nothing_done: dict[int, dict[str, float]] = {}
        self.players = self._players(snapshot, players)
        self.rows_of_match: dict[str, list[tuple[PastPlayer, dict[str, Any]]]] = {m.match_id: [] for m in self.matches}
        for player in self.players:
            for row in player.rows:
                self.rows_of_match[row["match_id"]].append((player, row))

    @property
    def start(self) -> datetime:
        """A moment before everything: two weeks before the first deadline."""
        return self.deadlines[1] - 2 * WEEK

    @property
    def end(self) -> datetime:
        """A moment when every match is finished."""
        return max(match.kickoff for match in self.matches) + WEEK

    def schedule(self, match: PastMatch, now: datetime) -> tuple[int | None, datetime | None]:
        """Gameweek and kick-off as they were known."""
        moved = self.postponed.get(match.match_id)
        if moved is None or now >= moved.redated_at:
            return match.gameweek, match.kickoff
        return (moved.former_gameweek, moved.former_kickoff) if now < moved.announced_at else (None, None)

    def phase(self, match: PastMatch, now: datetime) -> str:
        """unscheduled, scheduled, live, provisional or finished."""
        if self.schedule(match, now)[1] is None:
            return "unscheduled"
        if now < match.kickoff:
            return "scheduled"
        if now < match.kickoff + WHISTLE:
            return "live"
        return "provisional" if now < match.kickoff + CONFIRMED else "finished"

    def begun(self, match: PastMatch, now: datetime) -> bool:
        """Whether it has kicked off."""
        return self.phase(match, now) in ("live", "provisional", "finished")

    def last_deadline(self, now: datetime) -> int:
        """The newest gameweek whose deadline has passed, 0 before the first."""
        return max((number for number, deadline in self.deadlines.items() if deadline <= now), default=0)

    def registered(self, now: datetime) -> list[PastPlayer]:
        """The players by their number."""
        return [player for player in self.players if player.since is None or player.since <= now]

    def _players(self, snapshot: Snapshot, chosen: Collection[int] | None) -> list[PastPlayer]:
        rows: dict[int, list[dict[str, Any]]] = {}
        played = snapshot.load(Appearances, [self.season]).sort_values("kickoff")
        for row in _records(played if chosen is None else played[played["player"].isin(chosen)]):
            rows.setdefault(row["player"], []).append(row)
        flags: dict[int, list[dict[str, Any]]] = {}
        seen = snapshot.load(Availability)
        for row in _records(flag_changes(seen[seen["season"] == self.season]).sort_values("seen_at")):
            flags.setdefault(row["player"], []).append(row)
        people = [one for one in _records(snapshot.load(Players, [self.season])) if one["player"] in rows]
        people.sort(key=lambda one: (_first(rows[one["player"]]), rows[one["player"]][0]["team"], one["player"]))
        return [
            PastPlayer(
                number,
                one["player"],
                one["name"],
                one["web_name"] or one["name"].split()[-1],
                one["position"],
                self.deadlines[first - 1] if (first := _first(rows[one["player"]])) > 1 else None,
                rows[one["player"]],
                flags.get(one["player"], []),
            )
            for number, one in enumerate(people, start=1)
        ]


def elapsed(match: PastMatch, now: datetime) -> int:
    """Minutes of play, 0 to 90; the break does not count."""
    minutes = int((now - match.kickoff).total_seconds() // 60)
    return max(0, min(minutes, HALF, 2 * HALF) if minutes <= HALF + BREAK else min(minutes - BREAK, 2 * HALF))


def _first(rows: list[dict[str, Any]]) -> int:
    return int(min(row["gameweek"] or 1 for row in rows))


def _deadlines(matches: list[PastMatch]) -> dict[int, datetime]:
    """Of each gameweek; one that has no match lies a week after the one before."""
    found: dict[int, datetime] = {}
    for number in range(1, GAMEWEEKS + 1):
        kickoffs = [match.kickoff for match in matches if match.gameweek == number]
        found[number] = min(kickoffs) - BEFORE_KICKOFF if kickoffs else found[number - 1] + WEEK
    return found


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: None for what is missing, datetime for moments."""
    columns = {}
    for column in frame.columns:
        values = frame[column]
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            columns[column] = [moment.to_pydatetime() for moment in values]
        else:
            columns[column] = values.astype(object).where(values.notna(), None).tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
