"""The Open Inference Protocol V2 over gRPC: the calls of the service, on the models of a worker."""

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from time import perf_counter
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from matchday.errors import MatchdayError
from serving.call import ENCODE
from serving.grpc import codec
from serving.grpc import open_inference_pb2 as messages
from serving.grpc.access import Access, Context
from serving.grpc.fields import MOST_FIELDS, has_many_fields
from serving.protocol.errors import Refusal
from serving.worker import Worker

NAME = "inference.GRPCInferenceService"
INFER = f"{NAME}/ModelInfer"
"""Name of the span of a forecast."""
OPEN_TO_ALL = ("ServerLive", "ServerReady", "ModelReady")
"""Calls of probes, which are answered without the token, and then name nothing."""

Method = Callable[[Any, Context], Awaitable[Any]]


class Service:
    """Messages are parsed here, not by gRPC, so that garbled ones are the client's error."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._access = Access(worker)

    def handlers(self) -> grpc.GenericRpcHandler:
        """The methods, for a gRPC server."""
        calls: dict[str, tuple[type[Any], Method]] = {
            "ServerLive": (messages.ServerLiveRequest, self.server_live),
            "ServerReady": (messages.ServerReadyRequest, self.server_ready),
            "ModelReady": (messages.ModelReadyRequest, self.model_ready),
            "ServerMetadata": (messages.ServerMetadataRequest, self.server_metadata),
            "ModelMetadata": (messages.ModelMetadataRequest, self.model_metadata),
            "ModelInfer": (messages.ModelInferRequest, self.model_infer),
        }
        methods = {name: self._handler(name, *call) for name, call in calls.items()}
        return grpc.method_handlers_generic_handler(NAME, methods)

    async def server_live(self, request: messages.ServerLiveRequest, context: Context) -> messages.ServerLiveResponse:
        """The process runs, or there would be no answer."""
        return messages.ServerLiveResponse(live=True)

    async def server_ready(
        self, request: messages.ServerReadyRequest, context: Context
    ) -> messages.ServerReadyResponse:
        """Whether every model can answer."""
        return messages.ServerReadyResponse(ready=await _passes(self.worker.check_ready()))

    async def model_ready(self, request: messages.ModelReadyRequest, context: Context) -> messages.ModelReadyResponse:
        """Whether a model can answer. Raises Refusal (404)."""
        endpoint = self.worker.endpoint(request.name, request.version or None)
        return messages.ModelReadyResponse(ready=await _passes(self.worker.check_model_ready(endpoint)))

    async def server_metadata(
        self, request: messages.ServerMetadataRequest, context: Context
    ) -> messages.ServerMetadataResponse:
        """Name and version of the server. It has no extensions over gRPC."""
        return messages.ServerMetadataResponse(name="matchday", version=version("matchday"))

    async def model_metadata(
        self, request: messages.ModelMetadataRequest, context: Context
    ) -> messages.ModelMetadataResponse:
        """Inputs and outputs of a model. Raises Refusal (404)."""
        return codec.describe(self.worker.endpoint(request.name, request.version or None).metadata())

    async def model_infer(self, request: messages.ModelInferRequest, context: Context) -> messages.ModelInferResponse:
        """A forecast, in the trace of the caller. Raises Refusal."""
        endpoint = self.worker.endpoint(request.model_name, request.model_version or None)
        metadata, pipeline = dict(context.invocation_metadata() or ()), self.worker.pipeline
        call = pipeline.begin(metadata)
        if call.traced:
            context.set_trailing_metadata((("traceparent", call.traceparent()),))
        with pipeline.admit(call, endpoint, INFER, metadata):
            response = await endpoint.infer(
                codec.read(request, self.worker.settings.max_batch, endpoint.check_input), call
            )
            begun = perf_counter()
            message = codec.write(response, raw=bool(request.raw_input_contents))
            call.mark(ENCODE, begun)
            return message

    def _handler(self, name: str, kind: type[Any], method: Method) -> grpc.RpcMethodHandler:
        """A call of the service: token, message, answer, and the status of a failure."""

        async def answer(body: bytes, context: Context) -> Any:
            trusted = True
            try:
                trusted = self._access.check_token(context, name in OPEN_TO_ALL)
                return await method(_parse(kind, body), context)
            except Exception as error:  # noqa: BLE001
                await self._access.abort(context, error, f"/{NAME}/{name}", trusted)

        return grpc.unary_unary_rpc_method_handler(answer, response_serializer=_serialize)


def _serialize(message: Any) -> bytes:
    body: bytes = message.SerializeToString()
    return body


def _parse(kind: type[Any], body: bytes) -> Any:
    if has_many_fields(body):
        raise Refusal(f"the message has more than {MOST_FIELDS} inputs, outputs, parameters and raw contents")
    try:
        return kind.FromString(body)
    except DecodeError:
        raise Refusal(f"the message is no {kind.__name__} of the package inference") from None


async def _passes(check: Awaitable[None]) -> bool:
    """Whether a check passes."""
    try:
        await check
    except MatchdayError:
        return False
    return True
