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
from matchday.models.kind import IntArray, ModelKind
from matchday.registry import Registry
from matchday.registry.names import ATTACHED_TAG

FORECASTS = "forecasts.parquet"
"""Beside the bundle of every version: its walk-forward forecasts, for paired comparisons later."""
MOVED = timedelta(days=3)
"""How far a kick-off may be moved and still be that of the match that was asked for."""

EPOCH = pd.Timestamp(0, tz="UTC")

FloatArray = NDArray[np.float64]


class GivenForecast(NamedTuple):
    """A forecast that was given to somebody.

    entities: that were asked for, in the order of the model's inputs. kickoff: as asked for. time: of the answer. Both
    Unix seconds.
    """

    entities: tuple[str | int, ...]
    kickoff: float
    time: float
    numbers: tuple[float, ...]


def loss_differences(kind: ModelKind, own: pd.DataFrame, other: pd.DataFrame) -> FloatArray:
    """Loss of `own` minus that of `other`, (n,) in the order of `own`, on the rows that both forecast.

    own, other: the keys of the model's subject, `result`, and the columns of its output; one row for each key. The
    result is that of `own`.
    """
    return _row_differences(kind, own, other)["difference"].to_numpy(float)


def match_differences(kind: ModelKind, own: pd.DataFrame, other: pd.DataFrame) -> FloatArray:
    """`loss_differences` of each match, (m,): where a match has several rows, the mean of them.

    What happens to the players of a match hangs together, so a match is one piece of evidence and not thirty.
    """
    rows = _row_differences(kind, own, other)
    return rows.groupby("match_id", sort=False)["difference"].mean().to_numpy(float)


def _row_differences(kind: ModelKind, own: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """The rows that both forecast, in the order of `own`, with their `difference`."""
    columns = list(kind.output.columns)
    both = own.merge(other, on=list(kind.subject.keys), suffixes=("", "_other"))
    result = both["result"].to_numpy(np.int64)
    mine = kind.score.loss(both[columns].to_numpy(float), result)
    theirs = kind.score.loss(both[[f"{column}_other" for column in columns]].to_numpy(float), result)
    return both.assign(difference=mine - theirs)


def walk_forward_differences(registry: Registry, model: str, stable: str, candidate: str, weeks: int) -> FloatArray:
    """`match_differences` of candidate and stable, on walk-forward forecasts of the last weeks that both have.

    The weeks end with the last match that both have forecast. Empty where a version was registered without forecasts.
    Raises RegistryError, UnknownModelError.
    """
    kind = model_kind(model)
    own, other = (registered_forecasts(registry, kind, version) for version in (candidate, stable))
    shared = own["kickoff"][own["match_id"].isin(other["match_id"])]
    latest = own[own["kickoff"] > shared.max() - timedelta(weeks=weeks)]
    return match_differences(kind, latest.sort_values(["kickoff", *kind.subject.keys]), other)


def registered_forecasts(registry: Registry, kind: ModelKind, version: str) -> pd.DataFrame:
    """The walk-forward forecasts of a version: keys, `kickoff`, `result` and the columns of the output.

    No rows where it was registered without any. Raises RegistryError.
    """
    found = registry.resolve(f"mlflow://{kind.name}/{version}")
    if FORECASTS not in found.tags.get(ATTACHED_TAG, "").split(","):
        none = pd.DataFrame(columns=[*kind.subject.keys, "kickoff", "result", *kind.output.columns])
        return none.astype({"kickoff": "datetime64[ns, UTC]"})
    with tempfile.TemporaryDirectory() as scratch:
        rows = pd.read_parquet(registry.attachment(found, FORECASTS, Path(scratch)))
    return rows[rows["forecaster"] == kind.name].reset_index(drop=True)


def last_before_kickoff(kind: ModelKind, forecasts: Iterable[GivenForecast], played: pd.DataFrame) -> pd.DataFrame:
    """The last forecast of each match that was made before its kick-off: keys, `result`, the output's columns.

    played: rows of the table of the model's subject: those with a result. A forecast is of the match of its entities
    whose kick-off is nearest to the one asked for; one further off than `MOVED` is of another match, or of none.
    """
    columns, keys = list(kind.output.columns), list(kind.subject.keys)
    names = [each.name for each in kind.inputs]
    flat = [(*each.entities, each.kickoff, each.time, *each.numbers) for each in forecasts]
    given = pd.DataFrame(flat, columns=[*names, "asked_kickoff", "time", *columns])
    given = given.astype({each.name: "int64" if each.datatype == "INT64" else "object" for each in kind.inputs})
    known = played[list(dict.fromkeys([*keys, *names, "kickoff"]))].assign(result=results(kind, played))
    both = given.rename_axis("forecast").reset_index().merge(known, on=names)
    kickoff = (both["kickoff"] - EPOCH).dt.total_seconds()
    both = both.assign(off=(both["asked_kickoff"] - kickoff).abs(), began=kickoff)
    near = both[both["off"] <= MOVED.total_seconds()].sort_values("off", kind="stable").drop_duplicates("forecast")
    before = near[near["time"] < near["began"]].sort_values(["time", "forecast"], kind="stable")
    last = before.drop_duplicates(keys, keep="last").sort_values(["kickoff", *keys])
    return last[[*keys, "result", *columns]].reset_index(drop=True)


def results(kind: ModelKind, played: pd.DataFrame) -> IntArray:
    """What happened, (n,), in the model's terms. played: rows of the table of its subject."""
    return kind.result(*(played[column].to_numpy(np.int64) for column in kind.result_of))
