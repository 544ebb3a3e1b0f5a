"""Statuses of failures over HTTP and gRPC: the one table for REST, V1 and gRPC."""

from collections.abc import Mapping
from http import HTTPStatus

from serving.features.store import StoreError
from serving.protocol.errors import DeadlineExceeded, Refusal, Unavailable

FAILED = "the server failed on this request; its log says why"

HTTP_STATUSES: Mapping[type[Exception], HTTPStatus] = {
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    DeadlineExceeded: HTTPStatus.GATEWAY_TIMEOUT,
}
"""Status of an exception that carries none. Any other but a Refusal is a fault of the server: 500."""

GRPC_CODES: Mapping[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "INVALID_ARGUMENT",
    HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    HTTPStatus.NOT_FOUND: "NOT_FOUND",
    HTTPStatus.METHOD_NOT_ALLOWED: "UNIMPLEMENTED",
    HTTPStatus.REQUEST_TIMEOUT: "DEADLINE_EXCEEDED",
    HTTPStatus.CONFLICT: "FAILED_PRECONDITION",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "RESOURCE_EXHAUSTED",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "INVALID_ARGUMENT",
    HTTPStatus.TOO_MANY_REQUESTS: "RESOURCE_EXHAUSTED",
    HTTPStatus.INTERNAL_SERVER_ERROR: "INTERNAL",
    HTTPStatus.SERVICE_UNAVAILABLE: "UNAVAILABLE",
    HTTPStatus.GATEWAY_TIMEOUT: "DEADLINE_EXCEEDED",
}
"""HTTP status -> name of the `grpc.StatusCode`: every status that this server gives."""


def to_refusal(error: Exception) -> Refusal:
    """The refusal that the client gets for an exception; a Refusal is its own."""
    if isinstance(error, Refusal):
        return error
    for kind, status in HTTP_STATUSES.items():
        if isinstance(error, kind):
            return Refusal(str(error), status, rows=getattr(error, "rows", ()))
    return Refusal(FAILED, HTTPStatus.INTERNAL_SERVER_ERROR)
