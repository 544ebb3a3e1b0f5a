"""Two real servers behind a real Envoy: shares, changes under load, and processes that come and go."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from rollout.embedded import envoy as envoy_splitter
from rollout.embedded import envoy_config, launch
from rollout.embedded.envoy import binary
from rollout.embedded.process import BackgroundProcess
from rollout.embedded.splitter import EnvoySplitter
from rollout.splitter import Readiness, SplitError, Unsplittable
from serving.settings import ServingSettings
from tests.rollout import candidates
from tests.rollout.conftest import Root
from tests.services.processes import free_port, listens
from tests.serving.conftest import match

ENOUGH = 2000
"""Requests of which a share is taken."""


def started(root: Root, version: str = "2") -> EnvoySplitter:
    """Version 1 serves, and another stands beside it."""
    splitter = root.splitter
    splitter.open("1")
    if not (root.folder / "bundles" / version).exists():
        candidates.good(root.folder, version)
    splitter.deploy(version)
    wait_ready(splitter)
    return splitter


def wait_ready(splitter: EnvoySplitter, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not (found := splitter.readiness()).ready:
        assert time.monotonic() < deadline and not found.permanent, found.reason
        time.sleep(0.05)


def share(root: Root, version: str) -> tuple[int, int]:
    """How many of some requests a version answers, and how many there were."""
    crowd = root.crowd
    with crowd.running():
        while crowd.requests < ENOUGH:
            time.sleep(0.05)
    assert not crowd.failures
    return crowd.answers[version], crowd.requests


def within(hits: int, asked: int, weight: int) -> bool:
    """Whether a share is within three standard errors of its weight."""
    wanted = weight / 100
    return abs(hits / asked - wanted) <= 3 * (wanted * (1 - wanted) / asked) ** 0.5


@pytest.mark.slow
@pytest.mark.services
def test_the_share_of_requests_is_the_weight_at_each_step(root: Root) -> None:
    splitter = started(root)
    for weight in (0, 5, 25, 50, 100):
        assert splitter.split(weight)
        measured = [share(root, "2")]
        if not within(*measured[0], weight):  # one in 370 is out by chance
            measured.append(share(root, "2"))
        assert within(*measured[-1], weight), (weight, measured)


@pytest.mark.slow
@pytest.mark.services
def test_no_request_and_no_connection_is_lost_while_weights_and_servers_change(root: Root) -> None:
    splitter = started(root)
    crowd = root.crowd
    pid = envoy(root)
    with crowd.running():
        for weight in (5, 50, 0, 100, 30):
            assert splitter.split(weight)
            time.sleep(0.2)
        assert splitter.promote("2")
        candidates.good(root.folder, "3")
        splitter.deploy("3")
        wait_ready(splitter)
        assert splitter.split(50)
        time.sleep(0.3)
        assert splitter.withdraw("2")
        time.sleep(0.2)
    assert not crowd.failures
    assert set(crowd.answers) == {"1", "2", "3"}
    assert envoy(root) == pid
    assert splitter.servers.roster.stable == "2" and not splitter.servers.roster.candidate
    assert not (root.folder / "service" / "access.log").read_text()


@pytest.mark.services
def test_clients_meet_the_server_and_nothing_of_envoy(root: Root) -> None:
    splitter = root.splitter
    splitter.open("1")
    url = f"http://127.0.0.1:{root.port}"
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    direct = httpx.get(f"{splitter.endpoints().stable[0]}/v2/models/match-outcome")
    through = httpx.get(f"{url}/v2/models/match-outcome", headers={"traceparent": trace})
    assert through.json() == direct.json()
    answer = httpx.post(f"{url}/v2/models/match-outcome/infer", json=match(), headers={"traceparent": trace})
    assert answer.status_code == 200
    for header in (*through.headers, *answer.headers):
        assert "envoy" not in header and header != "x-request-id"
    assert "envoy" not in through.headers.get("server", "")
    refused = httpx.get(f"{url}/metrics")
    assert refused.status_code == 404 and "each counts for itself" in refused.json()["error"]


@pytest.mark.services
def test_nothing_but_the_public_port_and_the_servers_is_listened_on(root: Root) -> None:
    splitter = root.splitter
    splitter.open("1")
    given = json.loads((root.folder / "service" / envoy_config.BOOTSTRAP_FILE).read_text())
    socket = Path(given["admin"]["address"]["pipe"]["path"])
    assert stat.S_ISSOCK(socket.stat().st_mode)
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert listened_on(envoy(root)) == {root.port}
    splitter.close()
    assert not listens(root.port)
    assert splitter.proxy.running is False


@pytest.mark.slow
@pytest.mark.services
def test_processes_that_were_killed_come_back_or_are_given_up(root: Root) -> None:
    splitter = started(root)
    splitter.split(50)
    kill(splitter, "2")
    assert splitter.readiness().permanent and "ended" in splitter.readiness().reason
    splitter.deploy("2")
    assert splitter.readiness().permanent
    kill(splitter, "1")
    os.kill(envoy(root), signal.SIGKILL)
    assert splitter.withdraw("1")
    assert asks(root) == "1"
    kill(splitter, "1")
    other = root.splitter
    other.deploy("2")
    wait_ready(other)
    assert other.split(100) and asks(root) == "2"


@pytest.mark.services
def test_a_candidate_that_cannot_load_is_hopeless_or_says_why_it_is_not_ready(root: Root) -> None:
    splitter = root.splitter
    splitter.open("1")
    candidates.asks_for_what_is_not_there(root.folder, "2")
    splitter.deploy("2")
    deadline = time.monotonic() + 20
    while "not answer" in (found := splitter.readiness()).reason and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not found.ready and "luck" in found.reason
    (root.folder / "bundles" / "3").mkdir()
    splitter.deploy("3")
    while not (found := splitter.readiness()).permanent and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found.permanent and "lacks" in found.reason


@pytest.mark.services
def test_a_port_in_use_is_refused_before_anything_is_started(root: Root) -> None:
    with subprocess.Popen([sys.executable, "-m", "http.server", str(root.port), "--bind", "127.0.0.1"]) as taken:
        while not listens(root.port):
            time.sleep(0.02)
        with pytest.raises(Unsplittable, match=f"port {root.port} on 127.0.0.1 is in use"):
            root.splitter.open("1")
        assert not root.splitter.servers.roster.ports
        taken.terminate()


def test_a_splitter_that_serves_nothing_says_so(root: Root) -> None:
    with pytest.raises(Unsplittable, match="no version is served here yet"):
        root.splitter.check("1")
    with pytest.raises(SplitError):
        root.splitter.deploy("2")


def test_envoy_takes_what_it_is_told(tmp_path: Path) -> None:
    """Envoy's own validation, which also refuses what is deprecated or unknown."""
    settings = ServingSettings()
    (tmp_path / envoy_config.CLUSTERS_FILE).write_text(json.dumps(envoy_config.clusters({"1": 20001}, settings)))
    (tmp_path / envoy_config.ROUTES_FILE).write_text(json.dumps(envoy_config.routes({"1": 100}, settings)))
    given = envoy_config.bootstrap("127.0.0.1", free_port(), tmp_path, tmp_path / "admin.sock", settings)
    (tmp_path / "envoy.json").write_text(json.dumps(given))
    command = [binary(), "--mode", "validate", "--reject-unknown-dynamic-fields", "-c", str(tmp_path / "envoy.json")]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert "deprecated" not in told.stderr


def test_content_names_its_version() -> None:
    settings = ServingSettings()
    one, same, other = (
        envoy_config.routes(weights, settings) for weights in ({"1": 95, "2": 5}, {"2": 5, "1": 95}, {"1": 100})
    )
    assert one == same and one["version_info"] != other["version_info"]


def test_a_process_is_found_again_and_a_stranger_is_left_alone(tmp_path: Path) -> None:
    ours = BackgroundProcess(tmp_path / "ours.json", tmp_path / "ours.log")
    ours.start([sys.executable, "-c", "print('hello', flush=True); import time; time.sleep(60)"], os.environ)
    again = BackgroundProcess(tmp_path / "ours.json", tmp_path / "ours.log")
    assert again.pid == ours.pid is not None
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        noted = {"pid": stranger.pid, "born": "another boot 1", "boot": launch.boot()}
        (tmp_path / "stranger.json").write_text(json.dumps(noted))
        mistaken = BackgroundProcess(tmp_path / "stranger.json", tmp_path / "stranger.log")
        assert mistaken.pid is None and mistaken.known
        mistaken.end(1)
        assert stranger.poll() is None
        stranger.terminate()
    deadline = time.monotonic() + 10
    while again.last_words() != "hello" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert again.last_words() == "hello"
    again.end(5)
    assert again.pid is None and not again.known and ours.pid is None


def test_a_process_that_will_not_end_is_ended(tmp_path: Path) -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    process = BackgroundProcess(tmp_path / "one.json", tmp_path / "one.log")
    process.start([sys.executable, "-c", stubborn], os.environ)
    while process.last_words() != "up":
        time.sleep(0.02)
    process.end(0.2)
    assert process.pid is None


def test_a_command_that_is_not_there_says_so(tmp_path: Path) -> None:
    process = BackgroundProcess(tmp_path / "one.json", tmp_path / "one.log")
    process.start([str(tmp_path / "nothing")], os.environ)
    deadline = time.monotonic() + 10
    while process.pid is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.pid is None and "No such file" in process.last_words()


def envoy(root: Root) -> int:
    return int(json.loads((root.folder / "service" / "envoy.pid.json").read_text())["pid"])


def listened_on(pid: int) -> set[int]:
    """TCP ports that a process listens on."""
    own = {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir()}
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(each[1].rpartition(":")[2], 16) for each in lines if each[3] == "0A" and f"socket:[{each[9]}]" in own}


def kill(splitter: EnvoySplitter, version: str) -> None:
    """As the kernel does when memory runs out."""
    noted = splitter.servers._process(version)
    assert noted.pid is not None
    os.kill(noted.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while noted.pid is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def asks(root: Root) -> str:
    """Which version answers."""
    answer = httpx.post(f"http://127.0.0.1:{root.port}/v2/models/match-outcome/infer", json=match(), timeout=20)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["model_version"])


@pytest.mark.slow
@pytest.mark.services
def test_a_candidate_is_not_given_up_for_the_silence_of_the_one_before_it(root: Root, monkeypatch) -> None:
    splitter = started(root)
    assert splitter.promote("2")
    monkeypatch.setattr(envoy_splitter, "SILENT_SECONDS", 0.0)
    monkeypatch.setattr(splitter.servers, "readiness", lambda version: Readiness(False, "it is starting"))
    assert not splitter.readiness().permanent
