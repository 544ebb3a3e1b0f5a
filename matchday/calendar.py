"""Which matches come next, as seen from a moment."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from matchday.errors import MatchdayError

if TYPE_CHECKING:
    import pandas as pd

EARLIEST = datetime(2019, 8, 1, tzinfo=UTC)
"""Earlier there are not three seasons with player data to learn from."""

ROUND = 10
"""Matches of a full gameweek."""


class CalendarError(MatchdayError):
    """A date on which nothing can be forecast."""


@dataclass(frozen=True)
class Gameweek:
    """A round of matches, seen from `as_of`. fixtures: rows of `Fixtures` that had not begun, by kick-off."""

    as_of: datetime
    season: str
    number: int
    fixtures: "pd.DataFrame"


def parse(as_of: str) -> datetime:
    """A moment from ISO 8601 text; a date is its first moment, and what names no zone is UTC. Raises CalendarError."""
    try:
        parsed = datetime.fromisoformat(as_of)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise CalendarError(f"{as_of!r} is not a date: write it as 2026-03-01") from None


def check_past(moment: datetime, now: datetime) -> None:
    """Raises CalendarError for a moment that is still to come."""
    if moment > now:
        raise CalendarError(f"nothing is known as of {moment:%Y-%m-%d %H:%M} UTC yet: choose a moment until now")


def last_gameweek_day(fixtures: "pd.DataFrame") -> datetime:
    """The first moment of the day on which the last gameweek of all begins."""
    last = fixtures.sort_values("kickoff").iloc[-1]
    same = fixtures[(fixtures["season"] == last["season"]) & (fixtures["gameweek"] == last["gameweek"])]
    first: datetime = same["kickoff"].min().to_pydatetime()
    return first.replace(hour=0, minute=0, second=0, microsecond=0)


def next_gameweek(fixtures: "pd.DataFrame", as_of: datetime) -> Gameweek:
    """The round that most of the next ten matches belong to, without what had begun by `as_of`.

    Postponed matches of earlier rounds lie between; they do not make a round. Raises CalendarError for a date
    before `EARLIEST` or after the last match.
    """
    last = fixtures["kickoff"].max()
    if as_of < EARLIEST or as_of > last:
        raise CalendarError(
            f"nothing to forecast on {as_of:%Y-%m-%d}: choose a date from {EARLIEST:%Y-%m-%d} to {last:%Y-%m-%d}"
        )
    coming = fixtures[fixtures["kickoff"] >= as_of].sort_values(["kickoff", "match_id"])
    rounds = coming.head(ROUND).groupby(["season", "gameweek"], as_index=False).size()
    largest = rounds.sort_values("size", ascending=False, kind="stable").iloc[0]
    chosen = coming[(coming["season"] == largest["season"]) & (coming["gameweek"] == largest["gameweek"])]
    return Gameweek(as_of, str(largest["season"]), int(largest["gameweek"]), chosen.reset_index(drop=True))
