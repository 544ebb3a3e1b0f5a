"""HTTP servers of tests: one that answers as the test says, one that never ends its answer."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[str, bytes], tuple[int, bytes]]
"""From path and body to status and body; raises ConnectionError to close the connection."""


@contextmanager
def program(answer: Answer) -> Iterator[str]:
    """Base URL of a server that answers so."""

    class PageHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            try:
                status, content = answer(self.path, body)
            except ConnectionError:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with _served(PageHandler) as url:
        yield url


@contextmanager
def dripping() -> Iterator[str]:
    """Base URL of a server that sends a byte of its answer now and then, and never the last."""
    stopped = threading.Event()

    class DripHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "1000000")
            self.end_headers()
            try:
                while not stopped.wait(0.05):
                    self.wfile.write(b"#")
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with _served(DripHandler) as url:
        yield url
        stopped.set()


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
