"""A match that is scheduled, and the forecast of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class ScheduledMatch:
    """A match with a kick-off. gameweek: None while it has none."""

    match_id: str
    season: str
    gameweek: int | None
    kickoff: datetime
    home: str
    away: str

    @property
    def teams(self) -> tuple[str, str]:
        """Home and away."""
        return self.home, self.away

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "ScheduledMatch":
        """From a row of `Fixtures` as plain values."""
        gameweek = row["gameweek"]
        return cls(
            match_id=str(row["match_id"]),
            season=str(row["season"]),
            gameweek=None if gameweek is None else int(gameweek),
            kickoff=row["kickoff"].astimezone(UTC),
            home=str(row["home"]),
            away=str(row["away"]),
        )


@dataclass(frozen=True)
class OutcomeForecast:
    """A match and its probabilities of home win, draw and away win, with six decimals."""

    match: ScheduledMatch
    probabilities: tuple[float, float, float]
