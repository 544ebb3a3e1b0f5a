"""Which of two versions forecasts better: their scores on the same matches, one taken from the other."""

import tempfile
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.registry import Registry
from matchday.registry.names import ATTACHED_TAG
from matchday.scores import ranked_probability

FORECASTS = "forecasts.parquet"
"""Beside the bundle of every version: its walk-forward forecasts, for paired comparisons later."""
MOVED = timedelta(days=3)
"""How far a kick-off may be moved and still be that of the match that was asked for."""

EPOCH = pd.Timestamp(0, tz="UTC")

FloatArray = NDArray[np.float64]
Said = tuple[str, str, float, float, float, float, float]
"""A forecast: home, away, kick-off asked for and time of the answer (Unix seconds), probabilities of H, D and A."""
WALKED = ["match_id", "kickoff", "result", "H", "D", "A"]
COLUMNS = ["home", "away", "asked_kickoff", "time", "H", "D", "A"]


def paired(own: pd.DataFrame, other: pd.DataFrame) -> FloatArray:
    """RPS of `own` minus that of `other`, (n,) in the order of `own`, on the matches that both forecast.

    own, other: `match_id`, `result` (0, 1 or 2: home, draw, away), probabilities `H`, `D`, `A`; one row a match. The
    result is that of `own`.
    """
    both = own.merge(other, on="match_id", suffixes=("", "_other"))
    result = both["result"].to_numpy(np.int64)
    mine = ranked_probability(both[["H", "D", "A"]].to_numpy(float), result)
    theirs = ranked_probability(both[["H_other", "D_other", "A_other"]].to_numpy(float), result)
    return mine - theirs


def walked(registry: Registry, model: str, stable: str, candidate: str, weeks: int) -> FloatArray:
    """`paired` of candidate and stable, on walk-forward forecasts of the last weeks that both have.

    The weeks end with the last match that both have forecast. Empty where a version was registered without
    forecasts. Raises RegistryError.
    """
    own, other = (_forecasts(registry, model, version) for version in (candidate, stable))
    shared = own["kickoff"][own["match_id"].isin(other["match_id"])]
    latest = own[own["kickoff"] > shared.max() - timedelta(weeks=weeks)]
    return paired(latest.sort_values(["kickoff", "match_id"]), other)


def _forecasts(registry: Registry, model: str, version: str) -> pd.DataFrame:
    found = registry.resolve(f"mlflow://{model}/{version}")
    if FORECASTS not in found.tags.get(ATTACHED_TAG, "").split(","):
        return pd.DataFrame(columns=WALKED).astype({"kickoff": "datetime64[ns, UTC]"})
    with tempfile.TemporaryDirectory() as scratch:
        rows = pd.read_parquet(registry.attachment(found, FORECASTS, Path(scratch)))
    return rows[rows["forecaster"] == model].reset_index(drop=True)


def before_kickoff(forecasts: Iterable[Said], matches: pd.DataFrame) -> pd.DataFrame:
    """The last forecast of each match that was made before its kick-off: `match_id`, `result`, `H`, `D`, `A`.

    matches: rows of `Matches`: those with a result. A forecast for a kick-off further off than `MOVED` is of another
    match of the two, or of none.
    """
    said = pd.DataFrame(list(forecasts), columns=COLUMNS)
    both = said.merge(matches[["match_id", "home", "away", "kickoff", "home_goals", "away_goals"]], on=["home", "away"])
    kickoff = (both["kickoff"] - EPOCH).dt.total_seconds()
    near = (both["asked_kickoff"] - kickoff).abs() <= MOVED.total_seconds()
    known = both[near & (both["time"] < kickoff)].sort_values("time", kind="stable")
    last = known.drop_duplicates("match_id", keep="last").sort_values(["kickoff", "match_id"])
    result = 1 - np.sign((last["home_goals"] - last["away_goals"]).to_numpy(int))
    return last.assign(result=result)[["match_id", "result", "H", "D", "A"]].reset_index(drop=True)
