"""Two real servers behind a real Envoy: shares, changes under load, processes that are killed."""

import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import pytest

from rollout.embedded import envoy_config
from rollout.embedded import splitter as splitter_module
from rollout.embedded.splitter import EnvoySplitter
from rollout.splitter import Readiness, SplitError, Unsplittable
from tests.rollout import candidates
from tests.rollout.conftest import RolloutHome
from tests.services.processes import listens
from tests.serving.conftest import match
from tests.waiting import eventually

ENOUGH = 2000
"""Requests of which a share is taken."""
SECONDS = 120.0
"""Longest wait for servers on a busy machine."""


wait_for = partial(eventually, seconds=SECONDS)


def started(root: RolloutHome, version: str = "2") -> EnvoySplitter:
    """Version 1 serves, and another one is ready beside it."""
    splitter = root.splitter
    splitter.open("1")
    if not (root.folder / "bundles" / version).exists():
        candidates.good(root.folder, version)
    splitter.deploy(version)
    wait_ready(splitter)
    return splitter


def wait_ready(splitter: EnvoySplitter) -> None:
    def is_ready() -> bool:
        readiness = splitter.readiness()
        assert not readiness.permanent, readiness.reason
        return readiness.ready

    wait_for(is_ready)


def share(root: RolloutHome, version: str) -> tuple[int, int]:
    """How many of some requests a version answers, and how many there were."""
    load = root.load
    with load.running():
        wait_for(lambda: load.requests >= ENOUGH)
    assert not load.failures
    return load.answers[version], load.requests


def is_within(hits: int, asked: int, weight: int) -> bool:
    """Whether a share is within three standard errors of its weight."""
    wanted = weight / 100
    return abs(hits / asked - wanted) <= 3 * (wanted * (1 - wanted) / asked) ** 0.5


@pytest.mark.slow
@pytest.mark.services
def test_the_share_of_requests_is_the_weight(root: RolloutHome) -> None:
    splitter = started(root)
    for weight in (0, 5, 25, 50, 100):
        assert splitter.split(weight)
        measured = [share(root, "2")]
        if not is_within(*measured[0], weight):  # one in 370 is out by chance
            measured.append(share(root, "2"))
        assert is_within(*measured[-1], weight), (weight, measured)


@pytest.mark.slow
@pytest.mark.services
def test_no_request_and_no_connection_is_lost_while_weights_and_servers_change(root: RolloutHome) -> None:
    splitter = started(root)
    load = root.load
    pid = envoy_pid(root)
    with load.running():
        for weight in (5, 50, 0, 100, 30):
            assert splitter.split(weight)
            wait_for_more(load, 50)
        assert splitter.promote("2")
        candidates.good(root.folder, "3")
        splitter.deploy("3")
        wait_ready(splitter)
        assert splitter.split(50)
        wait_for(lambda: load.answers["3"] > 0)
        assert splitter.roll_back("2")
        wait_for_more(load, 50)
    assert not load.failures
    assert set(load.answers) == {"1", "2", "3"}
    assert envoy_pid(root) == pid
    assert splitter.servers.table.stable == "2" and not splitter.servers.table.candidate
    assert not (root.service / "access.log").read_text()


def wait_for_more(load: object, requests: int) -> None:
    before = load.requests  # type: ignore[attr-defined]
    wait_for(lambda: load.requests >= before + requests)  # type: ignore[attr-defined]


@pytest.mark.services
def test_clients_see_the_server_and_nothing_of_envoy(root: RolloutHome) -> None:
    splitter = root.splitter
    splitter.open("1")
    url = f"http://127.0.0.1:{root.port}"
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    direct = httpx.get(f"{splitter.endpoints().stable[0]}/v2/models/match-outcome", timeout=SECONDS)
    through = httpx.get(f"{url}/v2/models/match-outcome", headers={"traceparent": trace}, timeout=SECONDS)
    assert through.json() == direct.json()
    infer = f"{url}/v2/models/match-outcome/infer"
    answer = httpx.post(infer, json=match(), headers={"traceparent": trace}, timeout=SECONDS)
    assert answer.status_code == 200
    for header in (*through.headers, *answer.headers):
        assert "envoy" not in header and header != "x-request-id"
    assert "envoy" not in through.headers.get("server", "")
    refused = httpx.get(f"{url}/metrics", timeout=SECONDS)
    assert refused.status_code == 404 and "each counts for itself" in refused.json()["error"]


@pytest.mark.services
def test_envoy_listens_on_the_public_port_and_a_private_socket_only(root: RolloutHome) -> None:
    splitter = root.splitter
    splitter.open("1")
    bootstrap = json.loads((root.service / envoy_config.BOOTSTRAP_FILE).read_text())
    socket = Path(bootstrap["admin"]["address"]["pipe"]["path"])
    assert stat.S_ISSOCK(socket.stat().st_mode)
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert listened_on(envoy_pid(root)) == {root.port}
    splitter.close()
    assert not listens(root.port)
    assert splitter.envoy.is_running is False


@pytest.mark.slow
@pytest.mark.services
def test_killed_processes_are_started_again_or_given_up(root: RolloutHome) -> None:
    splitter = started(root)
    splitter.split(50)
    kill(splitter, "2")
    assert splitter.readiness().permanent and "ended" in splitter.readiness().reason
    splitter.deploy("2")
    assert splitter.readiness().permanent
    kill(splitter, "1")
    os.kill(envoy_pid(root), signal.SIGKILL)
    assert splitter.roll_back("1")
    assert answering_version(root) == "1"
    kill(splitter, "1")
    other = root.splitter
    other.deploy("2")
    wait_ready(other)
    assert other.split(100) and answering_version(root) == "2"


@pytest.mark.slow
@pytest.mark.services
def test_restarts_of_the_candidates_workers_are_counted(root: RolloutHome) -> None:
    splitter = started(root)
    assert splitter.restarts() == {"server-2": 0}
    [worker] = workers_of(splitter, "2")
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: workers_of(splitter, "2") not in ([], [worker]))
    wait_ready(splitter)
    assert splitter.restarts() == root.splitter.restarts() == {"server-2": 1}
    kill(splitter, "2")
    assert splitter.restarts() == {"server-2": 2}
    splitter.roll_back("1")
    assert splitter.restarts() == {}


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.parametrize(("weight", "answers"), [(20, "2"), (0, "")])
def test_a_candidate_with_requests_answers_all_of_them_while_the_stable_server_starts(
    root: RolloutHome, monkeypatch: pytest.MonkeyPatch, weight: int, answers: str
) -> None:
    splitter, seen = started(root), []
    assert splitter.split(weight)
    start = splitter.servers.start

    def watch(version: str, variant: str) -> None:
        if version == "1":
            seen.append({version: splitter.envoy.weight(version) for version in ("1", "2")})
            if answers:
                assert answering_version(root) == answers
        start(version, variant)

    monkeypatch.setattr(splitter.servers, "start", watch)
    kill(splitter, "1")
    assert splitter.split(weight)
    assert seen == [{"1": 0, "2": 100} if answers else {"1": 100, "2": 0}]
    assert (splitter.envoy.weight("1"), splitter.envoy.weight("2")) == (100 - weight, weight)


@pytest.mark.services
def test_a_candidate_that_cannot_load_says_why(root: RolloutHome) -> None:
    splitter = root.splitter
    splitter.open("1")
    candidates.needs_unknown_feature(root.folder, "2")
    splitter.deploy("2")
    wait_for(lambda: "luck" in splitter.readiness().reason)
    assert not splitter.readiness().ready
    (root.folder / "bundles" / "3").mkdir()
    splitter.deploy("3")
    wait_for(lambda: splitter.readiness().permanent)
    assert "lacks" in splitter.readiness().reason


@pytest.mark.services
def test_a_port_in_use_is_refused_before_anything_is_started(root: RolloutHome) -> None:
    with subprocess.Popen([sys.executable, "-m", "http.server", str(root.port), "--bind", "127.0.0.1"]) as taken:
        wait_for(lambda: listens(root.port))
        with pytest.raises(Unsplittable, match=f"port {root.port} on 127.0.0.1 is in use"):
            root.splitter.open("1")
        assert not root.splitter.servers.table.ports
        taken.terminate()


def test_a_splitter_without_a_stable_version_refuses(root: RolloutHome) -> None:
    with pytest.raises(Unsplittable, match="no version is served here yet"):
        root.splitter.check("1")
    with pytest.raises(SplitError):
        root.splitter.deploy("2")


@pytest.mark.slow
@pytest.mark.services
def test_a_new_candidate_is_not_given_up_for_the_silence_of_the_one_before(
    root: RolloutHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    splitter = started(root)
    assert splitter.promote("2")
    monkeypatch.setattr(splitter_module, "SILENT_SECONDS", 0.0)
    monkeypatch.setattr(splitter.servers, "readiness", lambda version: Readiness(False, "it is starting"))
    assert not splitter.readiness().permanent


def envoy_pid(root: RolloutHome) -> int:
    return int(json.loads((root.service / "envoy.pid.json").read_text())["pid"])


def listened_on(pid: int) -> set[int]:
    """TCP ports that a process listens on."""
    own = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            own.add(link.readlink().name)
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(each[1].rpartition(":")[2], 16) for each in lines if each[3] == "0A" and f"socket:[{each[9]}]" in own}


def kill(splitter: EnvoySplitter, version: str) -> None:
    """As the kernel does when memory runs out."""
    process = splitter.servers._process(version)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: process.pid is None)


def answering_version(root: RolloutHome) -> str:
    url = f"http://127.0.0.1:{root.port}/v2/models/match-outcome/infer"
    answer = httpx.post(url, json=match(), timeout=SECONDS)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["model_version"])


def workers_of(splitter: EnvoySplitter, version: str) -> list[int]:
    """Processes that answer for a version."""
    parent = splitter.servers._process(version).pid
    return [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
