"""One served model: answers requests, checks that its features can be read, describes itself."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import perf_counter
from types import MappingProxyType
from typing import Any

from matchday.signature import RAW_INPUT
from serving.batching import MicroBatcher
from serving.call import FEATURES, INFERENCE, MIRROR, Call
from serving.explain import Explainer
from serving.features.store import Key, OnlineStore, Rows
from serving.inputs import InputReader, Inputs
from serving.log import DisabledLog, Prediction, PredictionLog
from serving.metrics import Series, unpublished_series
from serving.model import Matrix, Model
from serving.moments import iso
from serving.protocol.errors import NotFinite, Refusal, Unavailable, join_names, quote
from serving.protocol.tensor import Tensor
from serving.protocol.v2 import InferenceRequest, InferenceResponse, Parameter
from serving.vector import Lookup, is_text

PLATFORM = "onnx_onnxv1"
"""As the Open Inference Protocol lists it: an ONNX model for ONNX Runtime."""

READ_AT_ONCE = 100
"""Entities that are read at once, to find one with every feature."""


class Endpoint:
    """A model with its feature store, metrics and prediction log.

    variant: what the server is in a rollout. ttls: view -> seconds, in place of the signature's. apart: opens the
    series of requests that no user made, by their origin.
    """

    def __init__(
        self,
        model: Model,
        store: OnlineStore,
        series: Series | None = None,
        log: PredictionLog | None = None,
        variant: str = "stable",
        ttls: Mapping[str, float] = MappingProxyType({}),
        apart: Callable[[str], Series] = lambda origin: unpublished_series(),
    ) -> None:
        self.model = model
        self.store = store
        self.series = series or unpublished_series()
        self._apart = apart
        self.log = log or DisabledLog()
        self.variant = variant
        self.signature = model.signature
        self.columns = model.signature.columns
        self._further = {each.name for each in model.signature.further}
        self.labels = tuple(self.signature.classes) or (self.signature.output,)
        self.explainer = Explainer(model)
        self._reader = InputReader(model.signature, store, ttls)
        self.check_input = self._reader.check_input
        self._batcher = MicroBatcher(model)
        self._complete: dict[str, Key] = {}

    @property
    def name(self) -> str:
        """Registered name of the model."""
        return self.signature.model

    def series_of(self, call: Call) -> Series:
        """Where a request is counted."""
        return self._apart(call.origin) if call.origin else self.series

    async def infer(self, request: InferenceRequest, call: Call | None = None) -> InferenceResponse:
        """Answer a request: the forecast, or the outputs that it names. Raises Refusal, StoreError or Unavailable."""
        call = call or Call()
        self.check_outputs(request)
        inputs = await self.inputs(request, call)
        begun = perf_counter()
        if self._further.isdisjoint(request.outputs):
            output = await self._predict(inputs)
            outputs = [Tensor(self.signature.output, "FP32", output.shape, output)]
        else:
            output, outputs = self._predict_further(inputs, request.outputs)
        ended = call.mark(INFERENCE, begun)
        self._count(inputs, call)
        if self.log.enabled:
            self.log.record(self._prediction(request.id or call.id, call, inputs, output, ended - call.begun))
        return InferenceResponse(
            model_name=self.name,
            model_version=self.model.version,
            outputs=outputs,
            id=call.id if request.id is None else request.id,
            parameters=self.parameters(inputs),
        )

    async def inputs(self, request: InferenceRequest, call: Call) -> Inputs:
        """The model's input and its origin: as given in raw mode, else looked up. Raises Refusal or StoreError."""
        if RAW_INPUT in request.inputs:
            return self._reader.given(request)
        begun = perf_counter()
        inputs = await self._reader.looked_up(request)
        call.mark(FEATURES, begun)
        return inputs

    async def check_ready(self) -> None:
        """Raises StoreError or Unavailable, saying why, unless every feature can be read for some entity."""
        for lookup in self._reader.lookups:
            complete = self._complete.get(lookup.join_key)
            if complete is None or await self._fewest_gaps(lookup, [complete]):
                await self._find_complete(lookup)

    async def _find_complete(self, lookup: Lookup) -> None:
        """Find an entity with every feature, which readiness then reads alone. Raises Unavailable, StoreError."""
        known = await self.store.keys(lookup.join_key, lookup.views)
        if not known:
            raise Unavailable(f"the online store knows no {lookup.join_key}: materialise the features")
        fewest: list[str] = []
        for at in range(0, len(known), READ_AT_ONCE):
            gaps = await self._fewest_gaps(lookup, known[at : at + READ_AT_ONCE])
            if not gaps:
                return
            fewest = gaps if not fewest else min(fewest, gaps, key=len)
        raise Unavailable(
            f"the online store has no {lookup.join_key} with every feature of"
            f" {self.signature.feature_service}: {join_names(fewest[:5])} missing"
        )

    async def _fewest_gaps(self, lookup: Lookup, keys: Sequence[Key]) -> list[str]:
        """Features missing of the most complete of these entities, which is kept in mind when it has them all."""
        rows = await self.store.read(lookup.join_key, keys, lookup.views)
        gaps = {key: _gaps(key, rows, lookup.views) for key in keys}
        best = min(keys, key=lambda key: len(gaps[key]))
        if not gaps[best]:
            self._complete[lookup.join_key] = best
        return gaps[best]

    def metadata(self) -> dict[str, Any]:
        """The model metadata of the protocol. Requests give the inputs of the mode `entity` or `features`, not both.

        Outputs with `on_request` are given to requests that name them.
        """
        inputs = [_describe(each.name, each.datatype, [-1], mode="entity") for each in self.signature.inputs]
        inputs += [
            _describe(each.name, "FP32", [-1], mode="entity", least=each.least, most=each.most, about=each.about)
            for each in self.signature.numbers
        ]
        if self.signature.moment:
            inputs.append(_describe(self.signature.moment, "BYTES", [-1], mode="entity", optional=True))
        named = {"columns": list(self.columns), "feature_service": self.signature.feature_service}
        inputs.append(_describe(RAW_INPUT, "FP32", [-1, len(self.columns)], mode="raw", **named))
        classes = list(self.signature.classes)
        width = [len(classes)] if classes else []
        return {
            "name": self.name,
            "versions": [self.model.version],
            "platform": PLATFORM,
            "inputs": inputs,
            "outputs": [
                _describe(self.signature.output, "FP32", [-1, *width], columns=classes),
                *(
                    _describe(each.name, "FP32", [-1, *each.shape], columns=[], on_request=True, about=each.about)
                    for each in self.signature.further
                ),
            ],
        }

    def check_outputs(self, request: InferenceRequest) -> None:
        """Raises Refusal when an output is asked for that there is not."""
        for name in request.outputs:
            if name != self.signature.output and name not in self._further:
                given = join_names([self.signature.output, *(each.name for each in self.signature.further)])
                raise Refusal(f"{self.name} has no output {quote(name)}: it gives {given}")

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
        if inputs.unreadable:
            parameters["unreadable_rows"] = inputs.unreadable
        if inputs.degraded:
            parameters["degraded"] = True
            parameters["features_age_seconds"] = round(inputs.age_seconds, 3)
        return parameters

    def not_finite(self, inputs: Inputs, rows: Sequence[int]) -> Exception:
        """Why these rows have no answer: features that the client gave (400), or those of the store (503)."""
        vectors, count = inputs.vectors, len(inputs.vectors.values)
        if not inputs.keys:
            why = ": change the features of these rows or leave them out"
            return Refusal(str(NotFinite(self.name, rows, count, why)), rows=rows)
        why = ""
        if vectors.missing:
            names = join_names(sorted(set(vectors.missing))[:5])
            why = f": {len(vectors.missing)} missing in the online store ({names})"
        return NotFinite(self.name, rows, count, why)

    async def _predict(self, inputs: Inputs) -> Matrix:
        try:
            return await self._batcher.predict(inputs.vectors.values)
        except NotFinite as error:
            raise self.not_finite(inputs, error.rows) from None

    def _predict_further(self, inputs: Inputs, wanted: Iterable[str]) -> tuple[Matrix, list[Tensor]]:
        """The forecast, and the outputs that a request names, in its order.

        Such requests run alone: others need not wait for what they did not ask for.
        """
        forecast = self.signature.output
        names = [name for name in wanted if name != forecast]
        try:
            outputs = self.model.predict_further(inputs.vectors.values, names)
        except NotFinite as error:
            raise self.not_finite(inputs, error.rows) from None
        found = dict(zip((forecast, *names), outputs, strict=True))
        return found[forecast], [Tensor(name, "FP32", found[name].shape, found[name]) for name in wanted]

    def _count(self, inputs: Inputs, call: Call) -> None:
        vectors = inputs.vectors
        age = None if vectors.oldest is None else time.time() - vectors.oldest
        self.series_of(call).count_answer(len(vectors.values), len(vectors.missing), age, inputs.degraded)

    def _prediction(self, request_id: str, call: Call, inputs: Inputs, output: Matrix, seconds: float) -> Prediction:
        return Prediction(
            request_id=request_id,
            trace=call,
            model=self.name,
            version=self.model.version,
            variant=MIRROR if call.origin == MIRROR else self.variant,
            entities=inputs.keys,
            features=self.columns,
            values=inputs.vectors.values,
            event_time=inputs.vectors.oldest,
            labels=self.labels,
            output=output,
            latency=seconds,
            time=time.time(),
            kickoffs=inputs.moments,
            degraded=inputs.degraded,
            feature_service=self.signature.feature_service,
            sources=self._reader.sources,
            times=inputs.vectors.times,
            late=inputs.vectors.late,
        )


def _gaps(key: Key, rows: Rows, views: Mapping[str, Sequence[str]]) -> list[str]:
    """The features that the store does not have of an entity, as `view:feature`."""
    gaps = []
    for view, features in views.items():
        row = rows.get((view, key))
        values = row.values if row else {}
        gaps += [f"{view}:{name}" for name in features if (each := values.get(name)) is None or is_text(each)]
    return gaps


def _describe(name: str, datatype: str, shape: list[int], **parameters: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "parameters": parameters}
