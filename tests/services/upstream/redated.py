"""A past season moved into the season under way: the same matches on the same weekdays, by the clubs of now."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.sources.snapshot import Snapshot
from matchday.tables import Matches, Teams

YEAR = timedelta(weeks=52)
TEAMS = ("team", "home", "away", "opponent")
"""Columns that hold a team's code."""


class RedatedSnapshot(Snapshot):
    """The bundled history, in which its last whole season was played in another, later one.

    The clubs that went down are those that came up, where the bundled history has the clubs of that season.
    """

    def __init__(self, folder: Path, season: str) -> None:
        super().__init__(folder)
        self.season, self.past = season, max(super().load(Matches)["season"])
        years = int(season[:2]) - int(self.past[:2])
        if years < 0:
            raise ValueError(f"season {season} lies before {self.past}")
        self._later = years * YEAR
        teams = super().load(Teams)
        self._teams = teams[teams["season"] == season].reset_index(drop=True)
        self._clubs = _successors(teams, self.past, season)

    def load(self, table: type[DataFrameModel], seasons: Sequence[str] | None = None) -> pd.DataFrame:
        """The rows of the past season as rows of the later one; a table has no others. seasons: that one, or None."""
        if seasons is not None and list(seasons) != [self.season]:
            raise ValueError(f"only season {self.season} is here, not {', '.join(seasons)}")
        if table is Teams and len(self._teams):
            return self._teams
        rows = super().load(table, [self.past])
        moved = {str(column): self._move(str(column), rows[column]) for column in rows.columns}
        return rows.assign(**moved)

    def _move(self, column: str, values: pd.Series) -> pd.Series:
        if column == "season":
            return values.map(lambda _: self.season)
        if column in TEAMS:
            return values.map(self._club)
        if column == "match_id":
            return values.map(self._match)
        return values + self._later if isinstance(values.dtype, pd.DatetimeTZDtype) else values

    def _club(self, code: str) -> str:
        return self._clubs.get(code, code)

    def _match(self, match_id: str) -> str:
        _, home, away = match_id.split("-")
        return f"{self.season}-{self._club(home)}-{self._club(away)}"


def _successors(teams: pd.DataFrame, past: str, season: str) -> Mapping[str, str]:
    """Who plays in the place of each club that went down."""
    before, now = (set(teams.loc[teams["season"] == one, "team"]) for one in (past, season))
    return dict(zip(sorted(before - now), sorted(now - before), strict=True)) if now else {}
