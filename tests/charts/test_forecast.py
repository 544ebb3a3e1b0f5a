"""The script of `helm test` against the real server: a forecast, or what is wrong."""

import os
import runpy
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.charts.rendering import CHART
from tests.services.processes import free_port, running
from tests.serving.conftest import COMMAND, Online, bundle, environ, online  # noqa: F401

pytestmark = pytest.mark.services
SCRIPT = CHART / "files" / "forecast.py"


def forecast(host: str, script: str = SCRIPT.read_text(), **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script as the pod does."""
    environ = {**os.environ, "MATCHDAY_HOST": host, "MATCHDAY_MODEL": "match-outcome", **variables}
    return subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def server(online: Online, bundle: Path, home: Path) -> Iterator[str]:  # noqa: F811
    """A server that asks for a token."""
    port = free_port()
    settings: Mapping[str, str] = environ(home, bundle, online.path, port, drain_seconds="0", token="secret")
    with running(COMMAND, port, settings):
        yield f"127.0.0.1:{port}"


def test_a_forecast_is_made_and_shown(server: str) -> None:
    done = forecast(server, MATCHDAY_TOKEN="secret")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ARS - LIV, probabilities by match-outcome version 12: [0.")


def test_a_refusal_is_shown(server: str) -> None:
    done = forecast(server, MATCHDAY_TOKEN="wrong")
    assert done.returncode == 1
    assert "gives no forecast, but 401" in done.stderr


def test_a_silent_server_is_waited_for_and_then_named() -> None:
    done = forecast(f"127.0.0.1:{free_port()}", SCRIPT.read_text().replace("WAIT_SECONDS = 240", "WAIT_SECONDS = 0"))
    assert done.returncode == 1
    assert "is not ready: [Errno 111] Connection refused. Look at: kubectl describe" in done.stderr


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"name": "probabilities", "data": [0.5, 0.25, 0.25]}, ""),
        ({"name": "probabilities", "data": [0.5, 0.25, 0.5]}, "do not sum to 1"),
        ({"name": "goals", "data": [2.75]}, ""),
        ({"name": "goals", "data": [float("nan")]}, "holds what is no forecast"),
        ({"name": "goals", "data": []}, "holds what is no forecast"),
    ],
)
def test_an_answer_that_is_no_forecast_is_a_fault(output: dict[str, Any], said: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATCHDAY_HOST", "nowhere")
        patch.setenv("MATCHDAY_MODEL", "total-goals")
        found = runpy.run_path(str(SCRIPT))["fault"](output)
    assert said in found
    assert bool(found) == bool(said)
