"""Two versions of a model compared on the same matches: the loss of one minus that of the other."""

import tempfile
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.models.catalogue import model_kind
from matchday.models.kind import ModelKind
from matchday.registry import Registry
from matchday.registry.names import ATTACHED_TAG

FORECASTS = "forecasts.parquet"
"""Beside the bundle of every version: its walk-forward forecasts, for paired comparisons later."""
MOVED = timedelta(days=3)
"""How far a kick-off may be moved and still be that of the match that was asked for."""

EPOCH = pd.Timestamp(0, tz="UTC")

FloatArray = NDArray[np.float64]


class MatchForecast(NamedTuple):
    """A forecast that was given to somebody. kickoff: as asked for. time: of the answer. Both Unix seconds."""

    home: str
    away: str
    kickoff: float
    time: float
    numbers: tuple[float, ...]


def loss_differences(kind: ModelKind, own: pd.DataFrame, other: pd.DataFrame) -> FloatArray:
    """Loss of `own` minus that of `other`, (n,) in the order of `own`, on the matches that both forecast.

    own, other: `match_id`, `result`, and the columns of the model's output; one row for each match. The result is that
    of `own`.
    """
    columns = list(kind.output.columns)
    both = own.merge(other, on="match_id", suffixes=("", "_other"))
    result = both["result"].to_numpy(np.int64)
    mine = kind.score.loss(both[columns].to_numpy(float), result)
    theirs = kind.score.loss(both[[f"{column}_other" for column in columns]].to_numpy(float), result)
    return mine - theirs


def walk_forward_differences(registry: Registry, model: str, stable: str, candidate: str, weeks: int) -> FloatArray:
    """`loss_differences` of candidate and stable, on walk-forward forecasts of the last weeks that both have.

    The weeks end with the last match that both have forecast. Empty where a version was registered without forecasts.
    Raises RegistryError, UnknownModelError.
    """
    kind = model_kind(model)
    own, other = (registered_forecasts(registry, kind, version) for version in (candidate, stable))
    shared = own["kickoff"][own["match_id"].isin(other["match_id"])]
    latest = own[own["kickoff"] > shared.max() - timedelta(weeks=weeks)]
    return loss_differences(kind, latest.sort_values(["kickoff", "match_id"]), other)


def registered_forecasts(registry: Registry, kind: ModelKind, version: str) -> pd.DataFrame:
    """The walk-forward forecasts of a version: `match_id`, `kickoff`, `result` and the columns of the output.

    No rows where it was registered without any. Raises RegistryError.
    """
    found = registry.resolve(f"mlflow://{kind.name}/{version}")
    if FORECASTS not in found.tags.get(ATTACHED_TAG, "").split(","):
        none = pd.DataFrame(columns=["match_id", "kickoff", "result", *kind.output.columns])
        return none.astype({"kickoff": "datetime64[ns, UTC]"})
    with tempfile.TemporaryDirectory() as scratch:
        rows = pd.read_parquet(registry.attachment(found, FORECASTS, Path(scratch)))
    return rows[rows["forecaster"] == kind.name].reset_index(drop=True)


def last_before_kickoff(kind: ModelKind, forecasts: Iterable[MatchForecast], matches: pd.DataFrame) -> pd.DataFrame:
    """The last forecast of each match that was made before its kick-off: `match_id`, `result`, the output's columns.

    matches: rows of `Matches`: those with a result. A forecast for a kick-off further off than `MOVED` is of another
    match of the two teams, or of none.
    """
    columns = list(kind.output.columns)
    flat = [(*forecast[:4], *forecast.numbers) for forecast in forecasts]
    given = pd.DataFrame(flat, columns=["home", "away", "asked_kickoff", "time", *columns])
    both = given.merge(
        matches[["match_id", "home", "away", "kickoff", "home_goals", "away_goals"]], on=["home", "away"]
    )
    kickoff = (both["kickoff"] - EPOCH).dt.total_seconds()
    near = (both["asked_kickoff"] - kickoff).abs() <= MOVED.total_seconds()
    known = both[near & (both["time"] < kickoff)].sort_values("time", kind="stable")
    last = known.drop_duplicates("match_id", keep="last").sort_values(["kickoff", "match_id"])
    result = kind.result(last["home_goals"].to_numpy(np.int64), last["away_goals"].to_numpy(np.int64))
    return last.assign(result=result)[["match_id", "result", *columns]].reset_index(drop=True)
