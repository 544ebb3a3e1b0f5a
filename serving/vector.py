"""From what the online store holds of two teams to the row of numbers that the model takes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from matchday.features.rest import DAY, LONGEST_REST
from matchday.signature import FeatureRef
from serving.features.store import Key, Row, StoreError, Value
from serving.protocol.errors import Refusal, shown

TTL = 120 * DAY
"""Seconds before a kick-off beyond which a row is out of date, as in `feature_repo.definitions`."""

JOIN_KEYS = {"home": "team", "away": "team", "opponent": "team"}
"""Input of a request -> Feast join key of its entity, where the two names differ."""

DAYS_BEFORE_KICKOFF = "days_before_kickoff"
"""Transform of a feature that is a moment, Unix seconds: days from it to the match."""

NUMBERS = {float, int, bool, type(None)}

KEY_DATATYPES = {"player": "INT64"}
"""Feast join key -> datatype that a request names the entity in: INT64 for Int64 entities. BYTES for all others."""

FIRST_YEAR, LAST_YEAR = 1888, 2100
"""From the first season of league football to as far as anyone plans."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Lookup:
    """One read of the store: the views wanted for the entities that these inputs name."""

    join_key: str
    inputs: tuple[str, ...]
    views: Mapping[str, tuple[str, ...]]


class Vectors(NamedTuple):
    """values: FP32 (n, k), NaN where missing. missing: names of absent features, one per gap.

    A number beyond FP32 counts as absent. oldest: Unix seconds of the oldest features used, None when there were none
    at all. expired: names of features that are used although their row is older than its TTL, one per place.
    """

    values: npt.NDArray[np.float32]
    missing: Sequence[str]
    oldest: float | None
    expired: Sequence[str] = ()


def key_datatype(name: str) -> str:
    """Datatype of the input that names an entity: BYTES, or INT64 where the store's keys are numbers."""
    return KEY_DATATYPES.get(JOIN_KEYS.get(name, name), "BYTES")


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


@dataclass(frozen=True, slots=True)
class Source:
    """The features that one view gives of one input's entity, and the columns they go to. ttl: seconds."""

    entity: str
    view: str
    features: tuple[str, ...]
    columns: tuple[int, ...]
    ttl: float


class Layout:
    """Where each column of a model's input comes from, worked out once.

    ttls: view -> seconds after which its rows are out of date; `TTL` for the others. A row out of date is used all the
    same and told of: in summer there is no newer one.
    """

    def __init__(self, features: Sequence[FeatureRef], ttls: Mapping[str, float] = MappingProxyType({})) -> None:
        self.features = tuple(features)
        self.sources = _sources(self.features, ttls)
        self._columns = [column for source in self.sources for column in source.columns]
        self._order = np.argsort(self._columns)
        self._moments = [
            place
            for place, column in enumerate(self._columns)
            if self.features[column].transform == DAYS_BEFORE_KICKOFF
        ]

    def assemble(
        self, keys: Mapping[str, Sequence[Key]], rows: Mapping[tuple[str, Key], Row], kickoffs: Sequence[float]
    ) -> Vectors:
        """The model's input for n matches.

        keys: input -> n entities. kickoffs: n Unix seconds. Raises Refusal (409) when a row is newer than its
        kick-off: that would be a forecast from later knowledge. Raises StoreError when a feature is no number.
        """
        values: list[Value] = []
        expired: list[str] = []
        oldest: float | None = None
        for index, kickoff in enumerate(kickoffs):
            for source in self.sources:
                key = keys[source.entity][index]
                row = rows.get((source.view, key))
                if row is None:
                    values += [None] * len(source.features)
                    continue
                if row.newest > kickoff:
                    raise _too_new(row, key, kickoff)
                if row.oldest < kickoff - source.ttl:
                    expired += [self.features[column].name for column in source.columns]
                oldest = row.oldest if oldest is None else min(oldest, row.oldest)
                values += map(row.values.get, source.features)
        if not NUMBERS.issuperset(map(type, values)):
            raise self._not_numbers(values)
        matrix = self._matrix(self._rested(values, kickoffs), len(kickoffs))
        finite = np.isfinite(matrix)
        if finite.all():
            return Vectors(matrix, [], oldest, expired)
        matrix[~finite] = np.nan
        missing = [self.features[column].name for column in (~finite).nonzero()[1]]
        return Vectors(matrix, missing, oldest, expired)

    def _rested(self, values: list[Any], kickoffs: Sequence[float]) -> list[Any]:
        """The values with moments turned into days before the kick-off."""
        for place in self._moments:
            for index, kickoff in enumerate(kickoffs):
                at = index * len(self.features) + place
                if (moment := values[at]) is not None and math.isfinite(moment):
                    values[at] = min(max((kickoff - moment) / DAY, 0.0), LONGEST_REST)
                else:
                    values[at] = None
        return values

    def _matrix(self, values: list[Any], rows: int) -> npt.NDArray[np.float32]:
        """The values, given match by match and source by source, in the model's order. Infinite beyond FP32."""
        with np.errstate(over="ignore"):
            return np.array(values, np.float32).reshape(rows, -1).take(self._order, axis=1)

    def _not_numbers(self, values: Sequence[Value]) -> StoreError:
        place = next(index for index, value in enumerate(values) if type(value) not in NUMBERS)
        ref = self.features[self._columns[place % len(self._columns)]]
        return StoreError(f"feature {ref.feature} of view {ref.view} is text in the online store, not a number")


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
    return (EPOCH + timedelta(seconds=int(moment))).isoformat().removesuffix("+00:00") + "Z"


def _sources(features: Sequence[FeatureRef], ttls: Mapping[str, float]) -> tuple[Source, ...]:
    columns: dict[tuple[str, str], list[int]] = {}
    for column, ref in enumerate(features):
        columns.setdefault((ref.entity, ref.view), []).append(column)
    return tuple(
        Source(entity, view, tuple(features[column].feature for column in places), tuple(places), ttls.get(view, TTL))
        for (entity, view), places in columns.items()
    )


def _too_new(row: Row, key: Key, kickoff: float) -> Refusal:
    return Refusal(
        f"features of {key} are of {iso(row.newest)}, after the kick-off asked for ({iso(kickoff)}):"
        " that would be a forecast from later knowledge",
        HTTPStatus.CONFLICT,
    )
