"""What the trees see of a feature vector: stored features, and what follows of them for the match that is asked about.

In float32 and in the same order of operations as the graph, so that both see the same numbers.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.models.player_points.kind import PLAYER_POINTS

Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

NAMES = PLAYER_POINTS.feature_names
"""Columns of a feature vector in order."""
COLUMN = {name: place for place, name in enumerate(NAMES)}
NOT_SEEN = (
    *("league_level", "league_home_edge", "opponent_attack", "opponent_defence"),
    *("gameweek", "gameweek_matches", "team_rest_days", "days_ahead", "defensive_points", "flag"),
)
"""Features that the trees see only what follows from, or that enter behind them."""
SEEN = tuple(name for name in NAMES if name not in NOT_SEEN)
FOLLOWING = ("log_goals_for", "log_goals_against", "gameweek", "gameweek_matches", "team_rest_days")
"""What follows: log rates of goals of his club and of the other one; of a later week than the coming one its number,
and one match a week after the other."""
WEEK, WEEKS = 7.0, 8
"""Days of a week; weeks that are told apart: the coming gameweek and seven later ones."""
USUAL_MATCHES, USUAL_REST = 1.0, 7.0


def vectors_of(rows: pd.DataFrame) -> Float32Array:
    """Feature vectors (n, k) of rows of `PointsFeatures`."""
    return rows[list(NAMES)].to_numpy(np.float32)


def weeks_ahead(vectors: Float32Array) -> IntArray:
    """Whole weeks (n,) from the deadline that the features are of to the match, 0 to 7."""
    weeks = np.floor(vectors[:, COLUMN["days_ahead"]] / np.float32(WEEK))
    return np.asarray(np.clip(weeks, 0, WEEKS - 1), np.int64)


def tree_inputs(vectors: Float32Array) -> Float32Array:
    """What the trees see, (n, c), of feature vectors (n, k): the columns `SEEN`, then `FOLLOWING`."""
    of = {name: vectors[:, place] for name, place in COLUMN.items()}
    weeks = weeks_ahead(vectors).astype(np.float32)
    later, edge = weeks > 0, of["league_home_edge"]
    at_home, away = edge * of["home"], edge * (np.float32(1) - of["home"])
    following = [
        of["league_level"] + at_home + of["team_attack"] - of["opponent_defence"],
        of["league_level"] + away + of["opponent_attack"] - of["team_defence"],
        of["gameweek"] + weeks,
        np.where(later, np.float32(USUAL_MATCHES), of["gameweek_matches"]),
        np.where(later, np.float32(USUAL_REST), of["team_rest_days"]),
    ]
    return np.column_stack([*(of[name] for name in SEEN), *following])
