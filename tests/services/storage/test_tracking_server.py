"""The bundle comes from a real MLflow server, over REST alone, or not at all and with a sentence why."""

import http.server
import json
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from matchday.bundle import read_bundle, verify_bundle, write_bundle
from matchday.errors import MatchdayError
from matchday.registry import Registry
from serving.storage import Absent, FetchError, Unreachable, Untrained, fetch, open_registry
from serving.storage.__main__ import deliver
from serving.storage.mlflow_api import MlflowApi
from serving.storage.tracking import FILES, TrackingServer
from tests.services.mlflow_server import mlflow_server
from tests.services.processes import free_port
from tests.services.storage.conftest import register, run, stored_files
from tests.serving.conftest import graph

pytestmark = pytest.mark.services


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
