"""Requests to the HTTP face in this process: what granian hands to it, by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from serving.http.face import HttpFace


class Headers(dict[str, str]):
    """Headers, each given once."""

    def get_all(self, name: str) -> list[str]:
        return [self[name]] if name in self else []


class Scope:
    """Head of a request."""

    proto, scheme, server, http_version = "http", "http", "127.0.0.1:80", "1.1"

    def __init__(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        self.method = method
        self.path = path
        self.headers = Headers({"host": "x", **headers})


class Protocol:
    """Body of a request, which may take its time, and the reply to it."""

    def __init__(self, body: bytes, seconds: float = 0.0) -> None:
        self._body = body
        self._seconds = seconds
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    async def __call__(self) -> bytes:
        await asyncio.sleep(self._seconds)
        return self._body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Chunks, and the empty one that ends them."""
        yield await self()
        yield b""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, dict(headers), body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    face: HttpFace,
    method: str,
    path: str,
    message: Any = None,
    seconds: float = 0.0,
    **headers: str,
) -> Protocol:
    """The reply to one request. seconds: how long its body takes to arrive."""
    body = b"" if message is None else json.dumps(message).encode()
    protocol = Protocol(body, seconds)
    scope = Scope(method, path, {"content-type": "application/json", "content-length": str(len(body)), **headers})
    await face.respond(scope, protocol)  # type: ignore[arg-type]
    return protocol
