"""A request whose body has begun: the server is answering it, and waits for the rest."""

import json
import socket

from tests.serving.conftest import match

BODY = json.dumps(match()).encode()
BEGUN = 20
"""Bytes of the body that are sent at first."""


class BegunRequest:
    """One of match-outcome. It counts as in flight from here on: the server said that it reads the body.

    Sent without that word, it might yet be overtaken by what another connection sends later.
    """

    def __init__(self, port: int) -> None:
        self._wire = socket.create_connection(("127.0.0.1", port), timeout=60)
        head = (
            "POST /v2/models/match-outcome/infer HTTP/1.1",
            "host: x",
            "content-type: application/json",
            f"content-length: {len(BODY)}",
            "expect: 100-continue",
        )
        self._wire.sendall("".join(f"{line}\r\n" for line in (*head, "")).encode() + BODY[:BEGUN])
        said = self._wire.recv(4096)
        assert said.startswith(b"HTTP/1.1 100 "), said

    def finish(self) -> bytes:
        """Send the rest. The first line of the answer."""
        self._wire.sendall(BODY[BEGUN:])
        answer = self._wire.recv(4096)
        self._wire.close()
        return answer.partition(b"\r\n")[0]
