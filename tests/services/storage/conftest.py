"""A model with two versions on a real MLflow server, and the storage container's command."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from matchday.bundle import write_bundle
from matchday.registry import Registry
from tests.services.mlflow_server import mlflow_server
from tests.serving.conftest import graph, signature


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
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False, timeout=240)
