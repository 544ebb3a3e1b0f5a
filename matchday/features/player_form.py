"""Rows of `PlayerForm`: what a player did so far, known at each full time of his team.

Rules, each with a test:

- A player is his code: who is renamed goes on, and two of one name stay apart.
- Who changes club or position takes his history with him; only `club_matches` starts again.
- Who has never been seen has no row: `UNSEEN` stands in, the same numbers as for no match at all. A player of a
  promoted club is not special: he is unseen, or has the history of his time in the league.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.features.team import FULL_TIME
from matchday.tables import columns
from matchday.tables.player_form import PlayerForm

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FULL = 60
"""Minutes from which the game gives the points of a full match."""
PASTS: Mapping[str, float] = MappingProxyType({"short": 0.6, "middle": 0.85, "long": 0.96})
"""Weight that a match keeps with each later one of the team."""
SUMMED = ("points", "goals", "assists", "bonus", "bps", "saves", "yellow_cards", "threat", "creativity", "xg", "xa")
"""What is summed for each 90 minutes; threat, creativity, xg and xa only over matches in which they are known."""
KEPT = 0.97
"""Weight that a match played keeps with each later one played."""
PRIOR_NINETIES = 2.0
"""Matches without anything that each sum is diluted by."""
FULL_KEPT, FULL_PRIOR, FULL_PRIOR_POINTS = 0.95, 2.0, 2.0
"""Of points in full matches: weight kept, matches of the prior, its points."""
LAST = 3
"""Latest matches whose minutes are given one by one."""

UNSEEN: Mapping[str, float] = MappingProxyType(
    {
        name: FULL_PRIOR_POINTS if name == "full_points" else 0.0
        for name in columns(PlayerForm)
        if name not in ("season", "player", "event_time", "team", "position")
    }
)
"""Form of a player before his first match."""


def player_form(appearances: pd.DataFrame) -> pd.DataFrame:
    """Rows of `PlayerForm` from rows of `Appearances`; assistant managers are left out.

    A row depends on the player's own rows up to it and on no other.
    """
    players = appearances[appearances["position"] != "MNG"]
    rows = players.sort_values(["player", "kickoff"], ignore_index=True)
    minutes = rows["minutes"].to_numpy(np.int64)
    previous = _previous(rows["player"])
    found = pd.DataFrame({"season": rows["season"], "player": rows["player"]})
    found["event_time"] = (rows["kickoff"] + FULL_TIME).astype("datetime64[us, UTC]")
    found["team"], found["position"] = rows["team"], rows["position"]
    found = found.assign(
        **_counts(rows, minutes), **_last_minutes(rows, minutes), **_shares(minutes, previous), **_rates(rows, previous)
    )
    return found[columns(PlayerForm)]


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
    stint = (rows["team"].ne(rows["team"].shift()) | player.ne(player.shift())).cumsum()
    matches = rows.groupby("player").cumcount().to_numpy() + 1
    played = pd.Series(np.where(minutes > 0, matches, 0)).groupby(player).cummax().to_numpy()
    in_season = rows.groupby(["player", "season"])["minutes"]
    number = in_season.cumcount().to_numpy() + 1
    return {
        "matches": matches,
        "club_matches": rows.groupby(stint).cumcount().to_numpy() + 1,
        "season_matches": number,
        "missed": matches - played,
        "season_minutes": in_season.cumsum().to_numpy() / number,
        "last_season_minutes": _last_season(rows),
    }


def _last_season(rows: pd.DataFrame) -> FloatArray:
    """Mean minutes of the season right before each row's; 0 for who was not in the league then."""
    means = rows.groupby(["player", "season"])["minutes"].mean()
    first = rows["season"].str[:2].astype(int)
    before = (first - 1).map("{:02d}".format) + first.map("{:02d}".format)
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
    for name in SUMMED:
        value = rows[name].to_numpy(float, na_value=np.nan)
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
