"""Points that the league took from clubs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Deduction:
    """Points taken from a club (negative: given back) by a decision that was published on a day."""

    season: str
    team: str
    points: int
    decided: datetime


DEDUCTIONS = (
    Deduction("2324", "EVE", 10, datetime(2023, 11, 17, tzinfo=UTC)),
    Deduction("2324", "EVE", -4, datetime(2024, 2, 26, tzinfo=UTC)),
    Deduction("2324", "NFO", 4, datetime(2024, 3, 18, tzinfo=UTC)),
    Deduction("2324", "EVE", 2, datetime(2024, 4, 8, tzinfo=UTC)),
)
"""Decisions since 2014/15, by day: Everton's 10 points became 6 on appeal, and 2 more followed."""


def deducted(season: str, as_of: datetime | None = None) -> Mapping[str, int]:
    """Points taken from each club of a season that lost any, by decisions of days before `as_of`; None counts all.

    Only the day of a decision is known: it counts from the end of that day (UTC) on.
    """
    found: dict[str, int] = {}
    for one in DEDUCTIONS:
        if one.season == season and (as_of is None or one.decided.date() < as_of.astimezone(UTC).date()):
            found[one.team] = found.get(one.team, 0) + one.points
    return found
