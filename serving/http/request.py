"""An HTTP request: its route's parameters, its body within the limits, inflated, and the format of the body."""

import asyncio
from http import HTTPStatus

from granian.rsgi import HTTPProtocol, ProtocolClosed, Scope

from serving.call import Call
from serving.http.content_encoding import inflate
from serving.limiter import InFlight
from serving.protocol import v2
from serving.protocol.errors import CLOSE, Refusal, quote
from serving.worker import Worker

OCTETS = "application/octet-stream"


class Request:
    """One request to a worker. model, version: of its path; version is None where the path names none.

    call: once it is taken on, when it asks for a forecast or an explanation. trusted: it came with the token.
    """

    __slots__ = ("_protocol", "call", "model", "scope", "trusted", "version", "worker")

    def __init__(self, worker: Worker, scope: Scope, protocol: HTTPProtocol) -> None:
        self.worker = worker
        self.scope = scope
        self.model = ""
        self.version: str | None = None
        self.call: Call | None = None
        self.trusted = True
        self._protocol = protocol

    def check_host(self) -> None:
        """Raises Refusal (400) unless there is one Host header, as RFC 9112 asks of HTTP/1.1."""
        hosts = self.scope.headers.get_all("host")  # type: ignore[attr-defined]  # granian's stub lacks it
        if len(hosts) != 1 and (hosts or self.scope.http_version != "1"):
            raise Refusal(f"send one Host header, found {len(hosts)}", HTTPStatus.BAD_REQUEST, (CLOSE,))

    async def read_body(self, in_flight: InFlight) -> bytes:
        """The body. Raises Refusal when it is too large (413), too slow (408), cut off (400), or badly compressed."""
        settings, headers, limiter = self.worker.settings, self.scope.headers, self.worker.pipeline.limiter
        length = headers.get("content-length", "")
        if length.isdecimal():
            if int(length) > settings.max_body_bytes:
                raise _too_large(settings.max_body_bytes)
            limiter.hold(in_flight, int(length))
        in_flight.allow(settings.body_seconds)
        try:
            body = await (self._protocol() if length else self._read_chunks(settings.max_body_bytes, in_flight))
        except ProtocolClosed:
            raise _broken(f"the body ended before the {quote(length)} bytes that Content-Length says") from None
        except asyncio.CancelledError:
            if not in_flight.expired:
                raise
            in_flight.task.uncancel()
            raise _too_slow(settings.body_seconds) from None
        in_flight.allow(settings.request_seconds)
        encoding = headers.get("content-encoding")
        if encoding is None:
            return body
        inflated = inflate(body, encoding, settings.max_body_bytes)
        limiter.hold(in_flight, len(inflated))
        return inflated

    async def _read_chunks(self, limit: int, in_flight: InFlight) -> bytes:
        """A chunked body. Granian ends it by one empty chunk; where it is broken, or has trailers, by two."""
        body, ends = bytearray(), 0
        async for chunk in self._protocol:
            body += chunk
            ends += not chunk
            if len(body) > limit:
                raise _too_large(limit)
            self.worker.pipeline.limiter.hold(in_flight, len(chunk))
        if ends > 1 and self.scope.headers.get("trailer") is None:
            raise _broken("the chunked body is cut off, is broken, or ends in trailers that no header Trailer names")
        return bytes(body)

    def json_length(self) -> int | None:
        """Length of the JSON part of a body with binary tensors; None for plain JSON. Raises Refusal (415, 400)."""
        headers = self.scope.headers
        length = headers.get(v2.JSON_LENGTH_HEADER)
        kind = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if kind != "application/json" and (kind != OCTETS or length is None):
            raise Refusal(
                f"content type {quote(kind)} is not read here: send application/json, or {OCTETS}"
                " with Inference-Header-Content-Length",
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            )
        if length is None:
            return None
        if not (length.isascii() and length.isdecimal() and len(length) < 16):
            raise Refusal(f"Inference-Header-Content-Length must be a number of bytes, found {quote(length)}")
        return int(length)

    def require_plain_json(self) -> None:
        """Raises Refusal (415) for a body with binary tensors."""
        if self.json_length() is not None:
            raise Refusal(
                f"binary tensors are not read at {quote(self.scope.path)}: send application/json",
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            )


def _too_large(limit: int) -> Refusal:
    return Refusal(
        f"the body is larger than {limit} bytes: send fewer rows at once", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, (CLOSE,)
    )


def _broken(message: str) -> Refusal:
    return Refusal(message, HTTPStatus.BAD_REQUEST, (CLOSE,))


def _too_slow(seconds: float) -> Refusal:
    return Refusal(f"the body did not arrive within {seconds:g} s", HTTPStatus.REQUEST_TIMEOUT, (CLOSE,))
