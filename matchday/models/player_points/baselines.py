"""Simple forecasts that `player-points` is compared with: means of a player's points so far.

Each row's mean is of the player's matches in gameweeks before it, also those after the model was last refitted; without
any it is 0.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.backtest import Forecaster

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

KEYS = ["match_id", "player"]
FEW = 5


def baselines(rows: pd.DataFrame) -> dict[str, Forecaster]:
    """Forecasters by name, over rows of `PointsFeatures`."""
    found = simple_forecasts(rows).set_index(pd.MultiIndex.from_frame(rows[KEYS]))
    return {str(name): _look_up(found[name]) for name in found}


def simple_forecasts(rows: pd.DataFrame) -> pd.DataFrame:
    """Columns `last five` and `season average` for rows of `PointsFeatures`, in their order."""
    ordered = rows[["player", "season", "kickoff", "event_time", "result"]].reset_index(drop=True)
    ordered = ordered.sort_values(["player", "kickoff"])
    sums = np.concatenate([[0], np.cumsum(ordered["result"].to_numpy(np.int64))])
    now = _first_of_each(ordered[["player", "event_time"]])
    starts: Mapping[str, IntArray] = {
        "last five": np.maximum(_first_of_each(ordered[["player"]]), now - FEW),
        "season average": _first_of_each(ordered[["player", "season"]]),
    }
    means = {name: (sums[now] - sums[start]) / np.maximum(now - start, 1) for name, start in starts.items()}
    return pd.DataFrame(means, index=ordered.index).sort_index()


def _first_of_each(keys: pd.DataFrame) -> IntArray:
    """The place of the first row (n,) that has the same keys, in rows that are sorted so that these stand together."""
    places = pd.Series(np.arange(len(keys)), index=keys.index)
    return places.groupby([keys[name] for name in keys]).transform("min").to_numpy(np.int64)


def _look_up(known: pd.Series) -> Forecaster:
    def forecast(past: pd.DataFrame, coming: pd.DataFrame, /) -> FloatArray:
        del past
        return known.loc[pd.MultiIndex.from_frame(coming[KEYS])].to_numpy(float)

    return forecast
