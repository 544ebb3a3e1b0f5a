"""Concurrency limit, deadlines, token check, and the drain at the end of a server."""

import asyncio
import json
import os
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from serving.features.store import OnlineStore, Rows
from serving.limiter import SMALL_BODY, ConcurrencyLimiter
from serving.protocol import v2
from serving.protocol.errors import Refusal
from serving.settings import ServingSettings
from serving.worker import Worker
from tests.services.processes import free_port, running
from tests.serving.begun import BegunRequest
from tests.serving.conftest import COMMAND, Online, environ, match
from tests.waiting import eventually

INFER = "/v2/models/match-outcome/infer"
BODY = json.dumps(match()).encode()
HEAD = f"POST {INFER} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n"


def test_beyond_the_limit_of_concurrent_requests_it_says_429(online: Online, bundle: Path, tmp_path: Path) -> None:
    port = free_port()
    with running(COMMAND, port, environ(tmp_path, bundle, online.path, port, max_concurrent="3")):
        held = [BegunRequest(port) for _ in range(3)]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: httpx.post(f"http://127.0.0.1:{port}{INFER}", json=match()), range(12)))
        assert [answer.status_code for answer in answers] == [429] * 12
        assert {answer.headers["retry-after"] for answer in answers} == {"1"}
        assert "3 requests are being answered" in answers[0].json()["error"]
        assert httpx.get(f"http://127.0.0.1:{port}/v2/health/ready").status_code == 200
        assert [begun.finish() for begun in held] == [b"HTTP/1.1 200 OK"] * 3
        assert httpx.post(f"http://127.0.0.1:{port}{INFER}", json=match()).status_code == 200


class Slow:
    """A store whose answer does not come."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def read(self, join_key: str, keys: object, views: object) -> Rows:
        await asyncio.sleep(self.seconds)
        return Rows()

    async def keys(self, join_key: str, views: object) -> list[str | int]:
        return []

    def close(self) -> None: ...


def test_an_answer_that_takes_too_long_is_given_up(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    settings = ServingSettings(bundles=[bundle], versions=["12"], request_seconds=0.2, run_folder=tmp_path)

    async def ask(store: OnlineStore) -> Refusal:
        worker = Worker(settings, store)
        worker.start(asyncio.get_running_loop())
        endpoint, pipeline = worker.endpoints["match-outcome"], worker.pipeline
        try:
            with pytest.raises(Refusal) as refused, pipeline.admit(pipeline.begin({}), endpoint, "x", {}):
                await endpoint.infer(v2.parse(BODY))
        finally:
            worker.stop()
        return refused.value

    begun = time.monotonic()
    refusal = asyncio.run(ask(Slow(600)))
    assert (refusal.status, str(refusal)) == (504, "no answer was found within 0.2 s")
    assert time.monotonic() - begun < 300
    line = json.loads(capsys.readouterr().err.strip().splitlines()[-1])
    assert (line["event"], line["status"], len(line["trace_id"])) == ("request not answered", 504, 32)


def test_the_limiter_counts_only_the_requests_in_flight() -> None:
    async def crowd() -> None:
        limiter = ConcurrencyLimiter(2)
        first, second = limiter.enter(9), limiter.enter(9)
        with pytest.raises(Refusal, match="2 requests are being answered"):
            limiter.enter(9)
        limiter.leave(first)
        limiter.leave(first)
        third = limiter.enter(9)
        with pytest.raises(Refusal):
            limiter.enter(9)
        limiter.leave(second)
        limiter.leave(third)

    asyncio.run(crowd())


def test_small_bodies_are_read_while_large_ones_are_waited_for() -> None:
    """A few clients that announce large bodies and send nothing must not keep all others out."""

    async def crowd() -> None:
        limiter = ConcurrencyLimiter(256, 4 * 2**20)
        slow, other = limiter.enter(9), limiter.enter(9)
        limiter.hold(slow, 4 * 2**20)
        limiter.hold(other, SMALL_BODY)
        with pytest.raises(Refusal, match="are being read, more are not taken on"):
            limiter.hold(other, 1)
        with pytest.raises(Refusal, match="are being read, more are not taken on"):
            limiter.hold(limiter.enter(9), SMALL_BODY + 1)
        limiter.leave(other)
        limiter.leave(slow)
        limiter.hold(limiter.enter(9), 4 * 2**20)

    asyncio.run(crowd())


@pytest.fixture(scope="module")
def guarded(online: Online, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home, port = tmp_path_factory.mktemp("guarded"), free_port()
    secret = home / "token"
    secret.write_text("open-sesame\n")
    with (
        running(COMMAND, port, environ(home, bundle, online.path, port, token_file=str(secret))),
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        yield client


@pytest.mark.parametrize(
    "given", [None, "", "open-sesame", "Bearer wrong", "Basic open-sesame", "Bearer open-sesame open-sesame"]
)
def test_without_the_token_nothing_is_answered(guarded: httpx.Client, given: str | None) -> None:
    headers = {} if given is None else {"authorization": given}
    for answer in (
        guarded.post(INFER, json=match(), headers=headers),
        guarded.get("/v2/models/match-outcome", headers=headers),
        guarded.get("/v2/repository/index", headers=headers),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    assert "sesame" not in guarded.post(INFER, json=match(), headers=headers).text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_with_the_token_all_is_answered(guarded: httpx.Client, scheme: str) -> None:
    headers = {"authorization": f"{scheme} open-sesame"}
    assert guarded.post(INFER, json=match(), headers=headers).status_code == 200
    assert guarded.get("/v2/models/match-outcome", headers=headers).status_code == 200


OPEN = ("/", "/v2/health/live", "/v2/health/ready", "/v2/models/{}/ready", "/v2/models/{}/versions/12/ready")
V1_READY = "/v1/models/{}"


@pytest.mark.parametrize("path", [*OPEN, V1_READY, "/metrics"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_probes_of_both_protocols_and_metrics_need_no_token(guarded: httpx.Client, path: str, method: str) -> None:
    assert guarded.request(method, path.format("match-outcome")).status_code == 200
    assert guarded.request(method, path.format("match-outcome") + "/").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/v1/models", "/v2/models", "/v2", "/docs", "/openapi.json", "/x/ready", "/ready", "/v2/models/ready"],
)
def test_whatever_names_models_needs_the_token(guarded: httpx.Client, path: str) -> None:
    for ask in (guarded.get, guarded.head):
        assert ask(path).status_code == 401
    assert guarded.get(path, headers={"authorization": "bearer open-sesame"}).status_code in (200, 404)


@pytest.mark.parametrize("path", ["/v2/models/a/ready", "/v2/models/match-outcome/versions/9/ready", "/v1/models/a"])
def test_without_the_token_a_probe_is_told_no_names(guarded: httpx.Client, path: str) -> None:
    untold = guarded.get(path)
    assert (untold.status_code, untold.json()) == (404, {"error": "not found: send the token to be told why"})
    told = guarded.get(path, headers={"authorization": "bearer open-sesame"})
    assert (told.status_code, "match-outcome" in told.json()["error"]) == (404, True)


def test_without_the_token_readiness_names_no_reason(online: Online, bundle: Path, tmp_path: Path) -> None:
    port = free_port()
    with running(COMMAND, port, environ(tmp_path, bundle, tmp_path / "none.db", port, token="secret")):
        for path in ("/v2/health/ready", "/v2/models/match-outcome/ready", V1_READY.format("match-outcome")):
            untold = httpx.get(f"http://127.0.0.1:{port}{path}")
            assert untold.status_code == 503
            assert untold.json() == {"error": "service unavailable: send the token to be told why"}
            told = httpx.get(f"http://127.0.0.1:{port}{path}", headers={"authorization": "Bearer secret"})
            assert (told.status_code, "does not exist" in told.json()["error"]) == (503, True)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        (b"", "holds no token"),
        (b"\n \n", "holds no token"),
        (b"two\nlines\n", "holds no token"),
        (b"\xff\xfe", "no UTF-8 text"),
    ],
)
def test_a_token_file_without_a_token_does_not_open_the_server(
    online: Online, bundle: Path, tmp_path: Path, content: bytes | None, says: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    settings = environ(tmp_path, bundle, online.path, free_port(), token_file=str(file))
    done = subprocess.run(COMMAND, env=settings, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert str(file) in done.stderr and says in done.stderr


def test_an_empty_token_does_not_open_the_server(online: Online, bundle: Path, tmp_path: Path) -> None:
    settings = environ(tmp_path, bundle, online.path, free_port(), token=" ")
    done = subprocess.run(COMMAND, env=settings, capture_output=True, text=True, timeout=60, check=False)
    says = "matchday serving: MATCHDAY_SERVING_TOKEN is empty: give a token, or unset it to want none\n"
    assert (done.returncode, done.stderr) == (2, says)


@pytest.mark.slow
def test_draining_loses_no_request(online: Online, bundle: Path, tmp_path: Path) -> None:
    """Clients that heed readiness, as a load balancer does, see no failure when the server goes."""
    port = free_port()
    settings = environ(tmp_path, bundle, online.path, port, workers="2", drain_seconds="12")
    base = f"http://127.0.0.1:{port}"
    outcomes: Counter[object] = Counter()
    gone = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=base) as client:
            while not gone.is_set():
                try:
                    outcomes[client.post(INFER, json=match()).status_code] += 1
                except httpx.HTTPError as error:
                    outcomes[repr(error)] += 1

    with running(COMMAND, port, settings) as server:
        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        eventually(lambda: outcomes[200] > 20)
        begun = time.monotonic()
        server.terminate()
        while (ready := httpx.get(f"{base}/v2/health/ready")).status_code == 200:
            pass
        before = outcomes[200]
        assert ready.json()["error"] == "the server is about to stop"
        assert httpx.get(f"{base}/v2/health/live").status_code == 200
        eventually(lambda: outcomes[200] > before + 20)
        gone.set()
        for client in clients:
            client.join()
        assert server.wait(120) == 0
        assert time.monotonic() - begun >= 12
    assert set(outcomes) == {200}


@pytest.mark.slow
def test_memory_is_flat_over_many_requests(online: Online, bundle: Path, tmp_path: Path) -> None:
    port = free_port()
    log = f"file:{tmp_path / 'predictions.jsonl'}"
    with running(COMMAND, port, environ(tmp_path, bundle, online.path, port, predictions=log)) as server:
        base = f"http://127.0.0.1:{port}"
        worker = int(Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()[0])

        def ask(times: int) -> None:
            wire = socket.create_connection(("127.0.0.1", port), timeout=60)
            for _ in range(times):
                wire.sendall(HEAD.encode() + BODY)
                assert wire.recv(8192).startswith(b"HTTP/1.1 200")
            wire.close()

        def load() -> float:
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(ask, [5000, 5000]))
            return _megabytes(worker)

        first, last = load(), load()
        print(f"{first:.0f} MiB, then {last:.0f} MiB")
        assert last < 200
        assert last - first < 8
        assert httpx.get(f"{base}/v2/health/ready").status_code == 200


def _megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
