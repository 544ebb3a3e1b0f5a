"""Model input of a request: its own features in raw mode, features of the online store in entity mode."""

import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from matchday.signature import RAW_INPUT, EntityInput, NumberInput, Signature
from serving.features.store import Key, OnlineStore, Rows
from serving.model import Matrix
from serving.moments import seconds
from serving.protocol.errors import Refusal, join_names, quote
from serving.protocol.tensor import Tensor
from serving.protocol.v2 import InferenceRequest
from serving.vector import Layout, NotNumbers, Vectors, lookups

MOST_LISTED = 40
"""Entities that an error names one by one."""


LONGEST_NAME = 1024
"""Characters of an entity's name; longer ones are known to no store and not sent to it."""


class Inputs(NamedTuple):
    """The model's input for a request, and where it comes from.

    keys: input -> n entities; none in raw mode, as no moments. moments: Unix seconds that the forecasts are for.
    age_seconds: since the features were read from the store. degraded: the store cannot be read now, or rows of it
    cannot, and they are the last known. unreadable: rows that count as missing, as nothing stands in for them.
    """

    vectors: Vectors
    keys: Mapping[str, Sequence[Key]] = MappingProxyType({})
    moments: Sequence[float] = ()
    age_seconds: float = 0.0
    degraded: bool = False
    unreadable: int = 0


class InputReader:
    """Reads requests for one model. ttls: view -> seconds, in place of the signature's."""

    def __init__(
        self, signature: Signature, store: OnlineStore, ttls: Mapping[str, float] = MappingProxyType({})
    ) -> None:
        self.signature = signature
        self.store = store
        self.lookups = lookups(signature)
        self._layout = Layout(signature, ttls)
        self.sources = self._layout.sources
        self._columns = len(signature.columns)
        self._names = tuple(each.name for each in signature.inputs)
        numbers = tuple(each.name for each in signature.numbers)
        self._known = (*self._names, *numbers, *([signature.moment] if signature.moment else []))

    def check_input(self, name: str, datatype: str, shape: Sequence[int]) -> None:
        """Raises Refusal for an input that the model does not take; cheap, and so done before its data are decoded."""
        columns = self._columns
        if name == RAW_INPUT:
            if datatype in ("BYTES", "BOOL"):
                raise Refusal(f"input {RAW_INPUT} must be numbers, at best FP32, found {datatype}")
            if len(shape) != 2 or shape[1] != columns:
                raise Refusal(f"input {RAW_INPUT} must have shape [n, {columns}], found {list(shape)}")
        elif name not in self._known:
            given = join_names(self._known)
            raise Refusal(f"{self.signature.model} has no input {quote(name)}: give {given}, or {RAW_INPUT}")
        elif len(shape) != 1 and tuple(shape[1:]) != (1,):
            raise Refusal(f"input {name} must have shape [n], found {list(shape)}")

    def given(self, request: InferenceRequest) -> Inputs:
        """The features of a request in raw mode. Raises Refusal."""
        tensor = request.inputs[RAW_INPUT]
        others = [name for name in request.inputs if name != RAW_INPUT]
        if others:
            raise Refusal(f"give either {RAW_INPUT} or {join_names(self._names)}, not {quote(others[0])} with both")
        self.check_input(tensor.name, tensor.datatype, tensor.shape)
        return Inputs(Vectors(_singles(tensor), (), None))

    async def looked_up(self, request: InferenceRequest) -> Inputs:
        """The features of a request in entity mode. Raises Refusal or StoreError."""
        keys = self._entities(request)
        count = len(next(iter(keys.values())))
        numbers = self._numbers(request, count) if self.signature.numbers else ()
        moments = self._moments(request, count)
        rows = Rows()
        for lookup in self.lookups:
            wanted = {key for name in lookup.inputs for key in keys[name]}
            named = {key for key in wanted if isinstance(key, int) or len(key) <= LONGEST_NAME}
            found = await self.store.read(lookup.join_key, named, lookup.views)
            rows.update(found)
            rows.age_seconds = max(rows.age_seconds, found.age_seconds)
            rows.degraded = rows.degraded or found.degraded
            rows.unreadable |= found.unreadable
            unknown = wanted - {key for _, key in (*found, *found.unreadable)}
            if unknown:
                raise await self._unknown(lookup.join_key, lookup.views, unknown)
        vectors = self._assemble(keys, rows, moments)
        if numbers:
            vectors = vectors._replace(values=np.column_stack([vectors.values, *numbers]))
        return Inputs(vectors, keys, moments, rows.age_seconds, rows.degraded, len(rows.unreadable))

    def _assemble(self, keys: Mapping[str, Sequence[Key]], rows: Rows, moments: Sequence[float]) -> Vectors:
        """The model's input; a row with a text for a number is unreadable, and harms its own entity alone."""
        try:
            return self._layout.assemble(keys, rows, moments)
        except NotNumbers as error:
            for place in error.rows:
                del rows[place]
            rows.unreadable |= error.rows
            rows.degraded = True
            return self._layout.assemble(keys, rows, moments)

    def _entities(self, request: InferenceRequest) -> Mapping[str, Sequence[Key]]:
        for name, tensor in request.inputs.items():
            self.check_input(name, tensor.datatype, tensor.shape)
        keys = {each.name: _keys(request, each) for each in self.signature.inputs}
        sizes = {name: len(values) for name, values in keys.items()}
        if len(set(sizes.values())) != 1:
            counts = join_names(f"{name} has {size}" for name, size in sizes.items())
            raise Refusal(f"{join_names(sizes)} must have as many rows each: {counts}")
        if distinct := self.signature.distinct:
            for row in zip(*[keys[name] for name in distinct], strict=True):
                if len(set(row)) < len(row):
                    raise Refusal(
                        f"{' and '.join(distinct)} must differ within a row, found {join_names(map(quote, row))}"
                    )
        return keys

    def _numbers(self, request: InferenceRequest, rows: int) -> list[Matrix]:
        """The numbers that a request gives itself, FP32 (n,) for each column."""
        return [_numbers(request, each, rows, self._names) for each in self.signature.numbers]

    def _moments(self, request: InferenceRequest, rows: int) -> list[float]:
        """The moment that each row's forecast is for, Unix seconds: as asked, or now."""
        name = self.signature.moment
        if name is None or name not in request.inputs:
            return [time.time()] * rows
        texts = _texts(request, name)
        if len(texts) != rows:
            raise Refusal(
                f"{name} has {len(texts)} rows, {join_names(self._names)} {rows}: give one {name} for each row"
            )
        return [seconds(name, text) for text in texts]

    async def _unknown(self, join_key: str, views: Mapping[str, Sequence[str]], unknown: set[Key]) -> Refusal:
        known = await self.store.keys(join_key, views)
        names = join_names(quote(key) for key in sorted(unknown, key=str)[:5])
        if len(known) > MOST_LISTED:
            return Refusal(f"unknown {join_key} {names}: {len(known)} are known, such as {join_names(known[:5])}")
        return Refusal(f"unknown {join_key} {names}: known are {join_names(known)}")


def _keys(request: InferenceRequest, given: EntityInput) -> Sequence[Key]:
    """The entities that an input names: texts, or whole numbers where the store's keys are numbers."""
    name = given.name
    if given.datatype == "BYTES":
        return _texts(request, name)
    tensor = _column(request, name, "INT64")
    if isinstance(tensor.values, list) or tensor.values.dtype.kind not in "iu":
        raise Refusal(f"input {name} must be INT64, found {tensor.datatype}")
    if tensor.datatype == "UINT64" and tensor.values.max() > np.iinfo(np.int64).max:
        raise Refusal(f"input {name} has a number out of the range of INT64")
    keys: list[Key] = tensor.values.ravel().tolist()
    return keys


def _texts(request: InferenceRequest, name: str) -> list[str]:
    tensor = _column(request, name, "BYTES")
    if tensor.datatype != "BYTES" or not isinstance(tensor.values, list):
        raise Refusal(f"input {name} must be BYTES, found {tensor.datatype}")
    return tensor.values


def _numbers(request: InferenceRequest, given: NumberInput, rows: int, entities: Sequence[str]) -> Matrix:
    """The numbers of an input, FP32 (n,). Raises Refusal for a number that is missing or out of its bounds."""
    name = given.name
    bounds = f"{given.least:g} to {given.most:g}"
    tensor = request.inputs.get(name)
    if tensor is None:
        raise Refusal(f"input {name} is missing: give numbers from {bounds} of shape [n] ({given.about})")
    if isinstance(tensor.values, list):
        raise Refusal(f"input {name} must be numbers from {bounds}, at best FP32, found {tensor.datatype}")
    values = tensor.values.ravel()
    if len(values) != rows:
        raise Refusal(f"{name} has {len(values)} rows, {join_names(entities)} {rows}: give one {name} for each row")
    fits = (values >= given.least) & (values <= given.most)
    if not fits.all():
        row = int(np.argmin(fits))
        raise Refusal(
            f"input {name} must be from {bounds} ({given.about}), found {quote(values[row].item())} in row {row}"
        )
    return values.astype(np.float32)


def _column(request: InferenceRequest, name: str, datatype: str) -> Tensor:
    tensor = request.inputs.get(name)
    if tensor is None:
        raise Refusal(f"input {name} is missing: give it as {datatype} of shape [n]")
    return tensor


def _singles(tensor: Tensor) -> Matrix:
    """The values of a tensor of numbers as FP32. Raises Refusal when one does not fit."""
    if tensor.datatype == "FP32":
        return np.asarray(tensor.values, np.float32)
    with np.errstate(over="ignore"):
        values = np.asarray(tensor.values).astype(np.float32)
    if not np.isfinite(values).all():
        raise Refusal(f"input {RAW_INPUT} has a number beyond the range of FP32")
    return values
