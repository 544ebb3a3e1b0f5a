"""The script of `helm test` against the real server: a forecast, or what is wrong."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.charts.rendering import CHART
from tests.services.processes import free_port, running
from tests.serving.conftest import COMMAND, Online, bundle, environ, online  # noqa: F401

pytestmark = pytest.mark.services
SCRIPT = CHART / "files" / "forecast.py"


def forecast(host: str, **change: str) -> subprocess.CompletedProcess[str]:
    """Run as the pod does."""
    told = {**os.environ, "MATCHDAY_HOST": host, **change}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.read_text()], env=told, capture_output=True, text=True, check=False
    )


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
    assert done.stdout.startswith("ARS - LIV by version 12: [0.")


def test_a_refusal_is_shown(server: str) -> None:
    done = forecast(server, MATCHDAY_TOKEN="wrong")
    assert done.returncode == 1
    assert "gives no forecast, but 401" in done.stderr


def test_a_silent_server_is_waited_for_and_then_named() -> None:
    script = SCRIPT.read_text().replace("WAIT_SECONDS = 240", "WAIT_SECONDS = 0")
    told = {**os.environ, "MATCHDAY_HOST": f"127.0.0.1:{free_port()}"}
    done = subprocess.run([sys.executable, "-c", script], env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is not ready: [Errno 111] Connection refused. Look at: kubectl describe" in done.stderr
