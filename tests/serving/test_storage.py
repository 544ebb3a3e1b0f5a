"""A model URI leads to a verified bundle folder, or to a plain sentence."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partialmethod
from pathlib import Path

import httpx
import pytest

from matchday.bundle import BundleError, write_bundle
from matchday.errors import MatchdayError
from serving import server
from serving.storage import FetchError, StoredBundle, fetch
from tests.services.processes import free_port, listens
from tests.serving.conftest import graph, signature
from tests.waiting import eventually


@dataclass(frozen=True)
class Found:
    name: str
    version: str
    run_id: str = "r"
    tags: Mapping[str, str] = field(default_factory=lambda: {"matchday.bundle": "d"})


class Registry:
    """Two versions, champion is 2."""

    def __init__(self) -> None:
        self.downloads: list[str] = []

    def resolve(self, uri: str) -> Found:
        name, _, which = uri.removeprefix("mlflow://").replace("@", "/").partition("/")
        if which not in ("1", "2", "champion"):
            raise MatchdayError(f"{uri}: no such version")
        return Found(name, "2" if which == "champion" else which)

    def download(self, uri: str, folder: Path) -> None:
        self.downloads.append(uri)
        write_bundle(folder, graph(), signature(), {}, "")


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_an_alias_is_resolved_and_downloaded_once(tmp_path: Path, registry: Registry) -> None:
    stored = fetch("mlflow://match-outcome@champion", tmp_path, registry)
    assert (stored.name, stored.version) == ("match-outcome", "2")
    assert stored.folder == tmp_path / "serving" / "match-outcome" / "2"
    assert fetch("mlflow://match-outcome/2", tmp_path, registry) == stored
    assert registry.downloads == ["mlflow://match-outcome/2"]
    (stored.folder / "model.onnx").write_bytes(b"altered")
    fetch("mlflow://match-outcome/2", tmp_path, registry)
    assert registry.downloads == ["mlflow://match-outcome/2"] * 2


def test_another_registry_with_the_same_numbers_is_not_mistaken_for_the_first(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch("mlflow://match-outcome/2", tmp_path, registry)
    monkeypatch.setattr(Found, "__init__", partialmethod(Found.__init__, tags={"matchday.bundle": "other"}))
    fetch("mlflow://match-outcome/2", tmp_path, registry)
    assert registry.downloads == ["mlflow://match-outcome/2"] * 2


def test_a_bundle_of_another_model_is_refused(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(FetchError, match="is not a bundle of player-points"):
        fetch("mlflow://player-points/1", tmp_path, registry)


def test_a_folder_serves_as_it_is(bundle: Path, tmp_path: Path, registry: Registry) -> None:
    for uri in (str(bundle), bundle.as_uri()):
        stored = fetch(uri, tmp_path, registry)
        assert (stored.folder, stored.name, stored.version) == (bundle, "match-outcome", None)
    with pytest.raises(BundleError, match="no bundle at"):
        fetch(str(tmp_path / "none"), tmp_path, registry)
    with pytest.raises(FetchError, match=r"s3://bucket/x is not a model URI: give mlflow://"):
        fetch("s3://bucket/x", tmp_path, registry)


def test_serve_becomes_the_server_of_the_resolved_version(
    registry: Registry, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    become: list[tuple[str, tuple[str, ...], dict[str, str]]] = []
    monkeypatch.setattr(server.os, "execve", lambda *arguments: become.append(arguments))
    monkeypatch.setattr(server, "open_registry", lambda _: registry)
    port = free_port()
    server.serve("mlflow://match-outcome@champion", port=port)
    [(program, command, environ)] = become
    assert (program, command) == (sys.executable, (sys.executable, "-m", "serving"))
    assert environ["MATCHDAY_SERVING_BUNDLES"] == f'["{home.resolve()}/serving/match-outcome/2"]'
    assert environ["MATCHDAY_SERVING_VERSIONS"] == '["2"]'
    assert environ["MATCHDAY_SERVING_PORT"] == str(port)
    assert capsys.readouterr().out.startswith(f"serving match-outcome 2 at http://127.0.0.1:{port} ")


def test_a_taken_port_is_said_before_anything_is_fetched(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(server, "open_registry", lambda _: registry)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(server.ServerError, match=f"port {port} on 127.0.0.1 is in use"):
            server.serve("mlflow://match-outcome@champion", port=port)
    assert registry.downloads == []
    with pytest.raises(server.ServerError, match=r"cannot listen on 203\.0\.113\.1:80"):
        server.check_port("203.0.113.1", 80)


def test_running_gives_a_server_that_is_ready_and_ends_with_the_block(
    bundle: Path, online: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("MATCHDAY_ONLINE_STORE", str(online.path))  # type: ignore[attr-defined]
    with server.running(str(bundle), port=port) as process:
        assert httpx.get(f"http://127.0.0.1:{port}/v2/health/ready").json() == {"ready": True}
    assert process.returncode == 0
    server.check_port("127.0.0.1", port)


@pytest.mark.parametrize("token", [False, True])
def test_a_server_that_does_not_become_ready_says_why(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: bool
) -> None:
    if token:
        monkeypatch.setenv("MATCHDAY_SERVING_TOKEN", "secret")
    monkeypatch.setenv("MATCHDAY_ONLINE_STORE", str(tmp_path / "none.db"))
    port = free_port()
    with server.started(server.environment(StoredBundle(bundle, "match-outcome", None), "127.0.0.1", port)) as process:
        eventually(lambda: listens(port))
        with pytest.raises(
            server.ServerError, match=r"not ready after 5 s: the online store .*none\.db does not exist"
        ):
            server.wait_ready(process, "127.0.0.1", port, 5.0)


@pytest.mark.parametrize(
    ("uri", "version", "fetched"),
    [
        ("mlflow://match-outcome@champion", "", "mlflow://match-outcome@champion"),
        ("mlflow://match-outcome@champion", "7", "mlflow://match-outcome/7"),
        ("mlflow://match-outcome/3", "7", "mlflow://match-outcome/3"),
    ],
)
def test_an_alias_stands_for_what_a_rollout_pinned_its_pod_to(uri: str, version: str, fetched: str) -> None:
    from serving.storage.__main__ import pin_alias

    assert pin_alias(uri, version) == fetched
