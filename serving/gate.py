"""What every request for a forecast passes, whichever protocol it came by: limits, trace, metrics, a line per error."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cached_property
from http import HTTPStatus
from time import perf_counter
from typing import Any, Protocol, TypeVar

from granian._granian import RSGIProtocolClosed as ProtocolClosed

from matchday import telemetry
from matchday.telemetry import Caller, Sampling
from matchday.telemetry.relay import Relay
from serving.call import STATUS, Call
from serving.endpoint import Endpoint
from serving.features.store import StoreError
from serving.limits import Flight, Limits
from serving.protocol.errors import Refusal, Unavailable
from serving.refusals import Refusals
from serving.settings import ServingSettings

SAMPLED = 0.05
"""Share of new traces that is recorded, unless `OTEL_TRACES_SAMPLER` says otherwise."""

SERVICE = "matchday-serving"
"""Whose spans and logs these are."""

Answer = TypeVar("Answer")


class Headers(Protocol):
    """Headers of HTTP or metadata of gRPC, by their names in small letters."""

    def get(self, name: str) -> str | None:
        """The value of a header."""


class Gate:
    """One per worker."""

    def __init__(self, settings: ServingSettings) -> None:
        """The process that exports spans is started with the first of them."""
        self.seconds = settings.request_seconds
        self.limits = Limits(settings.max_concurrent)
        self.sampling = Sampling.from_environment(SAMPLED)
        self.relay = Relay(SERVICE)
        self.refusals = Refusals()

    @cached_property
    def log(self) -> Any:
        """This server's structured log."""
        return telemetry.logger("serving")

    def begin(self, headers: Headers) -> Call:
        """A request that has just come."""
        traceparent = headers.get("traceparent")
        return Call(None if traceparent is None else Caller.read(traceparent))

    async def answer(
        self,
        call: Call,
        endpoint: Endpoint,
        route: str,
        headers: Headers,
        work: Callable[[Flight], Awaitable[Answer]],
    ) -> Answer | Refusal:
        """What the work gives, or why it gives nothing. route: name of the span."""
        if self.sampling.takes(call.caller):
            call.sample()
        outcome = await self._attempt(call, endpoint, work)
        status, ended = _status(outcome), perf_counter()
        if call.sampled:
            about: dict[str, str | int] = {"model": endpoint.name, "version": endpoint.model.version, STATUS: status}
            self.relay.record(call.span(route, ended, headers.get("tracestate"), about))
        endpoint.series.finished(call, ended - call.begun, status)
        return outcome

    async def _attempt(
        self, call: Call, endpoint: Endpoint, work: Callable[[Flight], Awaitable[Answer]]
    ) -> Answer | Refusal:
        try:
            flight = self.limits.enter(self.seconds)
        except Refusal as error:
            return self._refused(call, endpoint, error)
        try:
            return await work(flight)
        except Refusal as error:
            return self._refused(call, endpoint, error)
        except (StoreError, Unavailable) as error:
            return self._failed(call, endpoint, HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        except asyncio.CancelledError:
            if not flight.late:
                raise
            flight.task.uncancel()
            return self._failed(
                call, endpoint, HTTPStatus.GATEWAY_TIMEOUT, f"no answer was found within {self.seconds:g} s"
            )
        except ProtocolClosed:
            raise
        except Exception as error:  # noqa: BLE001
            message = "the server failed on this request; its log says why"
            return self._failed(call, endpoint, HTTPStatus.INTERNAL_SERVER_ERROR, message, error)
        finally:
            self.limits.leave(flight)

    def _refused(self, call: Call, endpoint: Endpoint, refusal: Refusal) -> Refusal:
        about = {"model": endpoint.name, "version": endpoint.model.version, "id": call.id}
        self.refusals.tell(refusal, call.place(), **about)
        return refusal

    def _failed(
        self, call: Call, endpoint: Endpoint, status: HTTPStatus, message: str, error: Exception | None = None
    ) -> Refusal:
        """The failure as it is told the client, with one line in the log."""
        about = {"model": endpoint.name, "version": endpoint.model.version, "status": int(status), "id": call.id}
        with telemetry.within(call.place()):
            if error is None:
                self.log.warning("request not answered", reason=message, **about)
            else:
                self.log.error("request failed", exc_info=error, **about)
        return Refusal(message, status, told=True)


def _status(outcome: object) -> HTTPStatus:
    return outcome.status if isinstance(outcome, Refusal) else HTTPStatus.OK
