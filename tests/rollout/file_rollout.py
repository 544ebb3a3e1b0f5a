"""A rollout by the real `Runner`, with real servers behind a real Envoy: `python -m ... ROOT PORT`.

Bundles and the registry are files below ROOT, so that it needs no MLflow. All else is what `matchday rollout` uses.
"""

import json
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from matchday.errors import MatchdayError
from matchday.settings import Settings
from rollout.embedded.json_file import read_json, write_json
from rollout.embedded.runner import Runner
from rollout.embedded.settings import RolloutSettings
from rollout.embedded.workspace import Workspace
from rollout.observations.replay import RowReplay
from rollout.observations.row import ReplayRow
from rollout.observations.server_meter import ServerMeter
from rollout.sources import Sources
from rollout.state import HistoryEntry, State
from serving.storage import StoredBundle

NAME = "tried"
SERVICE = MODEL = "match-outcome"
ROUND_SECONDS = 0.2


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

    def promote(self, model: str, version: str) -> None:
        self._write(self._read() | {"champion": version})

    def restore_alias(self, model: str, alias: str, version: str) -> None:
        raise AssertionError("no rollout of these tests names an alias")

    def rolled_back_at(self, model: str, version: str) -> float | None:
        return self._read()["marked"].get(version)

    def mark_rolled_back(self, model: str, version: str, when: float, reason: str) -> None:
        known = self._read()
        self._write(known | {"marked": known["marked"] | {version: when}})

    def _read(self) -> dict:
        return read_json(self._root / "registry.json")

    def _write(self, content: dict) -> None:
        write_json(self._root / "registry.json", content)


class NoScores:
    """Nothing was forecast before."""

    def history(self, model: str, stable: str, candidate: str, weeks: int) -> None:
        return None

    def live(self, model: str, stable: str, candidate: str) -> None:
        return None


class RandomRows:
    """Rows with features drawn at random, the same ones each time."""

    def rows(self, model: str, most: int) -> Sequence[ReplayRow]:
        random = np.random.default_rng(7)
        names = ("home_elo", "away_elo", "home_points", "away_points", "home_luck")
        numbers = random.normal([1700, 1700, 5, 5, 0], [120, 120, 2, 2, 1], (most, 5))
        return [ReplayRow(features=dict(zip(names, row.tolist(), strict=True))) for row in numbers]


def workspace(root: Path, port: int) -> Workspace:
    def bundle(model: str, version: str) -> StoredBundle:
        return StoredBundle(root / "bundles" / version, model, version, f"mlflow://{model}/{version}")

    return Workspace(Settings(home=root), RolloutSettings(port=port), bundle)


def run_rollout(
    root: Path, port: int, announce: Callable[[HistoryEntry], None] = lambda entry: None, seconds: float = 120.0
) -> State:
    """Run the rollout until it ends, or until time is up."""
    sources = Sources(ServerMeter(), RowReplay([RandomRows()]), NoScores(), FileVersions(root))
    runner = Runner(workspace(root, port), NAME, sources, ROUND_SECONDS, announce)
    timer = threading.Timer(seconds, runner.stopped.set)
    timer.start()
    try:
        return runner.run()
    finally:
        timer.cancel()


def write_registry(root: Path, champion: str) -> None:
    (root / "registry.json").write_text(json.dumps({"champion": champion, "marked": {}}))


if __name__ == "__main__":
    run_rollout(Path(sys.argv[1]), int(sys.argv[2]))
