"""The script of `helm test` against the real server: a forecast, or what is wrong."""

import os
import runpy
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from feature_repo.writers import FeatureRow, open_writer
from matchday.bundle import write_bundle
from matchday.models.packaging import describe
from tests.charts.rendering import CHART
from tests.kinds import KIND, NAME, graph
from tests.services.processes import free_port, running
from tests.serving.conftest import COMMAND, KNOWN_AT, Online, bundle, environ, online  # noqa: F401

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
    assert "does not describe match-outcome, but 401" in done.stderr


def test_a_model_of_players_is_asked_for_one_that_its_server_knows(home: Path) -> None:
    at, players = KNOWN_AT.timestamp(), range(118_700, 118_760)
    rows = [FeatureRow("team_ratings", "team", team, at, 0, {"attack": 0.1}) for team in ("ARS", "LIV")]
    rows += [FeatureRow("player_form", "player", each, at, 0, {"points_90": 2.5, "matches": 9}) for each in players]
    rows += [FeatureRow("player_market", "player", each, at, 0, {"price": 55}) for each in players]
    with closing(open_writer(home / "online.db")) as writer:
        writer.write(rows)
    write_bundle(home / "b", graph(), describe(KIND, "f00d", KNOWN_AT.isoformat()), {}, "# a card\n")
    port = free_port()
    with running(COMMAND, port, environ(home, home / "b", home / "online.db", port)):
        done = forecast(f"127.0.0.1:{port}", MATCHDAY_MODEL=NAME)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("118700 - ARS - LIV - 0 - 0, points by player-saves version 12: [")


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
