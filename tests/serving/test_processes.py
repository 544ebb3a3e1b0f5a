"""The server's processes: what a worker begins with, what ends it, and how many clients it holds."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
import httpx
import pytest

from serving.current_bundles import CurrentBundles, lasting_folder, resumable
from serving.grpc import open_inference_pb2 as pb
from serving.settings import ServingSettings
from serving.sources import CandidateBundle
from tests.services.processes import end, free_port, listens, running
from tests.serving.begun import BegunRequest
from tests.serving.conftest import COMMAND, Online, environ, graph, match
from tests.serving.test_versions import INFER, Traffic, made, point, version
from tests.waiting import eventually


def workers_of(supervisor: int) -> list[int]:
    """Process ids of the workers."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            rest = stat.read_text().rpartition(")")[2]
            arguments = stat.with_name("cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended
        state, parent = rest.split()[:2]
        if int(parent) == supervisor and state != "Z" and arguments[1:3] == [b"-m", b"serving"]:
            found.append(int(stat.parent.name))
    return found


@contextmanager
def serving(
    online: Online, bundle: Path, home: Path, **more: str
) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    port = free_port()
    with (
        running(COMMAND, port, environ(home, bundle, online.path, port, **more)) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        eventually(lambda: client.get("/v2/health/ready").status_code == 200)
        yield process, client


def _ask_anew(client: httpx.Client) -> int:
    """The status of a request on a connection of its own, which any worker may take."""
    return client.post(INFER, json=match(), headers={"connection": "close"}).status_code


@pytest.mark.parametrize("ended", ["killed", "SIGHUP"])
def test_a_worker_that_is_started_again_serves_what_has_taken_over(online: Online, tmp_path: Path, ended: str) -> None:
    """Though its source is a damaged bundle by then: what was let in is on the server's disk."""
    link = tmp_path / "current"
    link.symlink_to(made(tmp_path / "v1", "1"))
    made(tmp_path / "v2", "2")
    bad = made(tmp_path / "v3", "3")
    (bad / "model.onnx").write_bytes(graph()[:-1])
    more = {"versions": "[]", "refresh_seconds": "0.2", "workers": "2"}
    with serving(online, link, tmp_path / "home", **more) as (process, client):
        point(link, tmp_path / "v2")
        eventually(lambda: {version(client) for _ in range(20)} == {"2"})
        point(link, bad)
        eventually(lambda: "does not match its sum" in client.get("/v2/health/ready").text)
        before = set(workers_of(process.pid))
        with Traffic(str(client.base_url)) as traffic:
            for worker in before if ended == "killed" else ():
                os.kill(worker, signal.SIGKILL)
                eventually(lambda w=worker: w not in workers_of(process.pid))  # type: ignore[misc]
                eventually(lambda: len(workers_of(process.pid)) == 2)
            if ended == "SIGHUP":
                process.send_signal(signal.SIGHUP)
            eventually(lambda: len(workers_of(process.pid)) == 2 and not before & set(workers_of(process.pid)))
            seen = len(traffic.answers)
            eventually(lambda: len(traffic.answers) > seen + 200)
        assert {answer[2] for answer in traffic.answers} == {"2"}


def test_a_container_that_is_started_again_serves_what_had_taken_over(online: Online, tmp_path: Path) -> None:
    """Its registry is away, and the bundle of its pod is the champion of then."""
    first, second = made(tmp_path / "v1", "1"), made(tmp_path / "v2", "2")
    uri, home = "mlflow://match-outcome@champion", tmp_path / "home"
    pod = {"versions": '["1"]', "sources": json.dumps([uri]), "refresh_seconds": "60"}
    settings = ServingSettings(bundles=[first], versions=["1"], sources=[uri], refresh_seconds=60)
    (run := tmp_path / "former").mkdir()
    CurrentBundles(run, lasting_folder(settings, home)).write(0, CandidateBundle(second, "2"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATCHDAY_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
        with serving(online, first, home, **pod) as (_, client):
            assert version(client) == "2"
        with serving(online, first, home, **pod, start="anew") as (_, client):
            assert version(client) == "1", "bundles that were fetched anew are the truth"


def test_a_folder_itself_tells_what_it_holds_at_a_start(tmp_path: Path) -> None:
    """A link that was moved while no server ran: what a former run noted would be the retired bundle."""
    uris = ["mlflow://match-outcome@champion", "mlflow://match-outcome/7", ""]
    settings = ServingSettings(bundles=[tmp_path] * 3, sources=uris, refresh_seconds=5)
    assert resumable(settings) == [0]
    assert resumable(ServingSettings(bundles=[tmp_path], refresh_seconds=5)) == []


def test_what_is_noted_is_gone_on_with_only_where_it_is_whole(tmp_path: Path) -> None:
    settings = ServingSettings(bundles=[tmp_path], refresh_seconds=5)
    lasting = lasting_folder(settings, tmp_path / "home")
    assert lasting is not None
    assert lasting_folder(ServingSettings(bundles=[tmp_path]), tmp_path) is None, "nothing is followed"
    good, bad = made(tmp_path / "good", "1"), made(tmp_path / "bad", "2")
    runs = [tmp_path / name for name in ("first", "second")]
    for run in runs:
        run.mkdir()
    first = CurrentBundles(runs[0], lasting)
    first.write(0, CandidateBundle(good, "1"))
    first.write(1, CandidateBundle(bad, "2"))
    first.write_first(0, CandidateBundle(bad, "2"))
    assert first.read(0) == CandidateBundle(good, "1"), "the bundle of the start never replaces a later one"
    (bad / "model.onnx").write_bytes(b"altered")
    (lasting / "current-2.json").write_text("{oops")
    second = CurrentBundles(runs[1], lasting)
    second.resume(range(4))
    assert [second.read(index) for index in range(4)] == [CandidateBundle(good, "1"), None, None, None]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_every_process_lets_requests_end(
    online: Online, bundle: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """As systemd sends SIGTERM, and a terminal SIGINT."""
    limits = {"max_concurrent": "1", "body_seconds": "120", "stop_seconds": "120"}
    with serving(online, bundle, tmp_path, workers="2", drain_seconds="1", **limits) as (process, client):
        port = int(str(client.base_url.port))
        begun = BegunRequest(port)
        eventually(lambda: any(_ask_anew(client) == 429 for _ in range(10)))
        for each in (*workers_of(process.pid), process.pid):
            os.kill(each, number)
        eventually(lambda: not listens(port))
        assert begun.finish() == b"HTTP/1.1 200 OK"
        assert process.wait(60) == 0


def handles_signals(process: subprocess.Popen[bytes]) -> bool:
    """Whether SIGTERM is handled or held by now: before Python runs it just ends a process."""
    masks = dict(line.split(":\t") for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
    return bool((int(masks["SigCgt"], 16) | int(masks["SigBlk"], 16)) >> (signal.SIGTERM - 1) & 1)


MOMENTS: dict[str, Callable[[subprocess.Popen[bytes], int], object]] = {
    "signals are handled": lambda process, port: handles_signals(process),
    "the first worker is forked": lambda process, port: workers_of(process.pid),
    "both workers are forked": lambda process, port: len(workers_of(process.pid)) == 2,
    "one listens": lambda process, port: listens(port),
}


@pytest.mark.parametrize("moment", [*MOMENTS, 0.0, 0.2, 0.4, 0.8, 1.6])
def test_sigterm_while_the_server_starts_ends_it_in_time(
    online: Online, bundle: Path, tmp_path: Path, moment: str | float
) -> None:
    """Long before `stop_seconds`, after which workers are killed. Moments that have no name are tried by time."""
    port = free_port()
    settings = environ(tmp_path, bundle, online.path, port, workers="2", stop_seconds="600")
    process = subprocess.Popen(COMMAND, env=settings)
    try:
        if isinstance(moment, str):
            eventually(lambda: MOMENTS[moment](process, port))
        else:
            time.sleep(moment)
        handled = handles_signals(process)
        process.terminate()
        assert process.wait(120) in ((0,) if handled else (0, -signal.SIGTERM))
    finally:
        end(process)


def test_while_the_server_drains_its_clients_are_sent_elsewhere(online: Online, bundle: Path, tmp_path: Path) -> None:
    grpc_port = free_port()
    more = {"drain_seconds": "6", "grpc_port": str(grpc_port)}
    with serving(online, bundle, tmp_path, **more) as (process, client):
        with grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
            live = channel.unary_unary(
                "/inference.GRPCInferenceService/ServerLive",
                request_serializer=pb.ServerLiveRequest.SerializeToString,
                response_deserializer=pb.ServerLiveResponse.FromString,
            )
            assert live(pb.ServerLiveRequest(), timeout=60).live
            states: list[grpc.ChannelConnectivity] = []
            channel.subscribe(states.append)
            eventually(lambda: grpc.ChannelConnectivity.READY in states)
            assert "connection" not in client.post(INFER, json=match()).headers
            process.terminate()
            eventually(lambda: client.get("/v2/health/ready").status_code == 503)
            answer = client.post(INFER, json=match())
            assert (answer.status_code, answer.headers["connection"]) == (200, "close")
            eventually(lambda: states[-1] == grpc.ChannelConnectivity.IDLE)
        assert process.wait(60) == 0


def test_a_host_is_given_by_name_as_well(online: Online, bundle: Path, tmp_path: Path) -> None:
    with serving(online, bundle, tmp_path, host="localhost") as (_, client):
        assert client.post(INFER, json=match()).status_code == 200
    settings = environ(tmp_path, bundle, online.path, free_port(), host="no-such-host.invalid")
    done = subprocess.run(COMMAND, env=settings, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no-such-host.invalid" in done.stderr


@pytest.mark.slow
def test_fifteen_hundred_idle_connections_keep_nobody_out(online: Online, bundle: Path, tmp_path: Path) -> None:
    with serving(online, bundle, tmp_path) as (_, client), ExitStack() as stack:
        for _ in range(1500):
            stack.enter_context(socket.create_connection(("127.0.0.1", client.base_url.port), timeout=60))
        for _ in range(20):
            close = {"connection": "close"}
            assert client.get("/v2/health/live", headers=close).status_code == 200
            assert client.post(INFER, json=match(), headers=close).status_code == 200


def test_a_worker_that_keeps_failing_takes_no_healthy_one_along(online: Online, bundle: Path, tmp_path: Path) -> None:
    with serving(online, bundle, tmp_path, workers="2") as (process, client):
        healthy, failing = workers_of(process.pid)
        for _ in range(4):
            os.kill(failing, signal.SIGKILL)
            eventually(lambda f=failing: f not in workers_of(process.pid))  # type: ignore[misc]
            eventually(lambda: len(workers_of(process.pid)) == 2)
            [failing] = set(workers_of(process.pid)) - {healthy}
        assert process.poll() is None
        assert healthy in workers_of(process.pid)
        eventually(lambda: client.get("/v2/health/ready").status_code == 200)


def test_idle_connections_stay_open_for_longer_than_those_of_load_balancers(
    online: Online, bundle: Path, tmp_path: Path
) -> None:
    assert ServingSettings().keep_alive_seconds >= 75
    with serving(online, bundle, tmp_path, keep_alive_seconds="3", body_seconds="1") as (_, client):
        port = int(str(client.base_url.port))
        with socket.create_connection(("127.0.0.1", port), timeout=60) as wire:
            begun = time.monotonic()
            assert wire.recv(1) == b"", "in the end an idle connection is closed"
            assert time.monotonic() - begun >= 2.5, "whatever time a body has"


def test_ready_waits_for_every_worker(online: Online, bundle: Path, tmp_path: Path) -> None:
    """Another start of the same server, in which the second worker hangs."""
    with serving(online, bundle, tmp_path, workers="3") as (_, client):
        assert client.get("/v2/health/ready").status_code == 200
    from serving.worker import LISTENING, Worker

    run = tmp_path / "run"
    run.mkdir()
    worker = Worker(ServingSettings(bundles=[bundle], versions=["12"], workers=2, run_folder=run), store=None)
    try:
        import asyncio

        from serving.protocol.errors import Unavailable

        async def ready() -> None:
            await worker.check_ready()

        (run / f"1{LISTENING}").touch()
        with pytest.raises(Unavailable, match="1 of 2 workers have started"):
            asyncio.run(ready())
    finally:
        worker.stop()
