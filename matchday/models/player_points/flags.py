"""What a fitness flag does to the chance of playing, learnt from the seasons in which flags were recorded.

The chance is multiplied by a ratio for each flag: how many played beside how many were forecast to play, pulled towards
what the flag says. For later weeks the ratio fades: each week takes the square root of it.
"""

import numpy as np
from numpy.typing import NDArray

from matchday.models.player_points.inputs import WEEKS

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

PRIOR_RATIO: FloatArray = np.array([1.0, 1.0, 0.02, 0.15, 0.4, 0.85, 1.0])
"""By `flag` of `PlayerMarket`: not known, never flagged, a chance of 0, 25, 50, 75 and 100 percent."""
PRIOR_PLAYERS: FloatArray = np.array([np.inf, 200.0, 20.0, 20.0, 20.0, 20.0, 20.0])
"""Forecast appearances that each prior counts; where nothing is known the ratio stays."""
LARGEST_CHANCE: FloatArray = np.array([1.0, 0.99, 0.98, 0.98, 0.98, 0.98, 0.98])
"""Largest chance of playing with each flag."""
FADING = 0.5
"""Power that each week ahead raises a ratio to."""


def learn_ratios(flags: IntArray, chances: FloatArray, played: NDArray[np.bool_]) -> FloatArray:
    """Ratios (7,) from flags, chances of playing that knew no flag, and who played, each (n,)."""
    ratios = PRIOR_RATIO.copy()
    for flag in range(1, len(PRIOR_RATIO)):
        rows, prior = flags == flag, PRIOR_PLAYERS[flag]
        ratios[flag] = (played[rows].sum() + prior * PRIOR_RATIO[flag]) / (chances[rows].sum() + prior)
    return ratios


def fading_ratios(ratios: FloatArray) -> FloatArray:
    """Ratios (8, 7) by weeks ahead and flag."""
    return np.asarray(ratios ** (FADING ** np.arange(WEEKS))[:, None])
