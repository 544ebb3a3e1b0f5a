"""A season as its facts say it was: matches by day, and the moments at which features become known."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

import pandas as pd

from feature_repo.stream.facts import RESULT, content_of
from feature_repo.stream.past import Base
from matchday.features.team import LeagueState, Match, Moment, Row, day_moments, moment_rows
from matchday.ratings.xg import SUMMED, fill_xg, with_sums

NEVER = date.min


class KnownRows(NamedTuple):
    """Rows that become known at a moment. tables: of each of `matchday.features.tables.TEAM_TABLES`."""

    at: datetime
    tables: tuple[list[Row], ...]


@dataclass
class _Day:
    """Matches of a UTC day, and what they make known. state: after the day; None when both must be made anew."""

    matches: dict[str, Match] = field(default_factory=dict)
    known: list[KnownRows] = field(default_factory=list)
    state: LeagueState | None = None


class SeasonLeague:
    """The matches of a season that have a result, from facts. Changed days and those behind them are made anew."""

    def __init__(self, season: str, base: Base) -> None:
        self.season = season
        self._base = base
        self._rows: dict[str, dict[str, Any]] = {}
        self._days: dict[date, _Day] = {}
        self._opening = [_known_rows(base.opening)]

    def take(self, facts: Mapping[str, Mapping[str, bytes]]) -> date | None:
        """Take in all facts of some matches. Returns the first day that changed by them; None when none did."""
        rows, players = [], []
        changed = []
        for match_id, subjects in facts.items():
            result = content_of(subjects[RESULT]) if RESULT in subjects else None
            if result is None or result["home_goals"] is None or result["away_goals"] is None:
                changed += self._drop(match_id)
                continue
            rows.append(match_row(match_id, result))
            players += [content_of(stored) for subject, stored in subjects.items() if subject != RESULT]
        for match_id, row in self._described(rows, players):
            changed += self._place(match_id, row)
        return min(changed, default=None)

    def known(self, since: date = NEVER) -> Iterator[KnownRows]:
        """What became known on a day and those behind it, in order; with the season's opening without a day."""
        if since == NEVER:
            yield from self._opening
        for day, of_day in self._settled():
            if day >= since:
                yield from of_day.known

    def table(self) -> pd.DataFrame:
        """The matches with the sums of their players, as `with_sums` gives them."""
        table = pd.DataFrame(list(self._rows.values()))
        return table.astype({"kickoff": "datetime64[us, UTC]"}) if len(table) else table

    def _described(
        self, rows: list[dict[str, Any]], players: list[dict[str, Any]]
    ) -> Iterable[tuple[str, dict[str, Any]]]:
        """The rows with sums of their players and expected goals."""
        if not rows:
            return []
        frame = pd.DataFrame(players, columns=["match", "team", *SUMMED]).rename(columns={"match": "match_id"})
        frame[list(SUMMED)] = frame[list(SUMMED)].astype(float)
        table = with_sums(pd.DataFrame(rows), frame)
        filled = fill_xg(table, self._base.stand_in)
        return [
            (str(row["match_id"]), {str(column): value for column, value in row.items()} | {"filled": (home, away)})
            for row, home, away in zip(
                table.to_dict("records"), filled["home_xg"].tolist(), filled["away_xg"].tolist(), strict=True
            )
        ]

    def _place(self, match_id: str, row: dict[str, Any]) -> list[date]:
        """Put a match on its day. Returns the days that changed: its own, and that it was on before."""
        filled = row.pop("filled")
        kickoff, goals = row["kickoff"].to_pydatetime(), (row["home_goals"], row["away_goals"])
        own = (row["home_xg"], row["away_xg"])
        match = Match(self.season, kickoff, row["home"], row["away"], goals, xg=filled, own_xg=own)
        day = self._days.get(kickoff.date())
        if day is not None and _same(day.matches.get(match_id), match):
            self._rows[match_id] = row
            return []
        changed = self._drop(match_id)
        self._rows[match_id] = row
        self._days.setdefault(kickoff.date(), _Day()).matches[match_id] = match
        return [*changed, self._unsettle(kickoff.date())]

    def _drop(self, match_id: str) -> list[date]:
        """Take a match away. Returns the day that changed by it."""
        row = self._rows.pop(match_id, None)
        if row is None:
            return []
        day = row["kickoff"].date()
        del self._days[day].matches[match_id]
        return [self._unsettle(day)]

    def _unsettle(self, since: date) -> date:
        """Forget what a day and those behind it made known."""
        for day, of_day in self._days.items():
            if day >= since:
                of_day.state = None
        return since

    def _settled(self) -> list[tuple[date, _Day]]:
        """The days with matches in order, with what they made known."""
        state = self._base.opening.state
        days = sorted(((day, one) for day, one in self._days.items() if one.matches), key=lambda pair: pair[0])
        for _, of_day in days:
            if of_day.state is None:
                ordered = sorted(of_day.matches.values(), key=lambda match: (match.kickoff, match.home))
                moments = list(day_moments(state, self.season, ordered))
                of_day.known, of_day.state = [*map(_known_rows, moments)], moments[-1].state
            state = of_day.state
        return days


def _known_rows(moment: Moment) -> KnownRows:
    return KnownRows(moment.at, moment_rows(moment))


def match_row(match_id: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """A row of finished matches, from the data of a result."""
    season, home, away = match_id.split("-")
    return {
        "match_id": match_id,
        "season": season,
        "kickoff": pd.Timestamp(datetime.fromisoformat(result["kickoff"])).as_unit("us"),
        "home": home,
        "away": away,
        "home_goals": int(result["home_goals"]),
        "away_goals": int(result["away_goals"]),
    }


def _same(one: Match | None, other: Match) -> bool:
    """Whether two matches are equal, unknown expected goals among them."""
    return one is not None and repr(one) == repr(other)
