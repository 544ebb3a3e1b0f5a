"""What goes back over HTTP: answers, refusals, and what a request must be to be read at all."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson
from granian.rsgi import Scope

from serving.protocol import v2
from serving.protocol.errors import Refusal, shown

JSON = [("content-type", "application/json")]
CLOSE = (("connection", "close"),)
"""Said when a body is left unread: nothing more can be asked on that connection."""


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = JSON


def ok(message: dict[str, Any]) -> Reply:
    """An answer in JSON."""
    return Reply(HTTPStatus.OK, orjson.dumps(message))


def failed(status: int, message: str, headers: Iterable[tuple[str, str]] = ()) -> Reply:
    """Why there is no answer, in JSON."""
    return Reply(status, orjson.dumps({"error": message}), [*JSON, *headers])


def require(scope: Scope, method: str) -> None:
    """Raises Refusal (405) for any other method."""
    if scope.method != method:
        raise Refusal(
            f"use {method} for {shown(scope.path)}, not {shown(scope.method)}",
            HTTPStatus.METHOD_NOT_ALLOWED,
            (("allow", method),),
        )


def nothing_at(scope: Scope) -> Refusal:
    """The refusal (404) of a path that is not served."""
    return Refusal(
        f"nothing at {shown(scope.path)}: see /docs, /v2, /v2/health/ready, /v2/models and /v2/models/MODEL/infer",
        HTTPStatus.NOT_FOUND,
    )


def too_large(limit: int) -> Refusal:
    """The refusal (413) of a body beyond `limit` bytes."""
    return Refusal(
        f"the body is larger than {limit} bytes: send fewer rows at once",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        CLOSE,
    )


def too_slow(seconds: float) -> Refusal:
    """The refusal (408) of a body that takes longer than this."""
    return Refusal(f"the body did not arrive within {seconds:g} s", HTTPStatus.REQUEST_TIMEOUT, CLOSE)


def require_plain(scope: Scope) -> None:
    """Raises Refusal (415) unless the body is JSON as it stands."""
    if json_length(scope) is not None:
        raise Refusal(
            f"binary tensors are not read at {shown(scope.path)}: send application/json",
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )


def json_length(scope: Scope) -> int | None:
    """Length of the JSON part of a binary request; None for plain JSON. Raises Refusal (415, 400)."""
    if scope.headers.get("content-encoding", "identity") != "identity":
        raise Refusal("send the body without Content-Encoding", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    length = scope.headers.get(v2.JSON_LENGTH_HEADER)
    kind = scope.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind not in ("application/json", "application/octet-stream") or (length is None and kind != "application/json"):
        raise Refusal(
            f"content type {shown(kind)} is not read here: send application/json, or application/octet-stream"
            " with Inference-Header-Content-Length",
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )
    if length is None:
        return None
    if not (length.isascii() and length.isdecimal() and len(length) < 16):
        raise Refusal(f"Inference-Header-Content-Length must be a number of bytes, found {shown(length)}")
    return int(length)
