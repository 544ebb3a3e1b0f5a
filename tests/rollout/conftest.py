"""A root for rollouts with real servers and a real Envoy, and what is left of them ended."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from console.demo.load import LoadGenerator
from console.operations.forecasts import MatchQuestion
from rollout.embedded.repository import FolderRepository
from rollout.embedded.splitter import EnvoySplitter
from rollout.spec import Spec
from rollout.state import HistoryEntry, State
from tests.rollout import candidates, file_rollout
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
    "readySeconds": 40,
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
"""Wide, for runs of seconds on a machine that others use: what is tried is far beyond them or far within."""


@dataclass(frozen=True)
class Root:
    """Where a rollout of the tests lies, and where its service answers."""

    folder: Path
    port: int

    @property
    def splitter(self) -> EnvoySplitter:
        """A splitter as another process has it."""
        return file_rollout.splitter(self.folder, self.port)

    @property
    def rollouts(self) -> FolderRepository:
        return FolderRepository(self.folder / "rollouts")

    @property
    def crowd(self) -> LoadGenerator:
        return LoadGenerator("127.0.0.1", self.port, [MatchQuestion(home, away, KICKOFF) for home, away in MATCHES])

    def ask(self, candidate: str, **more: Any) -> None:
        """Ask for a rollout."""
        self.rollouts.create(file_rollout.NAME, Spec.parse(GIVEN | {"candidate": candidate} | more))

    def carry_out(self, announce: Callable[[HistoryEntry], None] = lambda entry: None) -> State:
        return file_rollout.carry_out(self.folder, self.port, announce)


@pytest.fixture
def root(tmp_path: Path, online: Online, monkeypatch: pytest.MonkeyPatch) -> Iterator[Root]:
    """Version 1 is champion; nothing runs yet."""
    monkeypatch.setenv("MATCHDAY_SERVING_ONLINE_STORE", str(online.path))
    candidates.good(tmp_path, "1")
    candidates.registry(tmp_path, "1")
    made = Root(tmp_path, free_port())
    yield made
    made.splitter.close()
