"""Feature vectors: from the rows of the online store to the model's input."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from matchday.features.expiry import is_expired, view_ttls
from matchday.features.rest import days_since
from matchday.signature import Signature
from serving.features.store import Key, Row, Value
from serving.moments import iso
from serving.protocol.errors import Refusal

NUMBERS = {float, int, bool, type(None)}


class NotNumbers(Exception):
    """Rows with a text where a model takes a number: their view and entity, and why."""

    def __init__(self, rows: Mapping[tuple[str, Key], str]) -> None:
        super().__init__("; ".join(rows.values()))
        self.rows = rows


def is_text(value: Value) -> bool:
    """Whether a value is neither a number nor null."""
    return type(value) not in NUMBERS


class Vectors(NamedTuple):
    """values: FP32 (n, k), NaN where missing. missing: names of absent features, one for each gap.

    A number beyond FP32 counts as absent. oldest: Unix seconds of the oldest features used, None when there were none
    at all. expired: names of features that are used although their row is older than its TTL, one for each row.
    times: event times of the rows that were used, Unix seconds, None where there was none: those of `Layout.sources`
    for each forecast in turn. late: forecast -> the sources whose row was older than its TTL.
    """

    values: npt.NDArray[np.float32]
    missing: Sequence[str]
    oldest: float | None
    expired: Sequence[str] = ()
    times: Sequence[float | None] = ()
    late: Mapping[int, Sequence[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Lookup:
    """One read of the store: views of the entities that these inputs name."""

    join_key: str
    inputs: tuple[str, ...]
    views: Mapping[str, tuple[str, ...]]


def lookups(signature: Signature) -> list[Lookup]:
    """The reads that the features of a model need, one for each join key."""
    join_keys = {each.name: each.join_key for each in signature.inputs}
    inputs: dict[str, dict[str, None]] = {}
    views: dict[str, dict[str, dict[str, None]]] = {}
    for ref in signature.features:
        join_key = join_keys[ref.input]
        inputs.setdefault(join_key, {})[ref.input] = None
        views.setdefault(join_key, {}).setdefault(ref.view, {})[ref.feature] = None
    return [
        Lookup(join_key, tuple(names), {view: tuple(fields) for view, fields in views[join_key].items()})
        for join_key, names in inputs.items()
    ]


@dataclass(frozen=True, slots=True)
class ViewColumns:
    """The features that one view gives of the entity of one input, and the columns they go to. ttl: seconds."""

    input: str
    view: str
    features: tuple[str, ...]
    columns: tuple[int, ...]
    ttl: float


class Layout:
    """Where each column of a model's input comes from, computed once for each model.

    ttls: view -> seconds after which its rows are out of date, in place of the signature's. A row out of date is used
    all the same and reported: in summer there is no newer one. sources: `input.view` of each row that a forecast is
    made of, such as `home.team_form`.
    """

    def __init__(self, signature: Signature, ttls: Mapping[str, float] = MappingProxyType({})) -> None:
        self.features = tuple(signature.features)
        self.parts = _parts(signature, ttls)
        self.sources = tuple(f"{part.input}.{part.view}" for part in self.parts)
        self._moment = signature.moment or "time"
        self._columns = [column for part in self.parts for column in part.columns]
        self._order = np.argsort(self._columns)
        self._derived = [
            (place, derived.at_most)
            for place, column in enumerate(self._columns)
            if (derived := self.features[column].derived) is not None
        ]

    def assemble(
        self, keys: Mapping[str, Sequence[Key]], rows: Mapping[tuple[str, Key], Row], moments: Sequence[float]
    ) -> Vectors:
        """The model's input for n forecasts.

        keys: input -> n entities. moments: n Unix seconds that the forecasts are for. Raises Refusal (409) when a row
        is newer than its forecast's moment: a forecast from later knowledge. Raises NotNumbers when a row has a text
        where the model takes a number.
        """
        values: list[Value] = []
        expired: list[str] = []
        times: list[float | None] = []
        late: dict[int, list[str]] = {}
        oldest: float | None = None
        for index, moment in enumerate(moments):
            for part in self.parts:
                key = keys[part.input][index]
                row = rows.get((part.view, key))
                if row is None:
                    values += [None] * len(part.features)
                    times.append(None)
                    continue
                if row.newest > moment:
                    raise self._too_new(row, key, moment)
                if is_expired(row.oldest, moment, part.ttl):
                    expired += [self.features[column].name for column in part.columns]
                    late.setdefault(index, []).append(f"{part.input}.{part.view}")
                times.append(row.oldest)
                oldest = row.oldest if oldest is None else min(oldest, row.oldest)
                values += map(row.values.get, part.features)
        if not NUMBERS.issuperset(map(type, values)):
            raise NotNumbers(self._texts(keys, rows))
        matrix = self._matrix(self._derive(values, moments), len(moments))
        finite = np.isfinite(matrix)
        if finite.all():
            return Vectors(matrix, [], oldest, expired, times, late)
        matrix[~finite] = np.nan
        missing = [self.features[column].name for column in (~finite).nonzero()[1]]
        return Vectors(matrix, missing, oldest, expired, times, late)

    def _derive(self, values: list[Any], moments: Sequence[float]) -> list[Any]:
        """The values with derived features in place of those stored."""
        for place, at_most in self._derived:
            for index, moment in enumerate(moments):
                at = index * len(self.features) + place
                stored = values[at]
                known = stored is not None and math.isfinite(stored)
                values[at] = days_since(stored, moment, at_most) if known else None
        return values

    def _matrix(self, values: list[Any], rows: int) -> npt.NDArray[np.float32]:
        """The values, given row by row and part by part, in the model's order. Infinite beyond FP32."""
        with np.errstate(over="ignore"):
            return np.array(values, np.float32).reshape(rows, -1).take(self._order, axis=1)

    def _texts(
        self, keys: Mapping[str, Sequence[Key]], rows: Mapping[tuple[str, Key], Row]
    ) -> dict[tuple[str, Key], str]:
        """The rows that have a text where a number is taken, and which one."""
        found = {}
        for part in self.parts:
            for key in set(keys[part.input]):
                row = rows.get((part.view, key))
                texts = [name for name in part.features if row and is_text(row.values.get(name))]
                if texts:
                    found[part.view, key] = f"feature {texts[0]} of {key} is text, in view {part.view}"
        return found

    def _too_new(self, row: Row, key: Key, moment: float) -> Refusal:
        return Refusal(
            f"features of {key} are of {iso(row.newest)}, after the {self._moment} asked for ({iso(moment)}):"
            " that would be a forecast from later knowledge",
            HTTPStatus.CONFLICT,
        )


def _parts(signature: Signature, ttls: Mapping[str, float]) -> tuple[ViewColumns, ...]:
    ages = {**view_ttls(signature), **ttls}
    columns: dict[tuple[str, str], list[int]] = {}
    for column, ref in enumerate(signature.features):
        columns.setdefault((ref.input, ref.view), []).append(column)
    fields = [ref.feature for ref in signature.features]
    return tuple(
        ViewColumns(name, view, tuple(fields[column] for column in places), tuple(places), ages[view])
        for (name, view), places in columns.items()
    )
