"""A copy of the registry with a served champion, in which the demonstration tries candidates.

No version made for show is ever registered, or champion, in the real registry.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from console.demo.gameweek import MODEL, questions_of
from console.demo.load import LoadGenerator
from console.demo.variants import Variant, register
from matchday.bundle import read_bundle
from matchday.calendar import Gameweek
from matchday.errors import MatchdayError
from matchday.registry import ModelVersion, Registry
from matchday.registry.sqlite import PREFIX, sqlite_file
from matchday.settings import Settings
from rollout.embedded.runner import Runner
from rollout.embedded.settings import RolloutSettings
from rollout.embedded.workspace import Workspace
from rollout.observations.factory import open_sources
from rollout.spec import Spec
from rollout.state import HistoryEntry, State

HOST = "127.0.0.1"
TICK_SECONDS = 0.25
STEP = {"holdSeconds": 1, "deadlineSeconds": 60}
SPEC = {
    "inferenceService": MODEL,
    "model": MODEL,
    "shadow": {"rows": 380, "historyWeeks": 52, "deadlineSeconds": 10},
    "steps": [{"weight": weight, **STEP} for weight in (5, 25, 50)],
    "promotion": "Automatic",
    "undecided": "RollBack",
    "readySeconds": 30,
    "bakeSeconds": 0,
    "limits": {
        "errors": 0.08,
        "incomplete": 0.08,
        "degraded": 0.08,
        "latency": 4.0,
        "missed": 0.2,
        "latencyFloor": 0.02,
        "minRequests": 25,
    },
}
"""Each weight is held for seconds and the limits are wide. Some ten thousand requests on a busy machine show a fault
in an export, or an answer that is late by an order of magnitude; the defaults, minutes at a weight, show far smaller
harm."""


@dataclass(frozen=True)
class Playground:
    """A home with a copy of the registry, and a service there that answers the load."""

    folder: Path
    settings: Settings
    registry: Registry
    champion: ModelVersion
    workspace: Workspace
    load: LoadGenerator

    def try_out(
        self, variant: Variant, on_start: Callable[[str], None], on_entry: Callable[[HistoryEntry], None]
    ) -> State:
        """Register a variant and roll it out; how that ended. on_start: called with its version."""
        bundle = read_bundle(self.folder / "serving" / MODEL / self.champion.version)
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            version = register(self.registry, self.champion, variant, bundle, Path(scratch))
        on_start(version)
        self.workspace.rollouts.create(variant.name, Spec.parse({**SPEC, "candidate": version}))
        return Runner(self.workspace, variant.name, open_sources(self.settings), TICK_SECONDS, on_entry).run()


@contextmanager
def open_playground(scene: str, gameweek: Gameweek, port: int) -> Iterator[Playground]:
    """A fresh playground under load; servers and load end when the block is left. Raises MatchdayError."""
    real = Settings()
    folder = real.home.resolve() / "demonstration" / scene
    delete_playground(folder)
    settings = copy_registry(real, folder)
    workspace = Workspace(settings, RolloutSettings(host=HOST, port=port))
    registry = Registry(settings.tracking_uri)
    champion = registry.resolve(f"mlflow://{MODEL}@champion")
    load = LoadGenerator(HOST, port, questions_of(gameweek))
    splitter = workspace.splitter(MODEL, MODEL)
    try:
        splitter.open(champion.version)
        with load.running():
            yield Playground(folder, settings, registry, champion, workspace, load)
    finally:
        splitter.close()


def delete_playground(folder: Path) -> None:
    """Delete a playground. The servers of a demonstration that was killed may still run: they are stopped first."""
    left = Workspace(Settings(home=folder), RolloutSettings())
    for service in left.services():
        left.stop(service)
    shutil.rmtree(folder, ignore_errors=True)


def copy_registry(real: Settings, folder: Path) -> Settings:
    """Copy the registry's database into a folder; settings with it, and with everything else of the real home.

    Raises MatchdayError where this machine has no registry of its own.
    """
    database = sqlite_file(real.tracking_uri)
    if database is None or not database.exists():
        raise MatchdayError("there is no registry on this machine to copy: play the scene 'outcome' first")
    copy = folder / "mlflow" / database.name
    copy.parent.mkdir(parents=True)
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return Settings(
        home=folder,
        MATCHDAY_TRACKING_URI=f"{PREFIX}{copy}",
        MATCHDAY_LAKE=real.lake,
        MATCHDAY_ONLINE_STORE=real.online_store,
    )
