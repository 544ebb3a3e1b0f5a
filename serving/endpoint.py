"""One model as it is asked over the protocol: in entity mode by names, in raw mode by its features."""

import time
from collections.abc import Mapping, Sequence
from time import perf_counter
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from serving.batching import Batch
from serving.call import FEATURES, INFERENCE, Call
from serving.explain import Explainer
from serving.features.store import Key, OnlineStore, Rows
from serving.log import DisabledLog, Prediction, PredictionLog
from serving.metrics import Series, uncounted
from serving.model import INPUT, Matrix, Model
from serving.protocol.errors import Refusal, Unavailable, listed, shown
from serving.protocol.tensor import Tensor
from serving.protocol.v2 import InferenceRequest, InferenceResponse, Parameter
from serving.vector import Layout, Vectors, iso, key_datatype, lookups, seconds

KICKOFF = "kickoff"
PLATFORM = "onnxruntime_onnx"
MOST_LISTED = 40
"""Entities that an error names one by one."""


class Inputs(NamedTuple):
    """The model's input for a request, and where it comes from.

    keys: input -> n entities; none in raw mode, as no kickoffs. age_seconds: since the features were read from the
    store. degraded: the store cannot be read now, and they are the last known.
    """

    vectors: Vectors
    keys: Mapping[str, Sequence[Key]] = MappingProxyType({})
    kickoffs: Sequence[float] = ()
    age_seconds: float = 0.0
    degraded: bool = False


class Endpoint:
    """A model with the store that holds its features, what counts its answers and what remembers them."""

    def __init__(
        self,
        model: Model,
        store: OnlineStore,
        series: Series | None = None,
        log: PredictionLog | None = None,
        variant: str = "stable",
        ttls: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self.model = model
        self.store = store
        self.series = series or uncounted()
        self.log = log or DisabledLog()
        self.variant = variant
        self.signature = model.signature
        self.columns = tuple(ref.name for ref in model.signature.features)
        self.labels = tuple(self.signature.classes) or (self.signature.output,)
        self.lookups = lookups(model.signature.features)
        self.layout = Layout(model.signature.features, ttls)
        self._batch = Batch(model)
        self.explainer = Explainer(model)

    @property
    def name(self) -> str:
        """Registered name of the model."""
        return self.signature.model

    async def infer(self, request: InferenceRequest, call: Call | None = None) -> InferenceResponse:
        """Answer a request. Raises Refusal, StoreError or Unavailable."""
        call = call or Call()
        self.check_outputs(request)
        inputs = await self.inputs(request, call)
        begun = perf_counter()
        output = await self._predict(inputs.vectors)
        ended = call.mark(INFERENCE, begun)
        response_id = request.id or call.id
        self._count(inputs)
        if self.log.enabled:
            self.log.record(self._prediction(response_id, call, inputs, output, ended - call.begun))
        return InferenceResponse(
            model_name=self.name,
            model_version=self.model.version,
            outputs=[Tensor(self.signature.output, "FP32", output.shape, output)],
            id=response_id,
            parameters=self.parameters(inputs),
        )

    async def inputs(self, request: InferenceRequest, call: Call) -> Inputs:
        """The model's input and its origin: as given in raw mode, else looked up. Raises Refusal or StoreError."""
        if INPUT in request.inputs:
            return Inputs(self._given(request))
        begun = perf_counter()
        inputs = await self._looked_up(request)
        call.mark(FEATURES, begun)
        return inputs

    async def check_ready(self) -> None:
        """Raises StoreError or Unavailable, saying why, unless every feature can be read for some entity."""
        for lookup in self.lookups:
            known = await self.store.keys(lookup.join_key, lookup.views)
            rows = await self.store.read(lookup.join_key, known, lookup.views)
            gaps = [_gaps(key, rows, lookup.views) for key in known]
            if not gaps:
                raise Unavailable(f"the online store knows no {lookup.join_key}: materialise the features")
            fewest = min(gaps, key=len)
            if fewest:
                raise Unavailable(
                    f"the online store has no {lookup.join_key} with every feature of"
                    f" {self.signature.feature_service}: {listed(fewest[:5])} missing"
                )

    def metadata(self) -> dict[str, Any]:
        """The model metadata of the protocol. Entity inputs or `features` are given, not both."""
        columns = [ref.name for ref in self.signature.features]
        entity = [_describe(name, key_datatype(name), [-1], mode="entity") for name in self.signature.inputs]
        kickoff = _describe(KICKOFF, "BYTES", [-1], mode="entity", optional=True)
        raw = _describe(INPUT, "FP32", [-1, len(columns)], mode="raw", columns=columns)
        classes = list(self.signature.classes)
        width = [len(classes)] if classes else []
        return {
            "name": self.name,
            "versions": [self.model.version],
            "platform": PLATFORM,
            "inputs": [*entity, kickoff, raw],
            "outputs": [_describe(self.signature.output, "FP32", [-1, *width], columns=list(self.signature.classes))],
        }

    def check_outputs(self, request: InferenceRequest) -> None:
        """Raises Refusal when an output is asked for that there is not."""
        for name in request.outputs:
            if name != self.signature.output:
                raise Refusal(f"{self.name} has no output {shown(name)}: it gives {self.signature.output}")

    def _given(self, request: InferenceRequest) -> Vectors:
        """The features of a request in raw mode."""
        tensor = request.inputs[INPUT]
        others = [name for name in request.inputs if name != INPUT]
        if others:
            raise Refusal(f"give either {INPUT} or {listed(self.signature.inputs)}, not {shown(others[0])} with both")
        columns = len(self.signature.features)
        if tensor.datatype in ("BYTES", "BOOL"):
            raise Refusal(f"input {INPUT} must be numbers, at best FP32, found {tensor.datatype}")
        if len(tensor.shape) != 2 or tensor.shape[1] != columns:
            raise Refusal(f"input {INPUT} must have shape [n, {columns}], found {list(tensor.shape)}")
        return Vectors(_singles(tensor), (), None)

    async def _looked_up(self, request: InferenceRequest) -> Inputs:
        """The features of a request in entity mode."""
        keys = self._entities(request)
        kickoffs = self._kickoffs(request, len(next(iter(keys.values()))))
        rows = Rows()
        for lookup in self.lookups:
            wanted = {key for name in lookup.inputs for key in keys[name]}
            found = await self.store.read(lookup.join_key, wanted, lookup.views)
            rows.update(found)
            rows.age_seconds = max(rows.age_seconds, found.age_seconds)
            rows.degraded = rows.degraded or found.degraded
            unknown = wanted - {key for _, key in found}
            if unknown:
                raise await self._unknown(lookup.join_key, lookup.views, unknown)
        return Inputs(self.layout.assemble(keys, rows, kickoffs), keys, kickoffs, rows.age_seconds, rows.degraded)

    def _entities(self, request: InferenceRequest) -> Mapping[str, Sequence[Key]]:
        known = (*self.signature.inputs, KICKOFF)
        for name in request.inputs:
            if name not in known:
                raise Refusal(f"{self.name} has no input {shown(name)}: give {listed(known)}, or {INPUT}")
        keys = {name: _keys(request, name) for name in self.signature.inputs}
        sizes = {name: len(values) for name, values in keys.items()}
        if len(set(sizes.values())) != 1:
            counts = listed(f"{name} has {size}" for name, size in sizes.items())
            raise Refusal(f"{listed(sizes)} must have as many rows each: {counts}")
        if "home" in keys and "away" in keys:
            for home, away in zip(keys["home"], keys["away"], strict=True):
                if home == away:
                    raise Refusal(f"home and away are both {shown(home)}: a match has two teams")
        return keys

    def _kickoffs(self, request: InferenceRequest, rows: int) -> list[float]:
        """Kick-off of each row, Unix seconds: as asked, or now."""
        if KICKOFF not in request.inputs:
            return [time.time()] * rows
        texts = _texts(request, KICKOFF)
        if len(texts) != rows:
            raise Refusal(f"kickoff has {len(texts)} rows, the teams {rows}: give one kick-off per match")
        return [seconds(text) for text in texts]

    async def _unknown(self, join_key: str, views: Mapping[str, Sequence[str]], unknown: set[Key]) -> Refusal:
        known = await self.store.keys(join_key, views)
        names = listed(shown(key) for key in sorted(unknown, key=str)[:5])
        if len(known) > MOST_LISTED:
            return Refusal(f"unknown {join_key} {names}: {len(known)} are known, such as {listed(known[:5])}")
        return Refusal(f"unknown {join_key} {names}: known are {listed(known)}")

    async def _predict(self, vectors: Vectors) -> Matrix:
        try:
            return await self._batch.predict(vectors.values)
        except Unavailable as error:
            if not vectors.missing:
                raise Unavailable(str(error)) from None
            names = listed(sorted(set(vectors.missing))[:5])
            raise Unavailable(f"{error}: {len(vectors.missing)} missing in the online store ({names})") from None

    def parameters(self, inputs: Inputs) -> dict[str, Parameter]:
        """What goes back with every answer: which model it is of, and what its features were."""
        vectors = inputs.vectors
        parameters: dict[str, Parameter] = {
            "model_version": self.model.version,
            "feature_service": self.signature.feature_service,
            "missing_features": len(vectors.missing),
        }
        if vectors.oldest is not None:
            parameters["features_event_time"] = iso(vectors.oldest)
        if vectors.expired:
            parameters["expired_features"] = len(vectors.expired)
        if inputs.degraded:
            parameters["degraded"] = True
            parameters["features_age_seconds"] = round(inputs.age_seconds, 3)
        return parameters

    def _count(self, inputs: Inputs) -> None:
        vectors = inputs.vectors
        age = None if vectors.oldest is None else time.time() - vectors.oldest
        self.series.answered(len(vectors.values), len(vectors.missing), age, inputs.degraded)

    def _prediction(self, request_id: str, call: Call, inputs: Inputs, output: Matrix, seconds: float) -> Prediction:
        return Prediction(
            request_id=request_id,
            trace=call,
            model=self.name,
            version=self.model.version,
            variant=self.variant,
            entities=inputs.keys,
            features=self.columns,
            values=inputs.vectors.values,
            event_time=inputs.vectors.oldest,
            labels=self.labels,
            output=output,
            latency=seconds,
            time=time.time(),
            kickoffs=inputs.kickoffs,
            degraded=inputs.degraded,
        )


def _keys(request: InferenceRequest, name: str) -> Sequence[Key]:
    """The entities that an input names: texts, or whole numbers where the store's keys are numbers."""
    if key_datatype(name) == "BYTES":
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


def _column(request: InferenceRequest, name: str, datatype: str) -> Tensor:
    tensor = request.inputs.get(name)
    if tensor is None:
        raise Refusal(f"input {name} is missing: give it as {datatype} of shape [n]")
    if len(tensor.shape) != 1 and tensor.shape[1:] != (1,):
        raise Refusal(f"input {name} must have shape [n], found {list(tensor.shape)}")
    return tensor


def _singles(tensor: Tensor) -> Matrix:
    """The values of a tensor of numbers as FP32. Raises Refusal when one does not fit."""
    if tensor.datatype == "FP32":
        return np.asarray(tensor.values, np.float32)
    with np.errstate(over="ignore"):
        values = np.asarray(tensor.values).astype(np.float32)
    if not np.isfinite(values).all():
        raise Refusal(f"input {INPUT} has a number beyond the range of FP32")
    return values


def _gaps(key: Key, rows: Rows, views: Mapping[str, Sequence[str]]) -> list[str]:
    gaps = []
    for view, features in views.items():
        row = rows.get((view, key))
        gaps += [f"{view}:{name}" for name in features if row is None or row.values.get(name) is None]
    return gaps


def _describe(name: str, datatype: str, shape: list[int], **parameters: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "parameters": parameters}
