"""What other people's clients are answered by the real server: Triton's, curl, and those of Go and Node.

KServe's clients are asked in `test_protocols.py` and `test_server.py`. Clients that come with the machine are left out
where it lacks them.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.serving.conftest import Served, match, probabilities
from tests.serving.test_server import ARS_LIV

CLIENTS = Path(__file__).parent / "clients"
BODY = json.dumps(match())
EXPECTED = probabilities(np.array([ARS_LIV]))[0]
ANSWERS = {"live": True, "ready": True, "model ready": True, "server": "matchday", "model": ["12"]}


def run(command: Sequence[str], given: bytes | None = None, environ: Mapping[str, str] | None = None) -> bytes:
    done = subprocess.run(command, input=given, env=environ, capture_output=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"this machine has no {name}")
    return path


def assert_forecasts(forecasts: Mapping[str, Any], count: int) -> None:
    assert len(forecasts) == count
    for name, answer in forecasts.items():
        assert np.allclose(np.ravel(answer), EXPECTED, atol=1e-6), name


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_triton(served: Served, protocol: str) -> None:
    """Tensors as bytes and as JSON, in raw and entity mode, with every compression of requests and of answers."""
    port = served.port if protocol == "http" else served.grpc_port
    command = [sys.executable, str(CLIENTS / f"triton_{protocol}.py"), f"127.0.0.1:{port}"]
    said = json.loads(run(command))
    assert said.items() >= ANSWERS.items()
    assert_forecasts(said["forecasts"], 2 * 2 * 3 * 3 + 1 if protocol == "http" else 2 * 3)
    status, message = said["refusal"]
    assert status == ("404" if protocol == "http" else "StatusCode.NOT_FOUND")
    assert message == "no model 'other' here: there is match-outcome"


CURLS: dict[str, tuple[Sequence[str], bytes]] = {
    "data": (["-d", BODY], b""),
    "as a file": (["--data-binary", "@-"], BODY.encode()),
    "HTTP/1.0": (["--http1.0", "-d", BODY], b""),
    "upgrade to HTTP/2": (["--http2", "-d", BODY], b""),
    "chunked": (["-H", "transfer-encoding: chunked", "-d", BODY], b""),
    "gzip": (["-H", "content-encoding: gzip", "--data-binary", "@-"], gzip.compress(BODY.encode())),
    "gzip, chunked": (
        ["-H", "content-encoding: gzip", "-H", "transfer-encoding: chunked", "--data-binary", "@-"],
        gzip.compress(BODY.encode()),
    ),
    "compressed answers": (["--compressed", "-d", BODY], b""),
    "expect": (["-H", "expect: 100-continue", "-d", BODY], b""),
    "upload": (["-X", "POST", "-T", "-"], BODY.encode()),
}


@pytest.mark.parametrize("how", CURLS)
def test_curl(served: Served, how: str) -> None:
    arguments, given = CURLS[how]
    command = [tool("curl"), "-sS", "--fail-with-body", "-H", "content-type: application/json", *arguments]
    answer = json.loads(run([*command, f"{served.url}/v2/models/match-outcome/infer"], given))
    assert np.allclose(answer["outputs"][0]["data"], EXPECTED, atol=1e-6)


def test_curl_asks_for_heads(served: Served) -> None:
    heads = run([tool("curl"), "-sSI", f"{served.url}/v2/health/live", f"{served.url}/v2/health/ready"]).decode()
    assert heads.count("HTTP/1.1 200 OK") == 2


@pytest.mark.slow
@pytest.mark.timeout(1000)
def test_go(served: Served) -> None:
    """The first time Go compiles its library: a minute, or several on a busy machine; then its cache has it."""
    environ = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": ""}
    said = json.loads(run([tool("go"), "run", str(CLIENTS / "client.go"), served.url, BODY], environ=environ))
    assert said.pop("head") == 200
    assert_forecasts(said, 6)


def test_node(served: Served) -> None:
    said = json.loads(run([tool("node"), str(CLIENTS / "client.mjs"), served.url, BODY]))
    assert said.pop("head") == 200
    assert_forecasts(said, 7)
