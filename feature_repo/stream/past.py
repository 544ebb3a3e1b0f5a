"""What the lake knows: facts of a season, its teams, and the seasons that it follows."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from feature_repo.stream.facts import Fact, make_fact
from matchday.features.freshness import combine
from matchday.features.tables import TEAM_TABLES
from matchday.features.team import FULL_TIME, LeagueState, Moment, moments, opening_moment
from matchday.lake import Lake
from matchday.lake.reader import LakeReader
from matchday.ratings.xg import StandIn, fill_seasons, fit_stand_in, with_sums
from matchday.stream.messages import player_stats, results
from matchday.tables import Appearances, Matches, Teams, name

INPUTS = ("matches", "appearances", "teams")
"""Tables of the lake, by name, that features are made of."""

OBSERVED = {
    "observed_fixtures": ("match_id", "known_at"),
    "observed_appearances": ("match_id", "player", "known_at"),
}
"""Tables of observations that results and statistics of a season under way come from, and columns that say when."""


@dataclass(frozen=True)
class Base:
    """What a season begins with. opening: its first moment. stand_in: for matches without expected goals."""

    opening: Moment
    stand_in: StandIn | None


class Past:
    """The lake's history. Raises LakeError when its tables are not there.

    as_of: matches that ended later are left to the stream; None takes all in. collected: root of what was observed,
    which knows since when a season under way has been known.
    """

    def __init__(self, url: str, as_of: datetime | None = None, collected: str = "") -> None:
        self._reader = LakeReader(url)
        self._lake = Lake(url)
        self._as_of = as_of
        self._observed = LakeReader(collected) if collected else None
        self._teams: dict[str, tuple[str, ...]] = {}

    def fingerprint(self) -> str:
        """Fingerprint of what is there; empty when a table is missing."""
        return combine(self._reader.fingerprints(INPUTS)) or ""

    def season_fingerprint(self, season: str) -> str:
        """The same of one season's results and statistics, as far as they are not left to the stream."""
        read = [self._reader.seasons(table).get(season, "") for table in INPUTS[:2]]
        return "-".join([*read, *([self._as_of.isoformat()] if self._as_of else [])])

    def base_fingerprint(self, season: str, without: Collection[str]) -> str:
        """The same of a season's teams and of the seasons before it, but for some whose facts are in the store.

        It says which tables are made, too: where a release adds one, all is made anew.
        """
        teams = [one for of, one in self._reader.seasons("teams").items() if of <= season]
        past = [one for one in self._reader.seasons("matches") if one < season and one not in without]
        said = "|".join([*map(name, TEAM_TABLES), *teams, *map(self.season_fingerprint, sorted(past))])
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def teams(self, season: str) -> tuple[str, ...]:
        """The teams of a season as last read; none of one that is not known."""
        if not self._teams:
            self.refresh()
        return self._teams.get(season, ())

    def refresh(self) -> None:
        """Read again which teams play."""
        teams: dict[str, tuple[str, ...]] = {}
        for row in self._reader.rows("teams", columns=["season", "team"]):
            teams[row["season"]] = (*teams.get(row["season"], ()), row["team"])
        self._teams = teams

    def facts(self, season: str) -> list[Fact]:
        """The lake's own results and statistics of a season.

        Their revision is Unix milliseconds since when they have been known, as that of live events; 0 of what nobody
        has observed: the bundled history.
        """
        if season not in self._reader.seasons("matches"):
            return []
        matches = self._ended(self._lake.read(Matches, [season]))
        seconds = (matches["kickoff"] + FULL_TIME).map(pd.Timestamp.timestamp)
        ended = dict(zip(matches["match_id"], seconds, strict=True))
        said = [*results(matches)]
        if season in self._reader.seasons("appearances"):
            said += player_stats(self._lake.read(Appearances, [season]))
        since = self._known_since(season)
        return [
            make_fact(data | {"revision": since.get(_subject(data), 0)}, ended[data["match"]])
            for data in said
            if data["match"] in ended
        ]

    def tables(self, until: str, without: Collection[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Matches and appearances of the seasons up to one, but for some."""
        seasons = [one for one in self._reader.seasons("matches") if one <= until and one not in without]
        return self._ended(self._lake.read(Matches, seasons)), self._lake.read(Appearances, seasons)

    def all_teams(self, until: str) -> pd.DataFrame:
        """The teams of the seasons up to one, rows of `Teams`."""
        teams = self._lake.read(Teams)
        return teams[teams["season"] <= until]

    def base(self, season: str, streamed: Mapping[str, pd.DataFrame]) -> Base:
        """What a season begins with. streamed: matches with sums of earlier seasons that facts were taken of."""
        matches, appearances = self.tables(season, without=[season, *streamed])
        tables = [with_sums(matches, appearances), *(streamed[one] for one in sorted(streamed))]
        table = pd.concat([one for one in tables if len(one)] or tables[:1], ignore_index=True)
        state, last = LeagueState(), None
        teams = self.all_teams(season)
        for moment in moments(fill_seasons(table), teams[teams["season"] < season]):
            state = moment.state
        if len(table):
            last = table["kickoff"].max().to_pydatetime()
        return Base(opening_moment(season, state, self.teams(season), last), fit_stand_in(table))

    def _known_since(self, season: str) -> dict[tuple[str, int | None], int]:
        """(match, player) -> Unix milliseconds since which its newest version has been known; None for the result."""
        found: dict[tuple[str, int | None], int] = {}
        for table, columns in OBSERVED.items() if self._observed else ():
            for row in self._observed.rows(table, [season], columns):  # type: ignore[union-attr]
                subject = (row["match_id"], row.get("player"))
                found[subject] = max(found.get(subject, 0), round(row["known_at"].timestamp() * 1000))
        return found

    def _ended(self, matches: pd.DataFrame) -> pd.DataFrame:
        return matches if self._as_of is None else matches[matches["kickoff"] + FULL_TIME <= self._as_of]


def _subject(data: Mapping[str, Any]) -> tuple[str, int | None]:
    return data["match"], data.get("player")
