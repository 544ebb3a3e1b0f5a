"""Whatever a client sends, it gets the right 4xx and a sentence that helps, and the server stays well."""

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.serving.conftest import KICKOFF, Served, match
from tests.serving.hostile_requests import ARS, INFER, JSON, LIV, TABLE, Hostile, binary


@pytest.fixture(scope="module")
def lasting(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=60) as client:
        yield client


@pytest.fixture
def well(lasting: httpx.Client) -> Iterator[httpx.Client]:
    """A client; afterwards the server is as it was."""
    yield lasting
    assert lasting.get("/v2/health/ready").status_code == 200
    answer = lasting.post(INFER, json=match())
    assert answer.status_code == 200
    assert abs(sum(answer.json()["outputs"][0]["data"]) - 1) < 1e-6


@pytest.mark.parametrize("hostile", TABLE, ids=lambda hostile: hostile.name)
def test_hostile_request_gets_its_4xx_and_a_sentence(well: httpx.Client, hostile: Hostile) -> None:
    content = None if hostile.method == "GET" else hostile.content()
    response = well.request(hostile.method, hostile.path, content=content, headers=hostile.headers)
    assert response.status_code == hostile.status, response.text
    assert response.headers["content-type"] == "application/json"
    message = response.json()
    assert list(message) == ["error"]
    assert hostile.says in message["error"]
    assert 10 < len(message["error"]) < 400
    assert "\n" not in message["error"]
    if hostile.status == 405:
        assert response.headers["allow"] in ("GET, HEAD", "POST")


def test_table_is_wide() -> None:
    assert len({hostile.name for hostile in TABLE}) == len(TABLE) >= 140


def test_binary_request_is_answered(well: httpx.Client) -> None:
    """The frame of the table's binary rows is right: with true sizes it is answered."""
    good = binary([7, 7], ARS + LIV)
    response = well.post(INFER, content=good.body, headers=good.headers)
    assert response.status_code in (200, 409)


def test_chunked_body_is_read_and_limited(well: httpx.Client) -> None:
    body = json.dumps(match(kickoff=KICKOFF)).encode()
    assert well.post(INFER, content=iter([body[:30], body[30:]]), headers=JSON).status_code == 200
    endless = well.post(INFER, content=(b" " * 8192 for _ in range(12)), headers=JSON)
    assert endless.status_code == 413
    assert "larger than 65536 bytes" in endless.json()["error"]


def test_slow_body_is_given_up(well: httpx.Client, served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as slow:
        slow.sendall(f"POST {INFER} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{".encode())
        begun = time.monotonic()
        answer = slow.recv(4096)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"did not arrive within 2 s" in answer
        assert time.monotonic() - begun >= 2


@pytest.mark.parametrize(
    "noise",
    [b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 4096, b"POST " + b"/v2" * 200_000],
    ids=["TLS hello", "wrong version", "zeros", "endless request line"],
)
def test_noise_on_the_wire_harms_nobody(well: httpx.Client, served: Served, noise: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as wire:
        try:
            wire.sendall(noise)
            wire.shutdown(socket.SHUT_WR)
            answer = wire.recv(4096)
        except OSError:
            return
        assert not answer.startswith(b"HTTP/1.1 2")
        assert not answer.startswith(b"HTTP/1.1 5")


def test_client_that_leaves_harms_nobody(well: httpx.Client, served: Served) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", served.port), timeout=60) as wire:
            wire.sendall(f"POST {INFER} HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{{".encode())


def test_nothing_of_all_this_was_a_failure_of_the_server(served: Served, well: httpx.Client) -> None:
    logs = served.home / "telemetry" / "logs.jsonl"
    assert "request failed" not in (logs.read_text() if logs.exists() else "")
