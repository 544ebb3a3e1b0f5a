"""Whether the processor lives and can progress, told over HTTP beside its metrics."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

LIVE_SECONDS = 60.0
"""A loop that has not turned for so long hangs."""


class Health:
    """What the processor says of itself. trouble: what it waits for, empty when it progresses."""

    def __init__(self) -> None:
        self.trouble = "has not joined its group yet"
        self.since = time.time()
        self._turned = time.monotonic()

    def turn(self) -> None:
        """Note that the loop has turned."""
        self._turned = time.monotonic()

    def say(self, trouble: str) -> None:
        """Note what is waited for; empty for nothing."""
        if bool(trouble) != bool(self.trouble):
            self.since = time.time()
        self.trouble = trouble

    @property
    def live(self) -> bool:
        """Whether the loop turns, also while it waits for Kafka or a store."""
        return time.monotonic() - self._turned < LIVE_SECONDS

    @property
    def ready(self) -> bool:
        """Whether records are processed."""
        return self.live and not self.trouble


@contextmanager
def serve_health(health: Health, registry: CollectorRegistry, host: str, port: int) -> Iterator[int]:
    """Answer `/live`, `/ready` and `/metrics` in a thread. Gives the port; 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
            elif self.path in ("/live", "/ready"):
                well = health.live if self.path == "/live" else health.ready
                text = {"trouble": health.trouble, "since": round(health.since, 3)}
                self._answer(200 if well else 503, "application/json", json.dumps(text).encode())
            else:
                self._answer(404, "text/plain", b"/live, /ready, /metrics\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Requests of probes are not logged."""

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
