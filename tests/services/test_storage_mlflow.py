"""The bundle comes from a real MLflow server, over REST alone, or not at all and with a sentence why."""

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from matchday.bundle import BundleError, read_bundle, verify_bundle, write_bundle
from matchday.errors import MatchdayError
from matchday.registry import Registry
from matchday.signature import Signature
from serving.storage import Absent, FetchError, Unreachable, Untrained, fetch, open_registry
from serving.storage import __main__ as storage
from serving.storage.__main__ import deliver
from serving.storage.mlflow_api import MlflowApi
from serving.storage.tracking import FILES, TrackingServer
from tests.services.mlflow_server import mlflow_server
from tests.services.processes import free_port
from tests.serving.conftest import graph, signature

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server keeps all it has."""
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    with mlflow_server(folder) as address:
        yield address


@pytest.fixture(scope="module")
def model(server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model with versions 1 and 2; champion is 2."""
    name = f"match-outcome-{uuid4().hex[:8]}"
    for number in (1, 2):
        register(server, name, tmp_path_factory.mktemp("bundle") / "b", f"# card {number}\n")
    Registry(server).set_alias(name, "champion", "2")
    return name


def register(server: str, name: str, place: Path, card: str) -> str:
    write_bundle(place, graph(), signature(model=name), {"background": [[1.0] * 6]}, card)
    return Registry(server).log_run("tests", {}, {"rps": 0.2}, {}, place, name).version


def stored_files(folder: Path, server: str, uri: str) -> Path:
    """The folder in which the server keeps the bundle of a version."""
    run = Registry(server).resolve(uri).run_id
    [found] = folder.glob(f"artifacts/*/{run}/artifacts/bundle")
    return found


def run(arguments: list[str], tracking: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "serving.storage", *arguments]
    settings = {**os.environ, "MATCHDAY_TRACKING_URI": tracking, **environ}
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False, timeout=60)


def test_alias_and_version_lead_to_the_bundle_that_was_registered(server: str, model: str, tmp_path: Path) -> None:
    by_alias = fetch(f"mlflow://{model}@champion", tmp_path, open_registry(server))
    assert (by_alias.name, by_alias.version) == (model, "2")
    assert by_alias.folder == tmp_path / "serving" / model / "2"
    bundle = read_bundle(by_alias.folder)
    assert (bundle.signature.version, bundle.card) == ("2", "# card 2\n")
    pinned = fetch(f"mlflow://{model}/01", tmp_path, open_registry(server))
    assert (pinned.version, read_bundle(pinned.folder).card) == ("1", "# card 1\n")
    Registry(server).download(f"mlflow://{model}/2", tmp_path / "by-mlflow")
    for name in FILES:
        assert (tmp_path / "by-mlflow" / name).read_bytes() == (by_alias.folder / name).read_bytes()
    assert not [path for path in by_alias.folder.parent.iterdir() if path.name.startswith(".2.") and path.is_dir()]


def test_what_was_fetched_is_used_again_while_it_is_whole(
    server: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads: list[str] = []
    download = MlflowApi.download
    monkeypatch.setattr(
        MlflowApi, "download", lambda self, path, *rest: (downloads.append(path), download(self, path, *rest))
    )
    stored = fetch(f"mlflow://{model}/1", tmp_path, open_registry(server))
    assert len(downloads) == 5
    assert fetch(f"mlflow://{model}/1", tmp_path, open_registry(server)) == stored
    assert len(downloads) == 5
    (stored.folder / "model.onnx").write_bytes(b"altered")
    fetch(f"mlflow://{model}/1", tmp_path, open_registry(server))
    assert len(downloads) == 10
    verify_bundle(stored.folder)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("mlflow://{}/9", r"has no version 9; its latest: 1, 2; give one of these$"),
        ("mlflow://{}@none", r"has no alias none; its aliases: champion; give one of these$"),
        ("mlflow://other@champion", r"no model other in MLflow at http://127\.0\.0\.1:\d+; it knows: .*match-outcome-"),
        ("mlflow://{}", r"is no model URI: write mlflow://NAME/VERSION"),
        ("mlflow://../../{}/1", r"is no model URI"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(server: str, model: str, tmp_path: Path, uri: str, said: str) -> None:
    with pytest.raises(MatchdayError, match=said):
        fetch(uri.format(model), tmp_path, open_registry(server))
    assert not list(tmp_path.rglob("*.onnx"))


def altered(place: Path) -> None:
    (place / "model.onnx").write_bytes(graph()[:-1] + b"\0")


def resealed(place: Path) -> None:
    bundle = read_bundle(place)
    shutil.rmtree(place)
    write_bundle(place, bundle.onnx, bundle.signature, bundle.explainer, "# another card\n")


def with_pickle(place: Path) -> None:
    (place / "model.pkl").write_bytes(b"\x80\x04.")


def with_folder(place: Path) -> None:
    (place / "code").mkdir()
    (place / "code" / "x.py").write_text("")


def without_card(place: Path) -> None:
    (place / "MODEL_CARD.md").unlink()


def huge(place: Path) -> None:
    with (place / "explainer.json").open("r+b") as file:
        file.truncate(65 * 2**20)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (altered, r"damaged: model\.onnx does not match its sum"),
        (resealed, r"holds another bundle under mlflow://.*/1 than the one registered: do not use it"),
        (with_pickle, r"holds model\.pkl, which is no part of a bundle: it is not fetched"),
        (with_folder, r"holds code, which is no part of a bundle"),
        (without_card, r"lacks MODEL_CARD\.md"),
        (huge, r"explainer\.json of mlflow://.*/1 has 68,157,440 bytes; at most 67,108,864 are fetched"),
    ],
)
def test_what_is_not_the_bundle_is_refused(server: str, folder: Path, tmp_path: Path, damage: Any, said: str) -> None:
    name = f"match-outcome-{uuid4().hex[:8]}"
    register(server, name, tmp_path / "b", "# card\n")
    damage(stored_files(folder, server, f"mlflow://{name}/1"))
    with pytest.raises(FetchError, match=said):
        fetch(f"mlflow://{name}/1", tmp_path / "home", open_registry(server))
    assert not list((tmp_path / "home").rglob("*.onnx"))


def test_a_version_that_points_at_another_models_bundle_is_refused(server: str, model: str, tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    name = f"player-points-{uuid4().hex[:8]}"
    client, found = MlflowClient(server), Registry(server).resolve(f"mlflow://{model}/1")
    client.create_registered_model(name)
    source = client.get_model_version(model, "1").source
    client.create_model_version(name, source=source, run_id=found.run_id, tags=dict(found.tags))
    with pytest.raises(FetchError, match="holds another bundle"):
        fetch(f"mlflow://{name}/1", tmp_path, open_registry(server))


class Gate(http.server.BaseHTTPRequestHandler):
    """A reverse proxy before the real server that asks for credentials, as a cluster's ingress does."""

    behind = ""
    accepted: tuple[str, ...] = ()

    def do_GET(self) -> None:
        if self.path.startswith("/old"):
            self._reply(308, b"", location="https://elsewhere.example/api")
        elif self.headers.get("authorization", "") not in self.accepted:
            self._reply(401, b"who are you?")
        else:
            try:
                with urllib.request.urlopen(self.behind + self.path) as answer:
                    self._reply(answer.status, answer.read())
            except urllib.error.HTTPError as error:
                self._reply(error.code, error.read())

    def _reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def gate(server: str) -> Iterator[str]:
    Gate.behind, Gate.accepted = server, ("Bearer s3cret-token", "Basic bWU6czNjcmV0")
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{proxy.server_address[1]}"
    proxy.shutdown()
    proxy.server_close()
    thread.join()


@pytest.mark.parametrize(
    "environ",
    [
        {"MLFLOW_TRACKING_TOKEN": "s3cret-token"},
        {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "s3cret"},
        {},
    ],
)
def test_credentials_open_the_gate(gate: str, model: str, tmp_path: Path, environ: dict[str, str]) -> None:
    address = gate if environ else gate.replace("//", "//me:s3cret@")
    TrackingServer(address, environ).download(f"mlflow://{model}@champion", tmp_path / "b")
    assert verify_bundle(tmp_path / "b").version == "2"


def test_wrong_credentials_are_said_and_not_shown(gate: str, model: str, tmp_path: Path) -> None:
    done = run([f"mlflow://{model}/1", str(tmp_path / "b")], gate, MLFLOW_TRACKING_TOKEN="s3cret-but-wrong")
    assert done.returncode == 2
    assert f"MLflow at {gate} refuses the credentials (401): set MLFLOW_TRACKING_TOKEN" in done.stderr
    assert "s3cret" not in done.stderr + done.stdout
    done = run([f"mlflow://{model}/1", str(tmp_path / "b")], gate.replace("//", "//me:s3cret-wrong@"))
    assert "s3cret" not in done.stderr + done.stdout
    assert "refuses the credentials" in done.stderr


def test_other_servers_and_none_are_told_apart(gate: str, tmp_path: Path) -> None:
    def said(address: str) -> str:
        with pytest.raises(FetchError) as caught:
            TrackingServer(address, {}).resolve("mlflow://m/1")
        assert isinstance(caught.value, Unreachable) == ("does not answer" in str(caught.value))
        return str(caught.value)

    assert "does not answer (Connection refused): see that it runs" in said(f"http://127.0.0.1:{free_port()}")
    assert "redirects to https://elsewhere.example: set MATCHDAY_TRACKING_URI" in said(f"{gate}/old")
    assert "does not answer" in said("http://no-such-host.invalid")
    assert "MATCHDAY_TRACKING_URI: ftp://x is not an address of a server" in said("ftp://x")
    files = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=files.serve_forever, daemon=True).start()
    assert "is no MLflow server: it answers" in said(f"http://127.0.0.1:{files.server_address[1]}")
    files.shutdown()
    files.server_close()


def test_a_bucket_that_is_down_is_told_by_its_name_and_may_come_back(
    server: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow answers what it knows, and fails with a page of its own where it needs the bucket."""

    class Bucketless(Gate):
        behind, accepted = server, ("",)

        def do_GET(self) -> None:
            if "mlflow-artifacts" in self.path:
                self._reply(500, b"<!doctype html><title>500 Internal Server Error</title>")
            else:
                super().do_GET()

    monkeypatch.setattr("serving.storage.mlflow_api.ATTEMPTS", 1)
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucketless)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    said = r"MLflow at .* failed \(500\): its log says why; bundles are in its object store: see that this runs too$"
    with pytest.raises(Unreachable, match=said):
        deliver(f"mlflow://{model}/1", tmp_path / "b", f"http://127.0.0.1:{proxy.server_address[1]}")
    assert not list((tmp_path / "b").iterdir())
    proxy.shutdown()
    proxy.server_close()


def test_the_storage_container_fills_a_mount_and_says_what_it_did(server: str, model: str, tmp_path: Path) -> None:
    mount = tmp_path / "models"
    mount.mkdir()
    inode = mount.stat().st_ino
    done = run([f"mlflow://{model}@champion", str(mount)], server)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"mlflow://{model}@champion is {model} 2, verified in {mount}"
    assert {path.name for path in mount.iterdir()} == FILES
    assert (mount.stat().st_ino, verify_bundle(mount).version) == (inode, "2")
    (mount / ".matchday.left").mkdir()
    (mount / "model.onnx").write_bytes(b"cut off")
    assert run([f"mlflow://{model}/1", str(mount)], server).returncode == 0
    assert verify_bundle(mount).version == "1"


def test_the_storage_container_says_what_is_wrong_in_its_last_line(server: str, model: str, tmp_path: Path) -> None:
    def last(*arguments: str, tracking: str = server) -> tuple[int, str]:
        done = run(list(arguments), tracking)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr.splitlines()[-1]

    assert last("mlflow://m/1") == (
        2,
        "usage: python -m serving.storage mlflow://NAME/VERSION|mlflow://NAME@ALIAS FOLDER",
    )
    code, said = last(f"mlflow://{model}/1", str(tmp_path / "a"), tracking=f"http://127.0.0.1:{free_port()}")
    assert (code, "does not answer" in said) == (3, True)
    code, said = last(f"mlflow://{model}/7", str(tmp_path / "a"))
    assert (code, said) == (3, f"matchday storage: {model} has no version 7; its latest: 1, 2; give one of these")
    assert last("s3://bucket/x", str(tmp_path / "a"))[0] == 2
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").write_text("mine")
    code, said = last(f"mlflow://{model}/1", str(tmp_path / "used"))
    assert (code, "holds notes.txt, which is not part of a bundle" in said) == (2, True)
    (tmp_path / "file").write_text("")
    code, said = last(f"mlflow://{model}/1", str(tmp_path / "file" / "b"))
    assert (code, "cannot write the bundle" in said) == (2, True)


@pytest.mark.parametrize(
    ("error", "uri"), [(Untrained, "mlflow://{}@champion"), (Absent, "mlflow://{}@staging"), (Absent, "mlflow://{}/2")]
)
def test_what_a_first_training_brings_is_told_from_what_is_wrong(
    server: str, tmp_path: Path, error: type[FetchError], uri: str
) -> None:
    """A version without an alias is a training under way; beside a champion another alias is none."""
    name = f"match-outcome-{uuid4().hex[:8]}"
    register(server, name, tmp_path / "b", "# card\n")
    if "staging" in uri:
        Registry(server).set_alias(name, "champion", "1")
    with pytest.raises(Absent) as caught:
        TrackingServer(server, {}).resolve(uri.format(name))
    assert type(caught.value) is error


def test_an_mlflow_without_models_is_one_before_its_first_training(tmp_path: Path) -> None:
    with mlflow_server(tmp_path) as empty, pytest.raises(Untrained, match="it knows: none yet: train one first"):
        TrackingServer(empty, {}).resolve("mlflow://match-outcome@champion")


class Clock:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the storage container, which has ten minutes."""
    clock = Clock()
    monkeypatch.setattr(storage, "time", clock)
    monkeypatch.setenv("MATCHDAY_STORAGE_WAIT_SECONDS", "600")
    return clock


def failing(monkeypatch: pytest.MonkeyPatch, clock: Clock, *errors: tuple[float, FetchError]) -> None:
    """Let the delivery fail with the error of the moment: (seconds from the start until which, error)."""
    begun = clock.now

    def deliver(uri: str, folder: Path, tracking_uri: str) -> Signature:
        for until, error in errors:
            if clock.now - begun < until:
                raise error
        return signature()

    monkeypatch.setattr(storage, "deliver", deliver)


SILENT, NONE_YET, UNKNOWN = Unreachable("MLflow does not answer"), Untrained("no champion"), Absent("no version 7")


@pytest.mark.parametrize(
    ("errors", "code", "seconds", "waits"),
    [
        ([(40, SILENT)], 0, 40, [SILENT]),
        ([(20, SILENT), (580, NONE_YET)], 0, 580, [SILENT, NONE_YET]),
        ([(601, NONE_YET)], 3, 600, [NONE_YET]),
        ([(601, SILENT)], 3, 120, [SILENT]),
        ([(400, NONE_YET), (500, SILENT)], 0, 500, [NONE_YET, SILENT]),
        ([(400, NONE_YET), (601, SILENT)], 3, 518, [NONE_YET, SILENT]),
        ([(590, NONE_YET), (700, SILENT)], 3, 600, [NONE_YET, SILENT]),
        ([(1, UNKNOWN)], 3, 0, []),
        ([(10, SILENT), (12, UNKNOWN)], 3, 10, [SILENT]),
        ([(1, FetchError("damaged"))], 2, 0, []),
    ],
)
def test_the_storage_container_waits_for_what_a_release_brings_and_for_nothing_else(
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    errors: list[tuple[float, FetchError]],
    code: int,
    seconds: float,
    waits: list[FetchError],
) -> None:
    failing(monkeypatch, clock, *errors)
    begun = clock.now
    assert storage.main(["mlflow://match-outcome@champion", "/mnt/models"]) == code
    assert clock.now - begun == pytest.approx(seconds, abs=storage.RETRY_SECONDS)
    said = [f"matchday storage waits: {reason}" for reason in waits]
    last = [f"matchday storage: {errors[-1][1]}"] if code else []
    assert capsys.readouterr().err.splitlines() == said + last


def test_the_storage_container_needs_no_mlflow(server: str, model: str, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom serving.storage.__main__ import main\n"
        f"assert main(['mlflow://{model}/1', {str(tmp_path / 'b')!r}]) == 0\n"
        "print(sorted({'mlflow', 'pandas', 'numpy', 'requests', 'onnxruntime'} & set(sys.modules)))\n"
    )
    environ = {**os.environ, "MATCHDAY_TRACKING_URI": server}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_cut_off_delivery_never_passes_for_a_bundle(
    server: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(f"mlflow://{model}/1", tmp_path, server)
    replace = os.replace
    for fatal in range(5):
        moved: list[object] = []

        def dies(source: Path, target: Path, fatal: int = fatal, moved: list[object] = moved) -> None:
            if target.parent == tmp_path:
                if len(moved) == fatal:
                    raise KeyboardInterrupt
                moved.append(target)
            replace(source, target)

        with monkeypatch.context() as patch:
            patch.setattr("serving.storage.__main__.os.replace", dies)
            with pytest.raises(KeyboardInterrupt):
                deliver(f"mlflow://{model}/2", tmp_path, server)
        with pytest.raises(BundleError):
            verify_bundle(tmp_path)
    deliver(f"mlflow://{model}/2", tmp_path, server)
    assert verify_bundle(tmp_path).version == "2"


def test_a_server_without_artifacts_to_hand_out_is_named(tmp_path: Path) -> None:
    """A tracking URI whose versions point straight into a bucket."""
    reply = {
        "get-download-uri": {"artifact_uri": "s3://bucket/1/run/artifacts/bundle"},
        "get": {"model_version": {"name": "m", "version": "1", "status": "READY"}},
    }

    class Direct(Gate):
        def do_GET(self) -> None:
            self._reply(200, json.dumps(reply[self.path.partition("?")[0].rpartition("/")[2]]).encode())

    direct = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Direct)
    threading.Thread(target=direct.serve_forever, daemon=True).start()
    tracking = TrackingServer(f"http://127.0.0.1:{direct.server_address[1]}", {})
    with pytest.raises(FetchError, match=r"is at s3://\.\.\., which MLflow does not hand through"):
        tracking.download("mlflow://m/1", tmp_path / "b")
    for outside in ("mlflow-artifacts:/1/../../etc", "mlflow-artifacts:/", "mlflow-artifacts:/1/%2e%2e/x"):
        reply["get-download-uri"]["artifact_uri"] = outside
        with pytest.raises(FetchError, match="names a place outside its artifacts"):
            tracking.download("mlflow://m/1", tmp_path / "b")
    direct.shutdown()
    direct.server_close()
