"""Heads of requests on the real server: Host, HEAD, Accept, long and garbled headers."""

import socket
from pathlib import Path

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from serving.call import Call
from serving.exposition import render
from serving.http.routes import ROUTES
from serving.metrics import Metrics
from tests.services.processes import end, free_port, running
from tests.serving.conftest import COMMAND, Online, Served, environ
from tests.serving.test_bodies import BODIES, INFER, JSON
from tests.serving.wire import head, send

LENGTH = f"content-length: {len(BODIES[INFER])}"
PATHS = ("/", "/v2/health/live", "/v2/health/ready", "/v2/models", "/metrics", "/nowhere", INFER)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_host_is_named_once(served: Served, path: str, version: str) -> None:
    method, more, body = ("POST", (JSON, LENGTH), BODIES[INFER]) if path == INFER else ("GET", (), b"")
    once = send(served, head(method, path, *more, version=version) + body)
    assert once.status == (404 if path == "/nowhere" else 200)
    for same in ("host: x", "host: y", "HOST: x"):
        twice = send(served, head(method, path, same, *more, version=version) + body)
        assert (twice.status, b"one Host header, found 2" in twice.body) == (400, True)
    never = send(served, head(method, path, *more, host=None, version=version) + body)
    assert never.status == (400 if version == "1.1" else once.status)
    absolute = send(served, head(method, f"http://x{path}", *more, host=None, version=version) + body)
    assert absolute.status == never.status


@pytest.mark.parametrize("path", [route.path for route in ROUTES if route.method == "GET"])
def test_head_is_answered_as_get_is_without_a_body(served: Served, client: httpx.Client, path: str) -> None:
    place = path.replace("{model}", "match-outcome").replace("{version}", "12")
    by_get, by_head = client.get(place), client.head(place)
    assert (by_get.status_code, by_head.status_code, by_head.content) == (200, 200, b"")
    assert by_head.headers["content-type"] == by_get.headers["content-type"]
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as wire:
        wire.sendall(head("HEAD", place) + head("GET", "/v2/health/live", "connection: close"))
        received = b"".join(iter(lambda: wire.recv(65_536), b""))
    assert received.count(b"HTTP/1.1 200") == 2
    assert received.endswith(b'{"live":true}')


ACCEPT = "application/openmetrics-text"


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        ("", False),
        ("*/*", False),
        (ACCEPT, True),
        (f"{ACCEPT};version=1.0.0", True),
        (f'text/plain;q=0.1, {ACCEPT.upper()} ; Version="1.0.0" ; charset=utf-8', True),
        (f"{ACCEPT};version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", True),
        (f"{ACCEPT};version=0.0.1;q=0.75,{ACCEPT};version=1.0.0", True),
        (f"{ACCEPT};q=0.0", False),
        (f"{ACCEPT};version=abc", False),
        (f"{ACCEPT};version=1", False),
        (f"{ACCEPT};version=999.0.0", False),
        (f"{ACCEPT};version=1.0.0x", False),
        (f"{ACCEPT};version", True),
        (f"{ACCEPT};version=%F0", False),
        ("text/plain;version=abc", False),
    ],
)
def test_metrics_for_whatever_is_accepted(client: httpx.Client, accept: str, openmetrics: bool) -> None:
    response = client.get("/metrics", headers={"accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(ACCEPT if openmetrics else "text/plain; version=0.0.4")
    read = read_openmetrics if openmetrics else read_text
    assert {"matchday_serving_requests", "matchday_serving_errors"} <= {each.name for each in read(response.text)}


WORDS = st.sampled_from(
    [ACCEPT, "text/plain", ";", ",", "=", "version", "q", "escaping", "1.0.0", "0.0.4", "x", '"', " "]
)


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> Metrics:
    metrics = Metrics(tmp_path_factory.mktemp("metrics"), "stable")
    metrics.series("m", "1").count_request(Call(), 0.1, 200)
    return metrics


@given(accept=st.lists(WORDS | st.text(max_size=4), max_size=12).map("".join))
@example(accept=f"{ACCEPT};version=\u0661.0.0")
def test_any_accept_header_has_an_answer(metrics: Metrics, accept: str) -> None:
    body, kind = render(metrics, accept)
    assert b"matchday_serving_requests_total" in body
    assert kind.isascii()


LONG = b"Q" * 60_000
SAMPLED = b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: "
READ_HEADERS = (b"traceparent", b"content-type", b"content-encoding", b"inference-header-content-length", b"accept")


def test_long_and_garbled_headers_are_not_written_whole(online: Online, bundle: Path, tmp_path: Path) -> None:
    """Neither to the log nor by a process that the server started: the one for spans is given `tracestate`."""
    port = free_port()
    variables = environ(tmp_path, bundle, online.path, port, token="secret")
    variables |= {"MATCHDAY_LOG_LEVEL": "debug", "MATCHDAY_LOG_FORMAT": "json"}
    states = (LONG, b"a=" + LONG, b"a=1," * 5000, LONG + b"=1", b"\xff" * 9000, b"=,=," * 100)
    headers = [SAMPLED + state for state in states]
    headers += [name + b": " + value for name in READ_HEADERS for value in (LONG, b"\xff" * 5000)]
    headers += [b"host: " + LONG, b"authorization: " + LONG, LONG[:20_000] + b": x", b"expect: " + LONG]
    with running(COMMAND, port, variables) as process:
        served = Served("", port, tmp_path, process.pid, 0)
        for header in headers:
            for path in (INFER, "/v2/health/ready", "/nowhere"):
                method, length = ("POST", LENGTH) if path == INFER else ("GET", "content-length: 0")
                message = head(method, path, length, "authorization: Bearer secret")[:-2] + header + b"\r\n\r\n"
                answer = send(served, message + (BODIES[INFER] if path == INFER else b""))
                assert 200 <= answer.status < 500, (header[:40], answer)
        end(process)
        written = process.stdout.read().splitlines() if process.stdout else []
    written += [line for file in (tmp_path / "telemetry").glob("*.jsonl") for line in file.read_text().splitlines()]
    assert written
    assert max(map(len, written)) < 4000
