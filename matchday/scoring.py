"""Rules of the fantasy game that changed between seasons, as data. Points of all other kinds are as they were."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class DefensiveContributions:
    """Points for defending. points: of a match; actions: how many a player of each position needs for them."""

    points: int
    actions: Mapping[str, int]


DEFENSIVE_CONTRIBUTIONS: Mapping[str, DefensiveContributions] = MappingProxyType(
    {"2526": DefensiveContributions(points=2, actions=MappingProxyType({"DEF": 10, "MID": 12, "FWD": 12}))}
)
"""By the first season of each rule, which holds until the next one. None were given before."""


def defensive_contributions(season: str) -> DefensiveContributions | None:
    """The rule of a season, None where defending gave no points."""
    since = max((first for first in DEFENSIVE_CONTRIBUTIONS if first <= season), default=None)
    return None if since is None else DEFENSIVE_CONTRIBUTIONS[since]


def defensive_points(rows: pd.DataFrame) -> IntArray:
    """Points (n,) that each row's `points` has for defending. rows: season, position, defensive_contribution."""
    found = np.zeros(len(rows), np.int64)
    actions = rows["defensive_contribution"].to_numpy(float, na_value=0.0)
    for season in rows["season"].unique():
        if rule := defensive_contributions(str(season)):
            needed = rows["position"].map(dict(rule.actions)).to_numpy(float)
            found[(rows["season"] == season).to_numpy() & (actions >= needed)] = rule.points
    return found
