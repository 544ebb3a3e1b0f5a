"""Bodies that are cut off, broken or compressed, on the real server; each answered request is counted once."""

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.http.content_encoding import inflate
from serving.protocol.errors import Refusal
from tests.serving.conftest import KICKOFF, Served, match, probabilities
from tests.serving.test_server import ARS_LIV
from tests.serving.wire import chunk, head, send

INFER = "/v2/models/match-outcome/infer"
BODIES = {
    INFER: json.dumps(match()).encode(),
    "/v2/models/match-outcome/explain": json.dumps(match()).encode(),
    "/v1/models/match-outcome:predict": json.dumps(
        {"instances": [{"home": "ARS", "away": "LIV", "kickoff": KICKOFF}]}
    ).encode(),
}
JSON, CHUNKED = "content-type: application/json", "transfer-encoding: chunked"
BROKEN = {
    "no last chunk": (b"", True),
    "size that is no number": (b"zz\r\n\r\n", False),
    "chunk shorter than its size": (b"9\r\n{}\r\n", True),
    "size without a line end": (b"0", True),
    "chunk without a line end": (b"2\r\n  xx0\r\n\r\n", False),
    "endless size": (b"f" * 40 + b"\r\n", False),
    "trailers that were not announced": (b"0\r\nx-a: b\r\n\r\n", False),
}


def counts(served: Served) -> dict[str, float]:
    """Requests, and errors by their kind."""
    text = httpx.get(f"{served.url}/metrics", timeout=60).text
    found = {"requests": 0.0}
    for labels, value in re.findall(r"matchday_serving_errors_total\{(.*)\} (.*)", text):
        found[re.findall(r'kind="(\w+)"', labels)[0]] = float(value)
    for value in re.findall(r"matchday_serving_requests_total\{.*\} (.*)", text):
        found["requests"] += float(value)
    return found


@pytest.fixture
def counted_as_400(served: Served) -> Iterator[None]:
    before = counts(served)
    yield
    after = counts(served)
    changed = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert changed == {"requests": 1, "bad_request": 1}


@pytest.mark.usefixtures("counted_as_400")
@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("path", BODIES)
def test_a_broken_chunked_body_after_a_whole_request_is_400(served: Served, path: str, broken: str) -> None:
    tail, half_close = BROKEN[broken]
    answer = send(served, head("POST", path, JSON, CHUNKED) + chunk(BODIES[path]) + tail, half_close)
    assert answer.status == 400, answer
    assert b"chunked body is cut off" in answer.body
    assert "connection: close" in answer.head


@pytest.mark.usefixtures("counted_as_400")
@pytest.mark.parametrize("missing", [1, 100])
@pytest.mark.parametrize("path", BODIES)
def test_a_body_that_ends_before_its_length_is_400(served: Served, path: str, missing: int) -> None:
    """The client has closed its sending side and waits for the answer."""
    length = f"content-length: {len(BODIES[path]) + missing}"
    answer = send(served, head("POST", path, JSON, length) + BODIES[path], half_close=True)
    assert answer.status == 400, answer
    assert b"ended before" in answer.body
    assert "connection: close" in answer.head


@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"0;extension=1\r\n\r\n"])
@pytest.mark.parametrize("pieces", [1, 7])
def test_a_good_chunked_body_is_answered(served: Served, end: bytes, pieces: int) -> None:
    body = BODIES[INFER]
    size = -(-len(body) // pieces)
    chunks = b"".join(chunk(body[at : at + size]) for at in range(0, len(body), size))
    assert send(served, head("POST", INFER, JSON, CHUNKED) + chunks + end).status == 200


def test_trailers_that_were_announced_are_passed_over(served: Served) -> None:
    message = head("POST", INFER, JSON, CHUNKED, "trailer: x-sum") + chunk(BODIES[INFER])
    assert send(served, message + b"0\r\nx-sum: 1\r\n\r\n").status == 200


COMPRESSED = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "deflate, identity": lambda body: zlib.compress(body, wbits=-15),
    "identity": bytes,
    "": bytes,
}


@pytest.mark.parametrize("encoding", COMPRESSED)
@pytest.mark.parametrize("path", BODIES)
def test_compressed_bodies_are_answered(client: httpx.Client, path: str, encoding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    response = client.post(path, content=COMPRESSED[encoding](BODIES[path]), headers=headers)
    assert response.status_code == 200, response.text


def test_a_compressed_body_of_raw_tensors_is_answered(client: httpx.Client) -> None:
    """The length of the JSON part is that of the inflated body."""
    raw = np.array([ARS_LIV], "<f4").tobytes()
    entry = {"name": "features", "shape": [1, 6], "datatype": "FP32", "parameters": {"binary_data_size": len(raw)}}
    part = json.dumps({"inputs": [entry]}).encode()
    headers = {"content-type": "application/octet-stream", "content-encoding": "gzip"}
    headers["inference-header-content-length"] = str(len(part))
    response = client.post(INFER, content=gzip.compress(part + raw), headers=headers)
    assert np.allclose(response.json()["outputs"][0]["data"], probabilities(np.array([ARS_LIV]))[0], atol=1e-6)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, br", "x" * 900, "*"])
def test_other_encodings_are_415_and_told_which_are_read(client: httpx.Client, encoding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    response = client.post(INFER, content=BODIES[INFER], headers=headers)
    assert (response.status_code, response.headers["accept-encoding"]) == (415, "gzip, deflate")
    assert len(response.json()["error"]) < 200


GARBLED = {
    "gzip that is none": ("gzip", BODIES[INFER], 400, "is not 'gzip'"),
    "deflate that is none": ("deflate", b"\xff\xff" + BODIES[INFER], 400, "is not 'deflate'"),
    "gzip cut off": ("gzip", gzip.compress(BODIES[INFER])[:-6], 400, "ends before"),
    "gzip with a wrong sum": ("gzip", gzip.compress(BODIES[INFER])[:-8] + bytes(8), 400, "is not 'gzip'"),
    "bytes behind the gzip stream": ("gzip", gzip.compress(BODIES[INFER]) + b"{}", 400, "2 bytes follow"),
    "two gzip streams": ("gzip", gzip.compress(BODIES[INFER]) * 2, 400, "bytes follow"),
    "empty gzip body": ("gzip", b"", 400, "ends before"),
    "gzip of nothing": ("gzip", gzip.compress(b""), 400, "the body is empty"),
    "gzip bomb": ("gzip", gzip.compress(bytes(2**25)), 413, "larger than 65536 bytes once inflated"),
    "deflate bomb": ("deflate", zlib.compress(bytes(2**25)), 413, "larger than 65536 bytes once inflated"),
    "one byte too many": ("gzip", gzip.compress(b" " * 65_537), 413, "once inflated"),
}


@pytest.mark.parametrize("garbled", GARBLED)
def test_a_body_that_does_not_inflate_is_refused(client: httpx.Client, garbled: str) -> None:
    encoding, content, status, says = GARBLED[garbled]
    headers = {"content-type": "application/json", "content-encoding": encoding}
    response = client.post(INFER, content=content, headers=headers)
    assert response.status_code == status
    assert says in response.json()["error"]


def test_bombs_take_no_memory(served: Served, client: httpx.Client) -> None:
    """Each would inflate to 32 MiB; what stays is bounded by a few bodies."""
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    worker = int(Path(f"/proc/{served.pid}/task/{served.pid}/children").read_text().split()[0])
    status = Path(f"/proc/{worker}/status")
    before = _peak(status.read_text())
    for _ in range(5):
        assert client.post(INFER, content=gzip.compress(bytes(2**25)), headers=headers).status_code == 413
    assert _peak(status.read_text()) - before < 16 * 1024


def _peak(status: str) -> int:
    """Largest resident size so far, KiB."""
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0])


@given(st.binary(max_size=2000), st.sampled_from(["gzip", "deflate", "raw deflate"]), st.integers(0, 2000))
def test_inflating_gives_the_content_back_within_the_limit(content: bytes, kind: str, limit: int) -> None:
    body = gzip.compress(content) if kind == "gzip" else zlib.compress(content, wbits=15 if kind == "deflate" else -15)
    encoding = kind.split()[-1]
    if len(content) <= limit:
        assert inflate(body, encoding, limit) == content
        return
    with pytest.raises(Refusal) as refused:
        inflate(body, encoding, limit)
    assert refused.value.status == 413


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate"]))
def test_any_bytes_are_inflated_or_refused(body: bytes, encoding: str) -> None:
    with suppress(Refusal):
        assert len(inflate(body, encoding, 100)) <= 100
