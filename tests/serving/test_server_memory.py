"""Whatever clients send, a worker's memory comes back to what it was."""

import os
from pathlib import Path

import httpx
import pytest

from tests.services.processes import free_port, running
from tests.serving.conftest import COMMAND, Online, environ, match
from tests.serving.request_mix import INFER, send
from tests.serving.test_limits import _megabytes
from tests.serving.test_processes import workers_of
from tests.waiting import eventually

GROWTH_MEGABYTES = 60
REQUESTS = int(os.environ.get("MATCHDAY_TEST_REQUESTS", "6000"))
"""The bar is set for 100,000, which take a quarter of an hour."""


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_any_mix_of_requests_leaves_memory_as_it_was(online: Online, bundle: Path, tmp_path: Path) -> None:
    port = free_port()
    with running(COMMAND, port, environ(tmp_path, bundle, online.path, port)) as server:
        base = f"http://127.0.0.1:{port}"
        eventually(lambda: httpx.get(f"{base}/v2/health/ready").status_code == 200)
        [worker] = workers_of(server.pid)
        for _ in range(50):
            httpx.post(f"{base}{INFER}", json=match())
        before = _megabytes(worker)
        send(base, REQUESTS)
        print(f"{before:.0f} MB, {_megabytes(worker) - before:+.1f} MB after {REQUESTS} requests")
        eventually(lambda: _megabytes(worker) - before < GROWTH_MEGABYTES)
        assert workers_of(server.pid) == [worker]
        assert httpx.get(f"{base}/v2/health/ready").status_code == 200
