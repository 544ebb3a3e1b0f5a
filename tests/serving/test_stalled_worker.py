"""A worker that the system stops for a while, as a CPU limit does, does not take a well Redis for a dead one."""

import os
import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.services.processes import free_port, running
from tests.services.redis import redis_server
from tests.serving.conftest import COMMAND, environ, match
from tests.serving.features.test_garbled_rows import fill
from tests.serving.request_mix import INFER
from tests.serving.test_processes import workers_of
from tests.waiting import eventually

pytestmark = pytest.mark.services

STOPPED_SECONDS = 0.5
"""Twice the time that Redis has for an answer."""


def test_a_worker_that_was_stopped_answers_from_fresh_rows(bundle: Path, tmp_path: Path) -> None:
    import redis

    with redis_server(tmp_path) as server, redis.Redis(port=server.port) as client:
        fill(client)
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        settings = environ(tmp_path, bundle, Path("unused"), port, online_store=server.url, features_fresh_seconds="0")
        answers: list[bool] = []
        over = threading.Event()

        def ask() -> None:
            with httpx.Client(base_url=base, timeout=120) as client:
                while not over.is_set():
                    answer = client.post(INFER, json=match())
                    assert answer.status_code == 200, answer.text
                    answers.append("degraded" in answer.json()["parameters"])

        with running(COMMAND, port, settings) as process:
            eventually(lambda: httpx.get(f"{base}/v2/health/ready").status_code == 200)
            [worker] = workers_of(process.pid)
            clients = [threading.Thread(target=ask) for _ in range(4)]
            for each in clients:
                each.start()
            try:
                for _ in range(6):
                    seen = len(answers)
                    eventually(lambda seen=seen: len(answers) > seen + 20)  # type: ignore[misc]
                    os.kill(worker, signal.SIGSTOP)
                    time.sleep(STOPPED_SECONDS)
                    os.kill(worker, signal.SIGCONT)
            finally:
                over.set()
                for each in clients:
                    each.join()
            assert len(answers) > 100 and not any(answers)
            client.shutdown(nosave=True)
            eventually(lambda: httpx.post(f"{base}{INFER}", json=match()).json()["parameters"].get("degraded"))
