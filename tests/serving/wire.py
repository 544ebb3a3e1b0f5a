"""HTTP written by hand to a socket, for what no client library sends."""

import socket
from typing import NamedTuple

from tests.serving.conftest import Served


class Answer(NamedTuple):
    """What came back. status: 0 for nothing."""

    status: int
    head: str
    body: bytes


def send(served: Served, message: bytes, half_close: bool = False) -> Answer:
    """The answer to a message. half_close: the client ends its sending side, and still reads."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as wire:
        wire.sendall(message)
        if half_close:
            wire.shutdown(socket.SHUT_WR)
        received = b""
        while b"\r\n\r\n" not in received and (data := wire.recv(65_536)):
            received += data
        head, _, body = received.partition(b"\r\n\r\n")
        while len(body) < _length(head) and (data := wire.recv(65_536)):
            body += data
    return Answer(int(head.split()[1]) if head else 0, head.decode(), body)


def head(method: str, path: str, *headers: str, host: str | None = "x", version: str = "1.1") -> bytes:
    """The head of a request."""
    lines = [f"{method} {path} HTTP/{version}", *([] if host is None else [f"host: {host}"]), *headers]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0
