"""Matches that are filed under a gameweek in which they were not played."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

NEVER = float("inf")
FEWEST = 3
"""Fewer matches do not say when a gameweek was: they may all have been moved."""
EPOCH = pd.Timestamp(0, tz="UTC")


def misfiled_matches(matches: pd.DataFrame) -> list[str]:
    """Matches that cannot belong to their gameweek, and why, in order of season and kick-off.

    matches: rows of `Matches`; those without a gameweek are not judged. Nor is the only match that both clubs have in
    a gameweek: some sources leave a postponed match in its first one. Any other match lies between the middles of the
    gameweeks before and after its own. If both clubs play twice in its gameweek and not in the one before, it is no
    nearer to a match of that one than to its own gameweek's matches of clubs that play once. (It may be nearer to the
    gameweek behind it: matches are brought forward.)
    """
    filed = matches[matches["gameweek"].notna()].sort_values(["season", "kickoff", "match_id"])
    day = (filed["kickoff"] - EPOCH) / pd.Timedelta(days=1)
    filed = filed.assign(week=filed["gameweek"].astype("int64"), day=day)
    return [reason for _, season in filed.groupby("season", sort=True) for reason in _misfiled(season)]


@dataclass(frozen=True)
class _Weeks:
    """The gameweeks of a season. played: matches of a week and club. days: of all matches. proper: of clubs' only ones.

    last, following: the week before and after one, of those whose `middles` are known.
    """

    played: Mapping[tuple[int, str], int]
    days: Mapping[int, pd.Series]
    proper: Mapping[int, pd.Series]
    middles: Mapping[int, float]
    last: Mapping[int, int]
    following: Mapping[int, int]


def _misfiled(season: pd.DataFrame) -> Iterator[str]:
    weeks = _weeks_of(season)
    for match_id, week, day, *clubs in season[["match_id", "week", "day", "home", "away"]].itertuples(index=False):
        times = [weeks.played[week, club] for club in clubs]
        if max(times) == 1:
            continue
        last = weeks.last.get(week, 0)
        start = weeks.middles.get(last, -NEVER)
        end = weeks.middles.get(weeks.following.get(week, 0), NEVER)
        idle_before = not any((last, club) in weeks.played for club in clubs)
        if not start < day < end:
            yield f"{match_id} in gameweek {week}: played beyond its neighbours"
        elif min(times) > 1 and idle_before and _nearest(weeks.days, last, day) < _nearest(weeks.proper, week, day):
            yield f"{match_id} in gameweek {week}: played within the days of gameweek {last}"


def _weeks_of(season: pd.DataFrame) -> _Weeks:
    played: dict[tuple[int, str], int] = {}
    for side in ("home", "away"):
        for key in zip(season["week"], season[side], strict=True):
            played[key] = played.get(key, 0) + 1
    sides = zip(season["week"], season["home"], season["away"], strict=True)
    once = season[[min(played[week, home], played[week, away]) == 1 for week, home, away in sides]]
    days = _days_by_week(season)
    middles = {week: float(of.median()) for week, of in days.items() if len(of) >= FEWEST}
    pairs = list(pairwise(sorted({*middles, *season["week"]})))
    return _Weeks(
        played=played,
        days=days,
        proper=_days_by_week(once),
        middles=middles,
        last={week: before for before, week in pairs},
        following=dict(pairs),
    )


def _days_by_week(rows: pd.DataFrame) -> dict[int, pd.Series]:
    return {week: rows.loc[rows["week"] == week, "day"] for week in rows["week"].unique().tolist()}


def _nearest(days: Mapping[int, pd.Series], week: int, day: float) -> float:
    """Days from a moment to the nearest match of a week; infinite without any."""
    return float((days[week] - day).abs().min()) if week in days else NEVER
