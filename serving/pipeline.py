"""Request pipeline shared by REST and gRPC: trace, concurrency limit, deadline, log line, span, metrics.

Each request for a forecast or an explanation runs in a `with pipeline.admit(...)` block of its protocol's code.
"""

import asyncio
from http import HTTPStatus
from time import perf_counter
from types import TracebackType
from typing import Protocol

from matchday.telemetry import Caller, Sampling
from matchday.telemetry.relay import Relay
from serving.call import MIRROR, REPLAY, REPLAY_HEADER, STATUS, Call
from serving.endpoint import Endpoint
from serving.failure_log import FailureLog
from serving.limiter import MOST_BODIES, ConcurrencyLimiter, InFlight
from serving.protocol.errors import DeadlineExceeded, Refusal
from serving.settings import ServingSettings
from serving.statuses import to_refusal

SAMPLED = 0.05
"""Share of new traces that is recorded, unless `OTEL_TRACES_SAMPLER` says otherwise."""

SERVICE = "matchday-serving"
"""Service name of the spans and logs."""


class Headers(Protocol):
    """Headers of HTTP or metadata of gRPC, by their names in small letters."""

    def get(self, name: str) -> str | None:
        """The value of a header."""


class Pipeline:
    """One per worker."""

    def __init__(self, settings: ServingSettings) -> None:
        """The process that exports spans is started with the first of them."""
        self.request_seconds = settings.request_seconds
        self.limiter = ConcurrencyLimiter(settings.max_concurrent, MOST_BODIES * settings.max_body_bytes)
        self.sampling = Sampling.from_environment(SAMPLED)
        self.relay = Relay(SERVICE)
        self.failures = FailureLog()

    def begin(self, headers: Headers) -> Call:
        """A request that has just come, in the trace of its caller; sampled or not."""
        traceparent = headers.get("traceparent")
        call = Call(None if traceparent is None else Caller.read(traceparent))
        if (made := headers.get(REPLAY_HEADER)) is not None:
            call.origin = MIRROR if made == MIRROR else REPLAY
        if self.sampling.takes(call.caller):
            call.sample()
        return call

    def admit(self, call: Call, endpoint: Endpoint, span: str, headers: Headers) -> "Admission":
        """The block in which a request is answered. span: name of its span."""
        return Admission(self, call, endpoint, span, headers)

    def refuse(self, error: Exception, caller: Caller | None, path: str) -> Refusal:
        """The refusal that a client gets for an exception; logged, unless it was already."""
        refusal = to_refusal(error)
        cause = error if refusal.status == HTTPStatus.INTERNAL_SERVER_ERROR else refusal
        self.failures.write(refusal, cause, caller, path=path)
        return refusal

    def close(self) -> None:
        """Send the last spans."""
        self.relay.close()


class Admission:
    """The block in which one request is answered. Whatever is raised within leaves it as a Refusal, logged."""

    __slots__ = ("_call", "_endpoint", "_entered", "_headers", "_pipeline", "_span")

    def __init__(self, pipeline: Pipeline, call: Call, endpoint: Endpoint, span: str, headers: Headers) -> None:
        self._pipeline = pipeline
        self._call = call
        self._endpoint = endpoint
        self._span = span
        self._headers = headers

    def __enter__(self) -> InFlight:
        """Raises Refusal (429) beyond the concurrency limit."""
        try:
            self._entered = self._pipeline.limiter.enter(self._pipeline.request_seconds)
        except Refusal as refusal:
            self._refuse(refusal, refusal)
            raise
        return self._entered

    def __exit__(self, kind: object, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._pipeline.limiter.leave(self._entered)
        if error is None:
            self._finish(HTTPStatus.OK)
            return
        cause = self._past_deadline() if isinstance(error, asyncio.CancelledError) else error
        if not isinstance(cause, Exception):
            return
        refusal = to_refusal(cause)
        self._refuse(refusal, cause)
        if refusal is not error:
            try:
                raise refusal from None
            finally:
                del (
                    refusal,
                    cause,
                    error,
                )  # or its traceback would hold this frame, and that the body, until a collection

    def _past_deadline(self) -> Exception | None:
        """Why the task was cancelled: it is past its deadline, or else (None) the server ends."""
        if not self._entered.expired:
            return None
        self._entered.task.uncancel()
        return DeadlineExceeded(f"no answer was found within {self._pipeline.request_seconds:g} s")

    def _refuse(self, refusal: Refusal, cause: Exception) -> None:
        call, endpoint = self._call, self._endpoint
        fields = {"model": endpoint.name, "version": endpoint.model.version, "id": call.id}
        self._pipeline.failures.write(refusal, cause, call.position(), **fields)
        self._finish(refusal.status)

    def _finish(self, status: HTTPStatus) -> None:
        """Record the span of a sampled request, and count the request."""
        call, endpoint, ended = self._call, self._endpoint, perf_counter()
        if call.sampled:
            about: dict[str, str | int] = {"model": endpoint.name, "version": endpoint.model.version, STATUS: status}
            self._pipeline.relay.record(call.span(self._span, ended, self._headers.get("tracestate"), about))
        endpoint.series_of(call).count_request(call, ended - call.begun, status)
