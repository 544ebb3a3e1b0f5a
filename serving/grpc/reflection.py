"""gRPC's reflection service: the schema of the services, for clients such as grpcurl. It asks for the token.

Its two versions, v1 and v1alpha, differ by their name alone.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2 as health_messages
from grpc_reflection.v1alpha import reflection_pb2 as messages
from grpc_reflection.v1alpha.reflection import aio

from serving.grpc import open_inference_pb2 as inference_messages
from serving.grpc.access import Access, Context
from serving.worker import Worker

NAMES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
POLL_SECONDS = 0.5


class ReflectionService:
    """services: names that it lists."""

    def __init__(self, worker: Worker, services: Iterable[str]) -> None:
        self.worker = worker
        self._access = Access(worker)
        pool = DescriptorPool()
        for module in (inference_messages, health_messages, messages):
            pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
        self._servicer = aio.ReflectionServicer([*services, *NAMES], pool)

    def handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        """The method in both versions, for a gRPC server."""
        method = grpc.stream_stream_rpc_method_handler(
            self.answer,
            messages.ServerReflectionRequest.FromString,
            messages.ServerReflectionResponse.SerializeToString,
        )
        return tuple(grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": method}) for name in NAMES)

    async def answer(
        self, requests: AsyncIterator[messages.ServerReflectionRequest], context: Context
    ) -> AsyncIterator[messages.ServerReflectionResponse]:
        """What the requests of one call ask for."""
        try:
            self._access.check_token(context)
        except Exception as error:  # noqa: BLE001
            await self._access.abort(context, error, f"/{NAMES[0]}")
        async for response in self._servicer.ServerReflectionInfo(self._read(requests), context):
            yield response

    async def _read(
        self, requests: AsyncIterator[messages.ServerReflectionRequest]
    ) -> AsyncIterator[messages.ServerReflectionRequest]:
        """The requests, until none comes for `request_seconds` or the server drains: no call holds up its end."""
        while True:
            reading = asyncio.ensure_future(anext(requests, None))
            until = time.monotonic() + self.worker.settings.request_seconds
            while not (await asyncio.wait({reading}, timeout=POLL_SECONDS))[0]:
                if self.worker.draining or time.monotonic() > until:
                    reading.cancel()
                    return
            request = reading.result()
            if request is None:
                return
            yield request
