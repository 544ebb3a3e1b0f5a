"""A home for rollouts with real servers and a real Envoy; its processes are ended after each test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from console.demo.load import LoadGenerator
from console.operations.forecasts import MatchQuestion
from rollout import window
from rollout.embedded.splitter import EnvoySplitter
from rollout.embedded.workspace import Workspace
from rollout.judge import Verdict
from rollout.spec import Spec
from rollout.state import HistoryEntry, State
from tests.rollout import candidates, file_rollout
from tests.rollout.fakes import judgement
from tests.services.processes import free_port
from tests.serving.conftest import KICKOFF, Online, bundle, online, served

__all__ = ["bundle", "online", "served"]  # fixtures of the server's tests

MATCHES = [
    *(("ARS", "LIV"), ("LIV", "ARS"), ("ARS", "BOU"), ("BOU", "LIV")),
    *(("MCI", "BOU"), ("ARS", "MCI"), ("LIV", "MCI"), ("BOU", "ARS")),
]
STEP = {"holdSeconds": 0.5, "deadlineSeconds": 60}
GIVEN: dict[str, Any] = {
    "inferenceService": "match-outcome",
    "shadow": {"rows": 400, "historyWeeks": 0, "deadlineSeconds": 30},
    "steps": [{"weight": weight, **STEP} for weight in (20, 50)],
    "promotion": "Automatic",
    "undecided": "RollBack",
    "readySeconds": 40,
    "bakeSeconds": 0,
    "limits": {
        "errors": 0.1,
        "incomplete": 0.1,
        "degraded": 0.1,
        "latency": 4.0,
        "latencyFloor": 0.02,
        "missed": 0.2,
        "minRequests": 30,
    },
}
"""Wide limits for runs of seconds on a busy machine: every effect of these tests is far beyond them or far within."""


@dataclass(frozen=True)
class RolloutHome:
    """A folder with bundles, registry and rollouts, and the port of its service."""

    folder: Path
    port: int

    @property
    def workspace(self) -> Workspace:
        return file_rollout.workspace(self.folder, self.port)

    @property
    def service(self) -> Path:
        """Folder of the service: records and logs of its processes."""
        return self.folder / "services" / file_rollout.SERVICE

    @property
    def splitter(self) -> EnvoySplitter:
        """A new splitter, as another process has it."""
        return self.workspace.splitter(file_rollout.SERVICE, file_rollout.MODEL)

    @property
    def load(self) -> LoadGenerator:
        return LoadGenerator("127.0.0.1", self.port, [MatchQuestion(home, away, KICKOFF) for home, away in MATCHES])

    def create(self, candidate: str, **more: Any) -> None:
        """Create a rollout of a candidate."""
        self.workspace.rollouts.create(file_rollout.NAME, Spec.parse(GIVEN | {"candidate": candidate} | more))

    def run(self, announce: Callable[[HistoryEntry], None] = lambda entry: None) -> State:
        """Run it to its end in this process."""
        return file_rollout.run_rollout(self.folder, self.port, announce)

    def state(self) -> State:
        return self.workspace.rollouts.state(file_rollout.NAME)


@pytest.fixture
def root(tmp_path: Path, online: Online, monkeypatch: pytest.MonkeyPatch) -> Iterator[RolloutHome]:
    """Version 1 is champion; nothing runs yet."""
    monkeypatch.setenv("MATCHDAY_SERVING_ONLINE_STORE", str(online.path))
    candidates.good(tmp_path, "1")
    file_rollout.write_registry(tmp_path, "1")
    home = RolloutHome(tmp_path, free_port())
    yield home
    home.splitter.close()


@pytest.fixture
def verdict(monkeypatch: pytest.MonkeyPatch) -> Callable[[Verdict], None]:
    """Sets the verdict of the judge; a pass at first."""

    def say(verdict: Verdict) -> None:
        monkeypatch.setattr(window, "judge", lambda *_, **__: judgement(verdict))

    say(Verdict.PASS)
    return say
