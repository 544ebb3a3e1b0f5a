"""What one request may cost the event loop: no body within the size limit costs much more than plain numbers do."""

import json
from collections.abc import Callable
from pathlib import Path
from time import process_time

import orjson
import pytest

from serving.endpoint import Endpoint
from serving.grpc import codec
from serving.grpc import open_inference_pb2 as messages
from serving.grpc.service import _parse
from serving.model import load
from serving.protocol import v1, v2
from serving.protocol.errors import Refusal
from tests.serving.test_limits import Slow

LIMIT = 4 * 2**20
MAX_BATCH = 1024
FACTOR = 3
"""Before there was a bound these bodies cost 5 to 20 times as much."""


def fill(part: bytes, head: bytes = b"[", tail: bytes = b"1]") -> bytes:
    """A body just within the limit."""
    return head + part * ((LIMIT - len(head) - len(tail)) // len(part)) + tail


def numbers(count: int) -> str:
    return json.dumps([1] * count)


TINY = [{"name": f"n{number}", "shape": [1], "datatype": "BYTES", "data": ["a"]} for number in range(60_000)]
MILLION = numbers(1_000_000)
BODIES: dict[str, bytes] = {
    "60,000 tiny inputs": json.dumps({"inputs": TINY}).encode(),
    "lists": fill(b"[],", b'{"inputs":['),
    "objects": fill(b"{},", b'{"inputs":['),
    "keys": fill(b'"abcd":1,', b"{", b'"z":1}'),
    "an unknown input of a million": (
        '{"inputs":[{"name":"x","shape":[1000,1000],"datatype":"FP32","data":' + MILLION + "}]}"
    ).encode(),
    "a known input of another width": (
        '{"inputs":[{"name":"features","shape":[1000,1000],"datatype":"FP32","data":' + MILLION + "}]}"
    ).encode(),
    "a known input with more items than its shape": (
        '{"inputs":[{"name":"features","shape":[1,6],"datatype":"FP32","data":' + MILLION + "}]}"
    ).encode(),
    "a shape of millions": fill(b"1,", b'{"inputs":[{"name":"features","datatype":"FP32","shape":[', b"1]}]}"),
    "an input that is a list": fill(b"1,", b'{"inputs":[[', b"1]]}"),
    "a name that is a list": fill(b"1,", b'{"inputs":[{"name":[', b"1]}]}"),
    "an id that is a list": fill(
        b"1,", b'{"inputs":[{"name":"home","datatype":"BYTES","shape":[1],"data":["a"]}],"id":[', b"1]}"
    ),
    "outputs": json.dumps({"inputs": TINY[:1], "outputs": [{"name": f"o{n}"} for n in range(100_000)]}).encode(),
}
V1_BODIES: dict[str, bytes] = {
    "instances of many keys": json.dumps({"instances": [{f"k{n}": 1 for n in range(200_000)}]}).encode(),
    "wide lists": ('{"instances":[' + MILLION + "]}").encode(),
    "empty instances": fill(b"{},", b'{"instances":['),
}


def grpc_parameters() -> bytes:
    message = messages.ModelInferRequest()
    for number in range(60_000):
        message.parameters[f"k{number}"].int64_param = number
    return message.SerializeToString()


def grpc_items() -> bytes:
    message = messages.ModelInferRequest()
    entry = message.inputs.add(name="home", datatype="BYTES", shape=[1])
    entry.contents.bytes_contents.extend([b""] * 1_000_000)
    return message.SerializeToString()


def grpc_shape() -> bytes:
    message = messages.ModelInferRequest()
    message.inputs.add(name="features", datatype="FP32").shape.extend([1] * 4_000_000)
    return message.SerializeToString()


GRPC_BODIES: dict[str, bytes] = {
    "gRPC: two million inputs": b"\x2a\x00" * 2_000_000,
    "gRPC: parameters": grpc_parameters(),
    "gRPC: items": grpc_items(),
    "gRPC: a shape of millions": grpc_shape(),
}


@pytest.fixture(scope="module")
def endpoint(bundle: Path) -> Endpoint:
    return Endpoint(load(bundle, "12"), Slow(0))


def seconds(work: Callable[[], object]) -> float:
    """Processor time of the quickest of some runs."""

    def once() -> float:
        begun = process_time()
        work()
        return process_time() - begun

    return min(once() for _ in range(5))


@pytest.fixture(scope="module")
def bar() -> float:
    body = fill(b"1,")
    return FACTOR * seconds(lambda: orjson.loads(body))


def refused(work: Callable[[], object]) -> None:
    with pytest.raises(Refusal):
        work()


@pytest.mark.parametrize("name", BODIES)
def test_no_body_of_v2_holds_the_loop(endpoint: Endpoint, bar: float, name: str) -> None:
    body = BODIES[name]
    assert len(body) <= LIMIT * 1.25
    assert seconds(lambda: refused(lambda: v2.parse(body, None, MAX_BATCH, endpoint.check_input))) < bar


@pytest.mark.parametrize("name", V1_BODIES)
def test_no_body_of_v1_holds_the_loop(endpoint: Endpoint, bar: float, name: str) -> None:
    body = V1_BODIES[name]
    assert seconds(lambda: refused(lambda: v1.parse_predict(body, MAX_BATCH, endpoint.check_input))) < bar


@pytest.mark.parametrize("name", GRPC_BODIES)
def test_no_message_of_grpc_holds_the_loop(endpoint: Endpoint, bar: float, name: str) -> None:
    def read() -> None:
        codec.read(_parse(messages.ModelInferRequest, GRPC_BODIES[name]), MAX_BATCH, endpoint.check_input)

    assert seconds(lambda: refused(read)) < bar


def test_the_largest_legal_requests_are_taken(endpoint: Endpoint) -> None:
    rows = json.dumps({"instances": [{"home": "ARS", "away": "LIV", "kickoff": "2026-05-24T15:00:00+00:00"}] * 1024})
    assert len(v1.parse_predict(rows.encode(), MAX_BATCH, endpoint.check_input).inputs) == 3
    nested = {"name": "features", "shape": [1024, 6], "datatype": "FP32", "data": [[1.5] * 6] * 1024}
    body = json.dumps({"inputs": [nested]}).encode()
    assert v2.parse(body, None, MAX_BATCH, endpoint.check_input).inputs["features"].shape == (1024, 6)


def test_the_largest_legal_requests_in_columns_are_taken(endpoint: Endpoint) -> None:
    """Each name in a list of its own, as clients send arrays of shape [n, 1]."""
    values = {"home": "Manchester United", "away": "Wolverhampton Wanderers", "kickoff": "2026-05-24T15:00:00+00:00"}
    columns = [
        {"name": name, "shape": [MAX_BATCH, 1], "datatype": "BYTES", "data": [[value]] * MAX_BATCH}
        for name, value in values.items()
    ]
    body = json.dumps({"inputs": columns}).encode()
    assert len(v2.parse(body, None, MAX_BATCH, endpoint.check_input).inputs) == 3
