"""Stand-in server of the three upstreams: a past season at any instant, with faults on demand.

    with UpstreamServer(PastSeason(Snapshot(folder), "2526")) as server:
        server.now = datetime(2025, 11, 29, 12, tzinfo=UTC)
        server.faults.plan(Fault.BUSY, "/api/fixtures/", times=2)

Below `server.url` lie `/api/...` (the fantasy game), `/mmz4281/...` and `/v4/...`; a season that is not served is not
found. Answers have ETag and Last-Modified, and conditional requests get 304.
"""

import hashlib
import json
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from console.demo.upstream import football_data_org, football_data_uk, fpl
from console.demo.upstream.faults import Fault, Faults, Planned
from console.demo.upstream.season import PastSeason

JSON, CSV, PAGE = "application/json", "text/csv", "text/html; charset=utf-8"
HTML = b"<!DOCTYPE html>\n<html><head><title>The game is being updated.</title></head><body></body></html>\n"
TOKEN = "a-token-of-the-stand-in"  # noqa: S105  opens nothing but the stand-in
SLOW_SECONDS = 30.0


@dataclass(frozen=True)
class Asked:
    """A request and the status of its answer. headers: names in small letters."""

    path: str
    headers: dict[str, str]
    status: int

    @property
    def conditional(self) -> bool:
        """Whether it asked only for what is new."""
        return bool({"if-none-match", "if-modified-since"} & set(self.headers))


@dataclass(frozen=True)
class Answer:
    """What is sent. length: that of the header, when the body ends before."""

    status: int
    kind: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None


class UpstreamServer:
    """The server, running within a `with`. `now` is the instant that it serves.

    address: host and port to listen on; port 0: any.
    """

    def __init__(
        self,
        season: PastSeason,
        now: datetime | None = None,
        token: str = TOKEN,
        address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self.season, self.now, self.token = season, now or season.start, token
        self.short_years = False
        self.faults = Faults()
        self.requests: list[Asked] = []
        self.failures: list[BaseException] = []
        self._bodies: dict[tuple[PastSeason, str, datetime, bool], Answer] = {}
        self._changed: dict[tuple[str, str], datetime] = {}
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._server = _Quiet(self, address)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "UpstreamServer":
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if error is None and self.failures:
            raise BaseExceptionGroup("requests that the stand-in could not answer", self.failures)

    def reset(self, season: PastSeason, now: datetime) -> None:
        """Serve a season at an instant, without faults, as if nobody had asked yet. Rendered answers are kept."""
        self.season, self.now, self.short_years = season, now, False
        self.faults.clear()
        self.requests.clear()
        self._changed.clear()

    def answer(self, path: str, headers: dict[str, str]) -> Answer:
        """The answer to a request, after its fault."""
        planned = self.faults.next(path)
        with self._lock:
            found = self._good(path, headers, self.now)
            if planned is not None:
                found = self._break(planned, found, path, headers)
            self.requests.append(Asked(path, headers, found.status))
        if planned is not None and planned.fault is Fault.SLOW:
            self._stopping.wait(SLOW_SECONDS)
        return found

    def _good(self, path: str, headers: dict[str, str], now: datetime) -> Answer:
        found = self._fresh(path, headers, now)
        if found.status != 200:
            return found
        tag = f'"{hashlib.sha256(found.body).hexdigest()[:32]}"'
        changed = min(now, self._changed.get((path, tag), now)).replace(microsecond=0)
        self._changed[path, tag] = changed
        validators = (("ETag", tag), ("Last-Modified", format_datetime(changed.astimezone(UTC), usegmt=True)))
        if _known(headers, tag, changed):
            return Answer(304, found.kind, b"", validators)
        return Answer(200, found.kind, found.body, validators)

    def _fresh(self, path: str, headers: dict[str, str], now: datetime) -> Answer:
        if path.startswith("/v4/") and headers.get("x-auth-token") != self.token:
            message = "The resource you are looking for is restricted and apparently not within your permissions."
            return Answer(403, JSON, json.dumps({"message": message, "errorCode": 403}).encode())
        key = (self.season, path, now, self.short_years)
        if key not in self._bodies:
            self._bodies[key] = self._render(path, now)
        return self._bodies[key]

    def _render(self, path: str, now: datetime) -> Answer:
        parts = urlsplit(path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if re.fullmatch(rf"/mmz4281/{self.season.season}/E0\.csv", parts.path):
            return Answer(200, CSV, football_data_uk.file(self.season, now, self.short_years))
        found = _json(self.season, parts.path, query, now)
        if found is None:
            return Answer(404, JSON, b'{"detail":"Not found."}')
        return Answer(200, JSON, json.dumps(found, ensure_ascii=False).encode())

    def _break(self, planned: Planned, good: Answer, path: str, headers: dict[str, str]) -> Answer:
        plain = good if good.status != 304 else self._good(path, _unconditional(headers), self.now)
        match planned.fault:
            case Fault.BUSY:
                return Answer(429, PAGE, b"", (("Retry-After", planned.retry_after),))
            case Fault.FAILS:
                return Answer(500, PAGE, b"<h1>Server Error (500)</h1>")
            case Fault.FORBIDDEN:
                return Answer(403, PAGE, b"<h1>403 Forbidden</h1>")
            case Fault.HTML:
                return Answer(200, PAGE, HTML, (("ETag", '"page"'),))
            case Fault.HALF:
                return Answer(200, plain.kind, plain.body[: len(plain.body) // 2], plain.headers, len(plain.body))
            case Fault.RENAMED:
                return Answer(200, plain.kind, _rename(plain, planned.column), (("ETag", '"renamed"'),))
            case Fault.STALE:
                return self._good(path, _unconditional(headers), planned.older or self.season.start)
        return good


def _json(season: PastSeason, path: str, query: dict[str, str], now: datetime) -> Any:
    if path == "/api/bootstrap-static/":
        return fpl.bootstrap(season, now)
    if path == "/api/fixtures/":
        return fpl.fixtures(season, now, int(query["event"]) if "event" in query else None)
    if (found := re.fullmatch(r"/api/element-summary/(\d+)/", path)) is not None:
        return fpl.element_summary(season, int(found[1]), now)
    if (found := re.fullmatch(r"/api/event/(\d+)/live/", path)) is not None and int(found[1]) in season.deadlines:
        return fpl.live(season, int(found[1]), now)
    if path == "/v4/competitions/PL/matches" and query.get("season") == f"20{season.season[:2]}":
        return football_data_org.matches(season, now)
    return None


def _rename(answer: Answer, column: str) -> bytes:
    """The body with another name for a column or key. Fails when it has none of that name."""
    name = column.encode()
    before, after = (
        (b"," + name + b",", b"," + name + b"New,")
        if answer.kind == CSV
        else (
            b'"' + name + b'":',
            b'"' + name + b'_new":',
        )
    )
    if before not in answer.body:
        raise ValueError(f"there is no column {column}")
    return answer.body.replace(before, after)


def _known(headers: dict[str, str], tag: str, changed: datetime) -> bool:
    if "if-none-match" in headers:
        return tag in headers["if-none-match"]
    since = headers.get("if-modified-since")
    return since is not None and changed <= parsedate_to_datetime(since)


def _unconditional(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not name.startswith("if-")}


class _Quiet(ThreadingHTTPServer):
    """Keeps failures of handlers for the test; a client that went away is none."""

    daemon_threads = True

    def __init__(self, upstream: UpstreamServer, address: tuple[str, int]) -> None:
        super().__init__(address, _handler(upstream.answer))
        self._upstream = upstream

    def handle_error(self, *_: Any) -> None:
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError):
            self._upstream.failures.append(error)


def _handler(answer: Callable[[str, dict[str, str]], Answer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answer(self.path, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(found.status)
            for name, value in (("Content-Type", found.kind), *found.headers):
                self.send_header(name, value)
            if found.status != 304:
                self.send_header("Content-Length", str(len(found.body) if found.length is None else found.length))
            self.end_headers()
            self.wfile.write(found.body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler
