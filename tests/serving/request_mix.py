"""Legal and hostile requests of many kinds, to see what they leave behind in a server."""

import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.serving.conftest import match

INFER = "/v2/models/match-outcome/infer"
LARGE = 2**20

Ask = Callable[[httpx.Client, int], object]
"""Sends the request of this number."""


def tensor(name: str, datatype: str, shape: list[int], data: list[Any]) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def legal_batch(client: httpx.Client, number: int) -> None:
    """Every size from 1 to 1,024, of teams and of features in turn."""
    size = number % 1024 + 1
    teams = [tensor(name, "BYTES", [size], [team] * size) for name, team in (("home", "ARS"), ("away", "LIV"))]
    raw = [tensor("features", "FP32", [size, 6], [float(number % 7)] * 6 * size)]
    assert client.post(INFER, json={"inputs": teams if number % 2 else raw}).status_code == 200


def unknown_name(client: httpx.Client, number: int) -> None:
    """Names that nobody has, one in fifty of a megabyte."""
    name = f"{number}" + "x" * (LARGE if number % 50 == 0 else number % 2000)
    assert client.post(INFER, json=match(name)).status_code in (400, 429)


def path(client: httpx.Client, number: int) -> None:
    """Paths, models and versions that there are not."""
    for where in (f"/p{number}/{'y' * 500}", f"/v2/models/m{number}", f"/v2/models/match-outcome/versions/{number}"):
        assert client.get(where).status_code == 404


def headers(client: httpx.Client, number: int) -> None:
    """Headers of any name, and traces of any number."""
    trace = f"00-{number + 1:032x}-{number + 1:016x}-01"
    odd = {f"x-{number}": "v" * 2000, "traceparent": trace, "tracestate": f"a{number}=b", "accept": f"a/{number}"}
    assert client.post(INFER, json=match(id=f"{number}"), headers=odd).status_code == 200
    client.get("/metrics", headers=odd)


def many_inputs(client: httpx.Client, number: int) -> None:
    """Inputs, outputs and parameters without end; one in twenty of megabytes."""
    size = 60_000 if number % 20 == 0 else 300
    inputs = [tensor(f"n{number}_{each}", "BYTES", [1], ["a"]) for each in range(size)]
    names = {f"k{number}_{each}": each for each in range(size)}
    bodies = [{"inputs": inputs}, match(parameters=names), match(outputs=[{"name": name} for name in names])]
    assert client.post(INFER, content=json.dumps(bodies[number % 3])).status_code in (200, 400, 413)


def garbage(client: httpx.Client, number: int) -> None:
    """Bodies that are no JSON, or deep, or blank."""
    depth = 20_000
    bodies = [b"\xff" * 1000, b"[" * depth + b"]" * depth, b" " * (LARGE if number % 20 == 0 else 99), b'{"a": ']
    assert client.post(INFER, content=bodies[number % 4] + b"%d" % number).status_code in (400, 413)


def explanation(client: httpx.Client, number: int) -> None:
    """Explanations, V1 and documents."""
    assert client.post("/v2/models/match-outcome/explain", json=match()).status_code in (200, 429)
    instances = {"instances": [{"home": "ARS", "away": "LIV", f"k{number}": "x"}]}
    assert client.post("/v1/models/match-outcome:predict", json=instances).status_code == 400
    client.get(("/docs", "/openapi.json")[number % 2])


def broken(client: httpx.Client, number: int) -> None:
    """Clients that leave in the middle of a head or a body."""
    head = b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: 99999\r\n" % INFER.encode()
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=60) as wire:  # type: ignore[arg-type]
        wire.sendall((head + b"\r\n" + b"{" * (number % 5000)) if number % 2 else head)


KINDS: tuple[Ask, ...] = (
    *(legal_batch, unknown_name, path, headers, many_inputs, garbage, explanation, broken),
    *[legal_batch] * 8,
)
"""Half of them legal batches, so that all sizes come soon."""


def send(url: str, requests: int, clients: int = 8) -> None:
    """Send that many, from several clients at once. Raises AssertionError for an answer of another status."""
    numbers = iter(range(requests))

    def work(_: int) -> None:
        with httpx.Client(base_url=url, timeout=120) as client:
            for number in numbers:
                KINDS[number % len(KINDS)](client, number // len(KINDS) * 8 + number % 8)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(work, range(clients)))
