"""HTTP server of the operator: `/healthz` for the kubelet, `/metrics` for Prometheus."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from matchday.errors import MatchdayError

TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""Media type of Prometheus' text format."""


class Unhealthy(MatchdayError):
    """The operator should be restarted, and why."""


class HealthServer:
    """Answers in threads of its own, also while rounds are under way."""

    def __init__(self, port: int, check: Callable[[], Mapping[str, Any]], metrics: Callable[[], bytes]) -> None:
        """port: 0 chooses a free one. check: raises Unhealthy. Raises OSError when the port is taken."""
        server = ThreadingHTTPServer(("", port), _handler(check, metrics))
        server.daemon_threads = True
        self._server = server
        self._thread = Thread(target=server.serve_forever, name="health", daemon=True)

    @property
    def port(self) -> int:
        """The port at which it answers."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer nothing any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(check: Callable[[], Mapping[str, Any]], metrics: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Two paths."""

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(HTTPStatus.OK, TEXT, metrics())
            elif self.path == "/healthz":
                self._answer(*_health(check))
            else:
                self._answer(HTTPStatus.NOT_FOUND, TEXT, b"there are /healthz and /metrics\n")

        def _answer(self, status: HTTPStatus, media_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Requests of probes come all the time."""

    return Handler


def _health(check: Callable[[], Mapping[str, Any]]) -> tuple[HTTPStatus, str, bytes]:
    try:
        status, said = HTTPStatus.OK, dict(check())
    except Unhealthy as error:
        status, said = HTTPStatus.INTERNAL_SERVER_ERROR, {"error": str(error)}
    return status, "application/json", json.dumps(said).encode()
