"""The Open Inference Protocol V2 over gRPC, on the same models as over REST."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from matchday.errors import MatchdayError
from serving.call import ENCODE
from serving.endpoint import Endpoint
from serving.features.store import StoreError
from serving.grpc import codec
from serving.grpc import open_inference_pb2 as messages
from serving.limits import Flight
from serving.protocol.errors import Refusal, Unavailable

if TYPE_CHECKING:
    from serving.app import App

NAME = "inference.GRPCInferenceService"
INFER = f"{NAME}/ModelInfer"
"""Name of the span of a request."""
OPEN = ("ServerLive", "ServerReady", "ModelReady")
"""Calls that probes make, without the token."""

CODES = {
    HTTPStatus.UNAUTHORIZED: grpc.StatusCode.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    HTTPStatus.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    HTTPStatus.REQUEST_TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
    HTTPStatus.CONFLICT: grpc.StatusCode.FAILED_PRECONDITION,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    HTTPStatus.TOO_MANY_REQUESTS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    HTTPStatus.SERVICE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""Status of a refusal over HTTP -> over gRPC; any other is INVALID_ARGUMENT."""

Context: TypeAlias = Any
"""`grpc.aio.ServicerContext`: grpc ships no types."""
Method = Callable[[Any, Context], Awaitable[Any]]


class Service:
    """The calls of the protocol. Messages are parsed here, so that garbled ones are the client's error."""

    def __init__(self, app: "App") -> None:
        self.app = app

    def handlers(self) -> grpc.GenericRpcHandler:
        """What a gRPC server answers with."""
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
        return messages.ServerReadyResponse(ready=await _holds(self.app.check_ready()))

    async def model_ready(self, request: messages.ModelReadyRequest, context: Context) -> messages.ModelReadyResponse:
        """Whether a model can answer. Raises Refusal (404)."""
        endpoint = self.app.endpoint(request.name, request.version or None)
        return messages.ModelReadyResponse(ready=await _holds(self._check_ready(endpoint)))

    async def server_metadata(
        self, request: messages.ServerMetadataRequest, context: Context
    ) -> messages.ServerMetadataResponse:
        """What the server is. It has no extensions over gRPC."""
        return messages.ServerMetadataResponse(name="matchday", version=version("matchday"))

    async def model_metadata(
        self, request: messages.ModelMetadataRequest, context: Context
    ) -> messages.ModelMetadataResponse:
        """What a model takes and gives. Raises Refusal (404)."""
        return codec.describe(self.app.endpoint(request.name, request.version or None).metadata())

    async def model_infer(self, request: messages.ModelInferRequest, context: Context) -> messages.ModelInferResponse:
        """An answer of a model, in the trace of the caller. Raises Refusal, StoreError or Unavailable."""
        endpoint = self.app.endpoint(request.model_name, request.model_version or None)
        metadata = dict(context.invocation_metadata() or ())
        call = self.app.gate.begin(metadata)

        async def work(_: Flight) -> messages.ModelInferResponse:
            response = await endpoint.infer(codec.read(request, self.app.settings.max_batch), call)
            begun = perf_counter()
            message = codec.write(response, raw=bool(request.raw_input_contents))
            call.mark(ENCODE, begun)
            return message

        outcome = await self.app.gate.answer(call, endpoint, INFER, metadata, work)
        if call.sampled or call.caller is not None:
            context.set_trailing_metadata((("traceparent", call.traceparent()),))
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def _check_ready(self, endpoint: Endpoint) -> None:
        self.app.require_staying()
        await endpoint.check_ready()

    def _handler(self, name: str, kind: type[Any], method: Method) -> grpc.RpcMethodHandler:
        async def call(body: bytes, context: Context) -> Any:
            try:
                if name not in OPEN:
                    self.app.door.check(dict(context.invocation_metadata() or ()).get("authorization"))
                return await method(_parsed(kind, body), context)
            except Refusal as error:
                self.app.gate.refusals.tell(error, None, path=f"/{NAME}/{name}")
                code, text = CODES.get(error.status, grpc.StatusCode.INVALID_ARGUMENT), str(error)
            except (StoreError, Unavailable) as error:
                code, text = grpc.StatusCode.UNAVAILABLE, str(error)
            except Exception:
                self.app.gate.log.exception("request failed", path=f"/{NAME}/{name}")
                code, text = grpc.StatusCode.INTERNAL, "the server failed on this request; its log says why"
            return await context.abort(code, text)

        return grpc.unary_unary_rpc_method_handler(call, response_serializer=_serialized)


def _serialized(message: Any) -> bytes:
    body: bytes = message.SerializeToString()
    return body


def _parsed(kind: type[Any], body: bytes) -> Any:
    try:
        return kind.FromString(body)
    except DecodeError:
        raise Refusal(f"the message is no {kind.__name__} of the package inference") from None


async def _holds(check: Awaitable[None]) -> bool:
    """Whether a check passes."""
    try:
        await check
    except MatchdayError:
        return False
    return True
