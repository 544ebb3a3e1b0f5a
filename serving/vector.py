"""From what the online store holds of two teams to the row of numbers that the model takes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import numpy as np
import numpy.typing as npt

from matchday.signature import FeatureRef
from serving.features.store import Key, Row, Rows, StoreError, Value
from serving.protocol.errors import Refusal, shown

DAY = 86_400.0
LONGEST_REST = 14.0
"""Days beyond which more rest is not told apart, as in training."""

JOIN_KEYS = {"home": "team", "away": "team", "opponent": "team"}
"""Input of a request -> Feast join key of its entity, where the two names differ."""

FIRST_YEAR, LAST_YEAR = 1888, 2100
"""From the first season of league football to as far as anyone plans."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Lookup:
    """One read of the store: the views wanted for the entities that these inputs name."""

    join_key: str
    inputs: tuple[str, ...]
    views: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Vectors:
    """values: FP32 (n, k), NaN where missing. missing: names of absent features, one per gap.

    oldest: Unix seconds of the oldest features used, None when there were none at all.
    """

    values: npt.NDArray[np.float32]
    missing: Sequence[str]
    oldest: float | None


def lookups(features: Sequence[FeatureRef]) -> list[Lookup]:
    """The reads that these features need, one per kind of entity."""
    inputs: dict[str, dict[str, None]] = {}
    views: dict[str, dict[str, dict[str, None]]] = {}
    for ref in features:
        join_key = JOIN_KEYS.get(ref.entity, ref.entity)
        inputs.setdefault(join_key, {})[ref.entity] = None
        views.setdefault(join_key, {}).setdefault(ref.view, {})[ref.feature] = None
    return [
        Lookup(join_key, tuple(names), {view: tuple(fields) for view, fields in views[join_key].items()})
        for join_key, names in inputs.items()
    ]


def assemble(
    features: Sequence[FeatureRef], keys: Mapping[str, Sequence[Key]], rows: Rows, kickoffs: Sequence[float]
) -> Vectors:
    """The model's input for n matches.

    keys: input -> n entities. kickoffs: n Unix seconds. Raises Refusal (409) when a row is newer than its
    kick-off: that would be a forecast from later knowledge.
    """
    values = np.full((len(kickoffs), len(features)), np.nan, np.float32)
    missing: list[str] = []
    times: list[float] = []
    sources = {(ref.entity, ref.view) for ref in features}
    for index, kickoff in enumerate(kickoffs):
        found: dict[tuple[str, str], Row] = {}
        for entity, view in sources:
            row = rows.get((view, keys[entity][index]))
            if row is not None:
                _require_earlier(row, keys[entity][index], kickoff)
                found[entity, view] = row
                times.append(row.oldest)
        for column, ref in enumerate(features):
            source = found.get((ref.entity, ref.view))
            number = None if source is None else _number(ref, source.values.get(ref.feature), kickoff)
            if number is None:
                missing.append(ref.name)
            else:
                values[index, column] = number
    return Vectors(values, missing, min(times, default=None))


def seconds(text: str) -> float:
    """Unix seconds of an ISO 8601 time. Raises Refusal when it is not one, has no offset or is absurd."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Refusal(f"kickoff {shown(text)} is not a time of ISO 8601 with its offset, such as 2026-05-24T15:00:00Z")
    return (moment - EPOCH).total_seconds()


def iso(moment: float) -> str:
    """ISO 8601 in UTC of Unix seconds, to the second."""
    return (EPOCH + timedelta(seconds=int(moment))).strftime("%Y-%m-%dT%H:%M:%SZ")


def _number(ref: FeatureRef, value: Value, kickoff: float) -> float | None:
    if value is None:
        return None
    if isinstance(value, str | bytes):
        raise StoreError(f"feature {ref.feature} of view {ref.view} is text in the online store, not a number")
    number = float(value)
    if not math.isfinite(number):
        return None
    if ref.transform == "days_before_kickoff":
        return min(max((kickoff - number) / DAY, 0.0), LONGEST_REST)
    return number


def _require_earlier(row: Row, key: Key, kickoff: float) -> None:
    if row.newest > kickoff:
        raise Refusal(
            f"features of {key} are of {iso(row.newest)}, after the kick-off asked for ({iso(kickoff)}):"
            " that would be a forecast from later knowledge",
            HTTPStatus.CONFLICT,
        )
