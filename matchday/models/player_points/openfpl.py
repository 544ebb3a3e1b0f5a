"""Errors by what a player scored, as OpenFPL publishes them (Groos, 2025, arXiv 2508.09992) of the end of 2024/25.

Its players are others than ours: theirs are those of whom the public data sets that it joins know enough.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pandas as pd

SEASON, WEEKS = "2425", (32, 38)
PUBLISHED = {"zeros": 0.818, "blanks": 1.291, "tickers": 1.517, "haulers": 5.142}
"""RMSE by category, as we read its names: without minutes; and of those who played up to 2 points, 3 or 4, and more."""

Measure = TypeVar("Measure")


def category(rows: pd.DataFrame) -> pd.Series:
    """The category of each row. rows: minutes, points."""
    points = rows["points"]
    names = np.select([rows["minutes"] == 0, points <= 2, points <= 4], ["zeros", "blanks", "tickers"], "haulers")
    return pd.Series(names, rows.index)


def compare(weekly: pd.DataFrame) -> pd.DataFrame:
    """Columns category, rows, rmse, openfpl. weekly: season, gameweek, minutes, points, forecast of players."""
    rows = weekly[(weekly["season"] == SEASON) & weekly["gameweek"].between(*WEEKS)]
    squared = (rows["forecast"] - rows["points"]) ** 2
    found = squared.groupby(category(rows)).agg(["size", "mean"]).reindex(list(PUBLISHED))
    return pd.DataFrame(
        {
            "category": list(PUBLISHED),
            "rows": found["size"].fillna(0).astype(int).to_numpy(),
            "rmse": np.sqrt(found["mean"].to_numpy()),
            "openfpl": list(PUBLISHED.values()),
        }
    )


def measures(categories: pd.DataFrame, make: Callable[[str, float], Measure]) -> tuple[Measure, ...]:
    """A measure for each category."""
    return tuple(
        make(f"RMSE, 2024/25 gameweeks 32-38, {row['category']} (OpenFPL {row['openfpl']}, other players)", row["rmse"])
        for row in categories.to_dict("records")
    )
