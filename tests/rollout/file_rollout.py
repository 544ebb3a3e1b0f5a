"""A rollout with real servers behind a real Envoy, carried out by this process: `python -m ... ROOT PORT`.

Bundles and the registry are files below ROOT, so that it needs no MLflow; all else is what `matchday rollout` uses.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from matchday.errors import MatchdayError
from rollout.embedded import files
from rollout.embedded.repository import FolderRepository
from rollout.embedded.splitter import EnvoySplitter
from rollout.observations.replay import RowReplay
from rollout.observations.row import ReplayRow
from rollout.observations.server_meter import ServerMeter
from rollout.reconciler import Reconciler
from rollout.sources import Sources
from rollout.state import HistoryEntry, Phase, State
from serving.storage import StoredBundle

NAME = "tried"
LOOK_SECONDS = 0.2


class FileVersions:
    """A registry in a file."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def champion(self, model: str) -> str:
        return str(self._read()["champion"])

    def resolve(self, model: str, candidate: str) -> str:
        if not (self._root / "bundles" / candidate).exists():
            raise MatchdayError(f"{model} has no version {candidate}")
        return candidate

    def crown(self, model: str, version: str) -> None:
        files.write(self._root / "registry.json", self._read() | {"champion": version})

    def restore(self, model: str, alias: str, version: str) -> None:
        raise AssertionError("no alias is tried here")

    def rolled_back(self, model: str, version: str) -> float | None:
        return self._read()["marked"].get(version)

    def mark_rolled_back(self, model: str, version: str, when: float, reason: str) -> None:
        known = self._read()
        files.write(self._root / "registry.json", known | {"marked": known["marked"] | {version: when}})

    def _read(self) -> dict:
        return json.loads((self._root / "registry.json").read_text())


class NoScores:
    """Nothing was forecast before."""

    def history(self, model: str, stable: str, candidate: str, weeks: int) -> None:
        return None

    def live(self, model: str, stable: str, candidate: str) -> None:
        return None


class SomeRows:
    """Matches of nobody: their features are given."""

    def rows(self, model: str, most: int) -> Sequence[ReplayRow]:
        random = np.random.default_rng(7)
        names = ("home_elo", "away_elo", "home_points", "away_points", "home_luck")
        numbers = random.normal([1700, 1700, 5, 5, 0], [120, 120, 2, 2, 1], (most, 5))
        return [ReplayRow(features=dict(zip(names, row.tolist(), strict=True))) for row in numbers]


def splitter(root: Path, port: int) -> EnvoySplitter:
    return EnvoySplitter(root / "service", lambda version: bundle(root, version), port=port)


def bundle(root: Path, version: str) -> StoredBundle:
    return StoredBundle(root / "bundles" / version, "match-outcome", version, f"mlflow://match-outcome/{version}")


def carry_out(
    root: Path, port: int, announce: Callable[[HistoryEntry], None] = lambda entry: None, seconds: float = 120.0
) -> State:
    """Rounds until it ends, or time is up."""
    rollouts = FolderRepository(root / "rollouts")
    store, versions, split = rollouts.store(NAME), FileVersions(root), splitter(root, port)
    sources = Sources(ServerMeter(), RowReplay([SomeRows()]), NoScores(), versions)
    rollout = Reconciler(rollouts.spec(NAME), split, sources, store, time.time, announce)
    deadline = time.monotonic() + seconds
    while True:
        if store.load().phase is Phase.PENDING:
            split.open(versions.champion("match-outcome"))
        state = rollout.tick()
        if state.ended or time.monotonic() > deadline:
            return state
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    carry_out(Path(sys.argv[1]), int(sys.argv[2]))
