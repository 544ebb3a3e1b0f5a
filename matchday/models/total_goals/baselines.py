"""Simple forecasts that `total-goals` is compared with. Each: (past, coming) rows of `GoalsFeatures` to (n,)."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.models.total_goals.model import FIRST_SEASON, total_rate, vectors_of

FloatArray = NDArray[np.float64]

SEASON = 380
"""Matches of a season."""


def mean_of_all(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
    """Mean goals of all matches so far that the model learns from."""
    return np.full(len(coming), past.loc[past["season"] >= FIRST_SEASON, "result"].mean())


def mean_of_last_season(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
    """Mean goals of as many matches as a season has, the latest."""
    return np.full(len(coming), past.sort_values("kickoff")["result"].tail(SEASON).mean())


def not_recalibrated(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
    """The goal rates of both teams, added."""
    del past
    return total_rate(vectors_of(coming))


BASELINES = {
    "mean of all matches": mean_of_all,
    "mean of the last season": mean_of_last_season,
    "goals model, not recalibrated": not_recalibrated,
}
