"""Poisson rates of both teams' goals in a match, from the ratings in its feature vector.

    log rate(home) = level + home edge + attack(home) - defence(away)
    log rate(away) = level + attack(away) - defence(home)

as in `matchday.ratings.goals` and `matchday.ratings.strength`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SIGNS = (
    {"league_level": 1, "league_home_edge": 1, "home_attack": 1, "away_defence": -1},
    {"league_level": 1, "away_attack": 1, "home_defence": -1},
)
"""Features that are added and subtracted for the log rate of home, and of away."""


def log_rate_matrix(names: Sequence[str]) -> FloatArray:
    """Matrix (k, 2) from feature vectors, whose columns have these names, to log rates of home and away."""
    return np.array([[signs.get(name, 0) for signs in SIGNS] for name in names], float)


def goal_rates(vectors: NDArray[np.float32], names: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Rates (n,) of home and away from feature vectors (n, k), whose columns have these names."""
    value = dict(zip(names, vectors.astype(float).T, strict=True))
    home, away = (sum(sign * value[name] for name, sign in signs.items()) for signs in SIGNS)
    return np.exp(home), np.exp(away)
