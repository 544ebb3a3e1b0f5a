"""Feature vectors of players before matches, all as known at the gameweek's deadline.

The values are those that Feast's join of `player_points_v1` gives at the deadline, made from the tables themselves.
"""

from collections.abc import Mapping

import pandas as pd

from matchday.deadlines import deadlines
from matchday.features.known import known_vectors
from matchday.features.services import PLAYER_POINTS
from matchday.tables import columns
from matchday.tables.points_features import PointsFeatures

WEEK = ["season", "gameweek"]


def points_rows(appearances: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows of `PointsFeatures` for the rows of `Appearances` that have a gameweek; assistant managers are left out.

    tables: feature tables by the name of their view, of as many clubs and players. Raises ValueError when one of them
    had no row by a deadline.
    """
    rows = appearances[(appearances["position"] != "MNG") & appearances["gameweek"].notna()]
    rows = rows.sort_values(["kickoff", "match_id", "player"], ignore_index=True)
    rows = rows.join(deadlines(rows).rename("event_time"), on=WEEK)
    vectors = known_vectors(PLAYER_POINTS.features, rows, tables)
    if (missing := vectors.isna().any(axis=1)).any():
        first = rows[missing].iloc[0]
        raise ValueError(f"nothing was known of player {first['player']} or a club of {first['match_id']} before it")
    keys = rows.drop(columns=["home", "gameweek"]).assign(result=rows["points"])
    wanted = columns(PointsFeatures)
    found = vectors.assign(home=rows["home"].astype(float), **{name: keys[name] for name in wanted if name in keys})
    return found[wanted]
