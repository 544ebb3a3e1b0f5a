"""HTTP replies: JSON answers, refusals, and headers that continue a trace."""

from http import HTTPStatus
from typing import Any, NamedTuple

import orjson

from serving.call import Call
from serving.protocol.errors import CLOSE, Refusal

JSON = [("content-type", "application/json")]


class Reply(NamedTuple):
    """An HTTP reply."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = JSON

    def traced(self, call: Call) -> "Reply":
        """This reply with the `traceparent` of the request."""
        return self._replace(headers=[*self.headers, ("traceparent", call.traceparent())])

    def closing(self) -> "Reply":
        """This reply as the last one on its connection."""
        return self if CLOSE in self.headers else self._replace(headers=[*self.headers, CLOSE])


def answer_json(message: dict[str, Any]) -> Reply:
    """An answer in JSON."""
    return Reply(HTTPStatus.OK, orjson.dumps(message))


def refuse(refusal: Refusal) -> Reply:
    """Why there is no answer, in JSON."""
    message: dict[str, Any] = {"error": str(refusal)}
    if refusal.rows:
        message["rows"] = refusal.rows
    return Reply(refusal.status, orjson.dumps(message), [*JSON, *refusal.headers])
