"""gRPC's own health service, grpc.health.v1: probes that know nothing of the Open Inference Protocol.

`Check` and `Watch` answer for the server (an empty service name) and for the inference service alike: whether every
model can answer. They are probes, and so need no token.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc_health.v1 import health_pb2 as messages

from matchday.errors import MatchdayError
from serving.grpc.access import Context
from serving.worker import Worker

NAME = "grpc.health.v1.Health"
WATCH_SECONDS = 0.5
"""How often the status is looked up for those who watch it."""
MAX_WATCHING = 64
"""Calls of `Watch` at once; beyond it RESOURCE_EXHAUSTED."""

Status = Any
"""A value of `HealthCheckResponse.ServingStatus`: the package ships no types."""


class HealthService:
    """services: names besides the empty one that there is a status of."""

    def __init__(self, worker: Worker, services: tuple[str, ...]) -> None:
        self.worker = worker
        self._services = ("", *services)
        self._watching = 0
        self._seen: tuple[float, Status] = (0.0, messages.HealthCheckResponse.UNKNOWN)

    def handlers(self) -> grpc.GenericRpcHandler:
        """The methods, for a gRPC server."""
        parse, serialize = messages.HealthCheckRequest.FromString, messages.HealthCheckResponse.SerializeToString
        methods = {
            "Check": grpc.unary_unary_rpc_method_handler(self.check, parse, serialize),
            "Watch": grpc.unary_stream_rpc_method_handler(self.watch, parse, serialize),
        }
        return grpc.method_handlers_generic_handler(NAME, methods)

    async def check(self, request: messages.HealthCheckRequest, context: Context) -> messages.HealthCheckResponse:
        """The status of a service. Ends by NOT_FOUND for one that there is not."""
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service here: give none to ask for the server")
        return messages.HealthCheckResponse(status=await self._look_up())

    async def watch(
        self, request: messages.HealthCheckRequest, context: Context
    ) -> AsyncIterator[messages.HealthCheckResponse]:
        """The status of a service, and again each time that it changes, until the server drains."""
        if self._watching >= MAX_WATCHING:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{MAX_WATCHING} calls watch already: use Check")
        self._watching += 1
        try:
            sent = None
            while True:
                status = await self._watched(request.service)
                if status != sent:
                    sent = status
                    yield messages.HealthCheckResponse(status=status)
                if self.worker.draining:
                    return
                await asyncio.sleep(WATCH_SECONDS)
        finally:
            self._watching -= 1

    async def _watched(self, service: str) -> Status:
        """The status of a service, looked up once for all that watch."""
        if service not in self._services:
            return messages.HealthCheckResponse.SERVICE_UNKNOWN
        at, status = self._seen
        if time.monotonic() - at >= WATCH_SECONDS or self.worker.draining:
            status = await self._look_up()
            self._seen = (time.monotonic(), status)
        return status

    async def _look_up(self) -> Status:
        try:
            await self.worker.check_ready()
        except MatchdayError:
            return messages.HealthCheckResponse.NOT_SERVING
        return messages.HealthCheckResponse.SERVING
