"""What the lake knows: facts of a season, its teams, and the seasons that it follows."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from feature_repo.stream.facts import Fact, make_fact
from matchday.features.freshness import combine
from matchday.features.team import FULL_TIME, LeagueState, Moment, moments, opening_moment
from matchday.lake import Lake
from matchday.lake.reader import LakeReader
from matchday.ratings.xg import StandIn, fill_seasons, fit_stand_in, with_sums
from matchday.stream.messages import player_stats, results
from matchday.tables import Appearances, Matches, Teams

INPUTS = ("matches", "appearances", "teams")
"""Tables of the lake, by name, that features are made of."""


@dataclass(frozen=True)
class Base:
    """What a season begins with. opening: its first moment. stand_in: for matches without expected goals."""

    opening: Moment
    stand_in: StandIn | None


class Past:
    """The lake's history. Raises LakeError when its tables are not there."""

    def __init__(self, url: str) -> None:
        self._reader = LakeReader(url)
        self._lake = Lake(url)
        self._teams: dict[str, tuple[str, ...]] = {}

    def fingerprint(self) -> str:
        """Fingerprint of what is there; empty when a table is missing."""
        return combine(self._reader.fingerprints(INPUTS)) or ""

    def season_fingerprint(self, season: str) -> str:
        """The same of one season's results and statistics."""
        return "-".join(self._reader.seasons(table).get(season, "") for table in INPUTS[:2])

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
        """The lake's own results and statistics of a season, of revision 0: whatever was streamed ranks higher."""
        if season not in self._reader.seasons("matches"):
            return []
        matches = self._lake.read(Matches, [season])
        ended = dict(
            zip(matches["match_id"], (matches["kickoff"] + FULL_TIME).map(pd.Timestamp.timestamp), strict=True)
        )
        said = [*results(matches)]
        if season in self._reader.seasons("appearances"):
            said += player_stats(self._lake.read(Appearances, [season]))
        return [make_fact(data, ended[data["match"]]) for data in said if data["match"] in ended]

    def base(self, season: str, streamed: Mapping[str, pd.DataFrame]) -> Base:
        """What a season begins with. streamed: matches with sums of earlier seasons that facts were taken of."""
        teams = self._lake.read(Teams)
        earlier = [one for one in self._reader.seasons("matches") if one < season and one not in streamed]
        matches = self._lake.read(Matches, earlier)
        table = pd.concat(
            [with_sums(matches, self._lake.read(Appearances, earlier)), *(streamed[one] for one in sorted(streamed))],
            ignore_index=True,
        )
        table = table[table["season"] < season]
        state, last = LeagueState(), None
        for moment in moments(fill_seasons(table), teams[teams["season"] < season]):
            state = moment.state
        if len(table):
            last = table["kickoff"].max().to_pydatetime()
        return Base(opening_moment(season, state, self.teams(season), last), fit_stand_in(table))
