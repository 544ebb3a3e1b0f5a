"""Rows of `PlayerForm`: what a player did so far, known at each full time of his team.

Rules, each with a test:

- A player is his code: who is renamed goes on, and two of one name stay apart.
- Who changes club or position takes his history with him.
- Who has never been seen starts as `UNSEEN`, the same numbers as for no match at all. A player of a promoted club is
  not special: he is unseen, or has the history of his time in the league.
- A season starts with rows of its own, so that no reader has to turn last season's numbers over: one when it opens, for
  every player of the season before, and one at the deadline of his first gameweek, for every player.
"""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.deadlines import deadlines
from matchday.features.team import FULL_TIME, season_opening
from matchday.ratings.xg import FIRST_WITH_XG, XG_PUBLISHED
from matchday.tables import columns
from matchday.tables.player_form import PlayerForm

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

WEEK = ["season", "gameweek"]
FULL = 60
"""Minutes from which the game gives the points of a full match."""
PASTS: Mapping[str, float] = MappingProxyType({"short": 0.6, "middle": 0.85, "long": 0.96})
"""Weight that a match keeps with each later one of the team."""
SUMMED = ("points", "goals", "assists", "bonus", "bps", "saves", "yellow_cards", "threat", "creativity", "xg", "xa")
"""What is summed for each 90 minutes; threat, creativity, xg and xa only over matches in which they are known."""
PUBLISHED_LATE = ("xg", "xa")
"""Of these nobody knew the first half of 22/23 at the time, and a match once seen is not seen again."""
KEPT = 0.97
"""Weight that a match played keeps with each later one played."""
PRIOR_NINETIES = 2.0
"""Matches without anything that each sum is diluted by."""
FULL_KEPT, FULL_PRIOR, FULL_PRIOR_POINTS = 0.95, 2.0, 2.0
"""Of points in full matches: weight kept, matches of the prior, its points."""
LAST = 4
"""Latest matches whose minutes are given one by one."""

UNSEEN: Mapping[str, float] = MappingProxyType(
    {
        name: FULL_PRIOR_POINTS if name == "full_points" else 0.0
        for name in columns(PlayerForm)
        if name not in ("season", "player", "event_time", "team")
    }
)
"""Form of a player before his first match."""


def player_form(
    appearances: pd.DataFrame, seasons: Collection[str] = (), coming: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Rows of `PlayerForm` from rows of `Appearances`; assistant managers are left out.

    seasons: that have opened, also those without a match so far; those of the appearances always have. coming: players
    of the coming gameweek: season, gameweek, kickoff, player, team. A row depends on the player's own rows before it,
    and on the schedule of his season's first gameweek.
    """
    players = appearances[appearances["position"] != "MNG"]
    rows = players.sort_values(["player", "kickoff"], ignore_index=True)
    minutes = rows["minutes"].to_numpy(np.int64)
    previous = _previous(rows["player"])
    found = pd.DataFrame({"season": rows["season"], "player": rows["player"]})
    found["event_time"] = (rows["kickoff"] + FULL_TIME).astype("datetime64[us, UTC]")
    found = found.assign(
        team=rows["team"],
        **_counts(rows, minutes),
        **_last_minutes(rows, minutes),
        **_shares(minutes, previous),
        **_rates(rows, previous),
    )
    registered = rows if coming is None else pd.concat([rows, coming[[*WEEK, "kickoff", "player", "team"]]])
    starts = [_registrations(registered, found), _openings(rows, found, {*seasons, *rows["season"]})]
    whole = pd.concat([found, *(each for each in starts if len(each))], ignore_index=True)
    whole = whole.astype({name: found[name].dtype for name in found})
    return whole.sort_values(["player", "event_time"], ignore_index=True)[columns(PlayerForm)]


def _registrations(rows: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """A row at the deadline of each player's first gameweek of a season, as of his row before; unseen without one."""
    first = rows[rows["gameweek"].notna()].drop_duplicates(["season", "player"])
    asked = first.join(deadlines(rows).rename("event_time"), on=WEEK)[["season", "player", "event_time", "team"]]
    last = found.drop_duplicates(["season", "player"], keep="last")
    return _turn_over(asked, last)


def _openings(rows: pd.DataFrame, found: pd.DataFrame, seasons: Collection[str]) -> pd.DataFrame:
    """A row at the opening of each season for every player of the season before."""
    last = found.drop_duplicates(["season", "player"], keep="last")
    ends = rows.groupby("season")["kickoff"].max()
    parts = []
    for season in sorted(seasons):
        players = last.loc[last["season"] == season_before(season), ["player", "team"]]
        if len(players):
            opening = season_opening(season, ends[season_before(season)].to_pydatetime())
            parts.append(players.assign(season=season, event_time=pd.Timestamp(opening)))
    if not parts:
        return found.iloc[:0]
    asked = pd.concat(parts, ignore_index=True).astype({"event_time": "datetime64[us, UTC]"})
    return _turn_over(asked, last)


def _turn_over(asked: pd.DataFrame, last: pd.DataFrame) -> pd.DataFrame:
    """Rows (season, player, event_time, team) with the player's form as of the last row of a season before theirs."""
    known = (
        last.drop(columns="team").rename(columns={"season": "last_season", "event_time": "known"}).sort_values("known")
    )
    asked = asked.sort_values("event_time")
    rows = pd.merge_asof(asked, known, left_on="event_time", right_on="known", by="player", allow_exact_matches=False)
    right_before = rows["last_season"].eq(rows["season"].map(season_before))
    ended = {f"last_{name}": rows[name].where(right_before, 0.0) for name in ("season_minutes", "season_points")}
    rows = rows.assign(**ended, season_minutes=0.0, season_points=0.0, season_matches=0)
    return rows.drop(columns=["last_season", "known"]).fillna(dict(UNSEEN))


def season_before(season: str) -> str:
    """`2425` of `2526`."""
    first = int(season[:2])
    return f"{(first - 1) % 100:02d}{first:02d}"


def decayed_sums(values: FloatArray, previous: IntArray, kept: FloatArray) -> FloatArray:
    """Running sums (n, c) of values (n, c) in which what came before row i counts `kept[i]` (n,).

    previous: (n,) the same player's row before, always an earlier one; -1 for his first.
    """
    sums = values.astype(float)
    depth = np.zeros(len(values), np.int64)
    for row, before in enumerate(previous.tolist()):
        depth[row] = depth[before] + 1 if before >= 0 else 0
    order = np.argsort(depth, kind="stable")
    for now in np.split(order, np.flatnonzero(np.diff(depth[order])) + 1)[1:]:
        sums[now] += kept[now, None] * sums[previous[now]]
    return sums


def _previous(players: pd.Series) -> IntArray:
    """Row before each row of the same player, -1 for his first; rows of a player stand together."""
    before = np.arange(len(players), dtype=np.int64) - 1
    return np.where(players.eq(players.shift()).to_numpy(), before, -1)


def _counts(rows: pd.DataFrame, minutes: IntArray) -> dict[str, NDArray[Any]]:
    player = rows["player"]
    matches = rows.groupby("player").cumcount().to_numpy() + 1
    played = pd.Series(np.where(minutes > 0, matches, 0)).groupby(player).cummax().to_numpy()
    in_season = rows.groupby(["player", "season"])
    number = in_season.cumcount().to_numpy() + 1
    return {
        "matches": matches,
        "season_matches": number,
        "missed": matches - played,
        "season_minutes": in_season["minutes"].cumsum().to_numpy() / number,
        "season_points": in_season["points"].cumsum().to_numpy() / number,
        "last_season_minutes": _last_season(rows, "minutes"),
        "last_season_points": _last_season(rows, "points"),
    }


def _last_season(rows: pd.DataFrame, name: str) -> FloatArray:
    """Mean of the season right before each row's; 0 for who was not in the league then."""
    means = rows.groupby(["player", "season"])[name].mean()
    before = rows["season"].map({season: season_before(season) for season in rows["season"].unique()})
    return means.reindex(pd.MultiIndex.from_arrays([rows["player"], before])).fillna(0.0).to_numpy(float)


def _last_minutes(rows: pd.DataFrame, minutes: IntArray) -> dict[str, IntArray]:
    grouped = pd.Series(minutes).groupby(rows["player"])
    return {f"minutes_{ago + 1}": grouped.shift(ago, fill_value=0).to_numpy(np.int64) for ago in range(LAST)}


def _shares(minutes: IntArray, previous: IntArray) -> dict[str, FloatArray]:
    values = np.column_stack([minutes > 0, minutes >= FULL, minutes, np.ones(len(minutes))]).astype(float)
    found = {}
    for past, kept in PASTS.items():
        sums = decayed_sums(values, previous, np.full(len(values), kept))
        for place, name in enumerate(("played", "full", "minutes")):
            found[f"{name}_{past}"] = sums[:, place] / sums[:, -1]
    return found


def _rates(rows: pd.DataFrame, previous: IntArray) -> dict[str, FloatArray]:
    """Sums for each 90 minutes; a match counts only for the columns that are known of it."""
    minutes = rows["minutes"].to_numpy(float)
    kept = np.where(minutes > 0, KEPT, 1.0)
    found = {"nineties": decayed_sums(minutes[:, None] / 90, previous, kept)[:, 0]}
    unpublished = ((rows["season"] == FIRST_WITH_XG) & (rows["kickoff"] < XG_PUBLISHED)).to_numpy()
    for name in SUMMED:
        value = rows[name].to_numpy(float, na_value=np.nan)
        if name in PUBLISHED_LATE:
            value = np.where(unpublished, np.nan, value)
        known = (minutes > 0) & ~np.isnan(value)
        both = np.column_stack([np.where(known, value, 0.0), np.where(known, minutes / 90, 0.0)])
        sums = decayed_sums(both, previous, np.where(known, KEPT, 1.0))
        found[f"{name}_90"] = sums[:, 0] / (sums[:, 1] + PRIOR_NINETIES)
    return {**found, "full_points": _full_points(rows, minutes, previous)}


def _full_points(rows: pd.DataFrame, minutes: FloatArray, previous: IntArray) -> FloatArray:
    full = (minutes >= FULL).astype(float)
    both = np.column_stack([full * rows["points"].to_numpy(float), full])
    sums = decayed_sums(both, previous, np.where(full > 0, FULL_KEPT, 1.0))
    pulled: Sequence[FloatArray] = (sums[:, 0] + FULL_PRIOR * FULL_PRIOR_POINTS, sums[:, 1] + FULL_PRIOR)
    return np.asarray(pulled[0] / pulled[1])
