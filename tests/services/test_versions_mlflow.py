"""A served alias is followed: on a real MLflow server over REST, and in MLflow's own database."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from matchday.registry import Registry
from serving.settings import ServingSettings
from serving.sources import DatabaseSource, open_sources
from serving.storage import fetch, open_registry
from tests.services.mlflow_server import mlflow_server
from tests.services.processes import free_port, running
from tests.services.storage.conftest import register, stored_files
from tests.serving.conftest import COMMAND, Online, bundle, environ, match, online  # noqa: F401
from tests.serving.test_versions import Traffic
from tests.waiting import eventually

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server keeps all it has."""
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    with mlflow_server(folder) as address:
        yield address


def test_a_moved_alias_is_followed_by_every_worker_and_a_damaged_version_is_not(
    online: Online,  # noqa: F811
    server: str,
    folder: Path,
    tmp_path: Path,
) -> None:
    name = "match-outcome"
    for number in (1, 2, 3):
        register(server, name, tmp_path / f"b{number}", f"# {number}\n")
    registry, alias, home, port = Registry(server), f"mlflow://{name}@champion", tmp_path / "home", free_port()
    registry.set_alias(name, "champion", "1")
    stored = fetch(alias, home, open_registry(server))
    settings = environ(home, stored.folder, online.path, port, workers="2", refresh_seconds="0.3", drain_seconds="0")
    settings |= {
        "MATCHDAY_TRACKING_URI": server,
        "MATCHDAY_SERVING_SOURCES": json.dumps([alias]),
        "MATCHDAY_SERVING_VERSIONS": '["1"]',
    }
    base = f"http://127.0.0.1:{port}"
    with running(COMMAND, port, settings), Traffic(base) as traffic:

        def versions() -> set[str]:
            """What twenty new connections are answered by."""
            asked = [httpx.post(f"{base}/v2/models/{name}/infer", json=match()).json() for _ in range(20)]
            return {each["model_version"] for each in asked}

        assert versions() == {"1"}
        registry.set_alias(name, "champion", "2")
        eventually(lambda: versions() == {"2"})
        (stored_files(folder, server, f"mlflow://{name}/3") / "model.onnx").write_bytes(b"damaged")
        registry.set_alias(name, "champion", "3")
        ready = f"{base}/v2/health/ready"
        eventually(lambda: "3 damaged: model.onnx" in str(httpx.get(ready).json().get("held_back")))
        assert versions() == {"2"}
        registry.set_alias(name, "champion", "1")
        eventually(lambda: versions() == {"1"})
        eventually(lambda: all(httpx.get(ready).json() == {"ready": True} for _ in range(10)))
    assert traffic.failures == []
    assert {status for _, status, _, _ in traffic.answers} == {200}


def test_a_tracking_server_that_is_away_changes_nothing(
    online: Online,  # noqa: F811
    bundle: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    port = free_port()
    settings = environ(tmp_path, bundle, online.path, port, refresh_seconds="0.2", drain_seconds="0")
    settings |= {
        "MATCHDAY_TRACKING_URI": f"http://127.0.0.1:{free_port()}",
        "MATCHDAY_SERVING_SOURCES": '["mlflow://match-outcome@champion"]',
    }
    base = f"http://127.0.0.1:{port}"
    with running(COMMAND, port, settings):
        eventually(lambda: "does not answer" in str(httpx.get(f"{base}/v2/health/ready").json()))
        assert httpx.get(f"{base}/v2/health/ready").status_code == 200
        answer = httpx.post(f"{base}/v2/models/match-outcome/infer", json=match()).json()
        assert answer["model_version"] == "12"


def test_an_alias_in_the_embedded_registry_is_followed_by_another_process(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = home / "mlflow" / "mlflow.db"
    tracking, name = f"sqlite:///{database}", f"match-outcome-{uuid4().hex[:8]}"
    for number in (1, 2):
        register(tracking, name, tmp_path / f"b{number}", f"# {number}\n")
    registry = Registry(tracking)
    registry.set_alias(name, "champion", "1")
    alias = f"mlflow://{name}@champion"
    [source, pinned] = open_sources(
        ServingSettings(bundles=[tmp_path, tmp_path], sources=[alias, f"mlflow://{name}/1"])
    )
    assert isinstance(source, DatabaseSource)
    assert pinned is None
    assert source.get().version == "1"
    before = source.state()
    assert source.get().version == "1"
    assert source.state() == before, "asking changes nothing, so one change is asked about once"
    registry.set_alias(name, "champion", "2")
    assert source.state() != before
    found = source.get()
    assert (found.version, found.folder) == ("2", home.resolve() / "serving" / name / "2")
