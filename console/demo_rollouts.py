"""Two scenes of the demonstration: a candidate that is promoted, and two that are taken back.

Both play on a copy of the registry, so that no version made for show is ever registered, or champion, in the real one.
Holds are seconds and limits are wide: some ten thousand requests on a busy machine tell a slip in an export, or an
answer that is late by an order of magnitude; the defaults, minutes at a weight, tell far smaller harms.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from console import rollouts, training
from console.crowd import Crowd
from console.forecasts import Question
from console.screen import console, heading
from console.variants import ERRING, MODEL, SIMPLER, SWAPPED, Variant, register
from matchday.bundle import read_bundle
from matchday.errors import MatchdayError
from matchday.registry import ModelVersion, Registry
from matchday.registry.sqlite import PREFIX, file_of
from matchday.settings import Settings
from rollout.embedded.runner import Runner
from rollout.embedded.settings import RolloutSettings
from rollout.embedded.workspace import Workspace
from rollout.judge import Finding
from rollout.observations.factory import sources
from rollout.spec import Spec
from rollout.state import HistoryEntry, Phase, State

HOST = "127.0.0.1"
LOOK_SECONDS = 0.25
SHOWN = ("errors", "latency p95", "latency p99", "predictions distance", "predictions shift", "history")
"""What is told of each decision; the table at the end has the rest."""
STEP = {"holdSeconds": 1, "deadlineSeconds": 60}
SPEC = {
    "inferenceService": MODEL,
    "model": MODEL,
    "shadow": {"rows": 380, "historyWeeks": 52, "deadlineSeconds": 10},
    "steps": [{"weight": weight, **STEP} for weight in (5, 25, 50)],
    "promotion": "Automatic",
    "readySeconds": 30,
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


@dataclass(frozen=True)
class Stage:
    """A scratch home with a copy of the registry, and a service that answers there."""

    settings: Settings
    registry: Registry
    champion: ModelVersion
    place: Workspace
    crowd: Crowd
    scratch: Path


def rollout(as_of: str | None, port: int) -> None:
    """A simpler model, tried on real requests step by step, and promoted."""
    heading("4  A rollout: is the goals model alone as good as the champion?")
    with _stage("rollout", as_of, port) as stage:
        state = _tried(stage, SIMPLER)
        rollouts.show_findings(_last_findings(state))
        _told(stage, f"champion of the copy is version {stage.registry.resolve(f'mlflow://{MODEL}@champion').version}")
    if state.phase is not Phase.PROMOTED:
        raise MatchdayError(f"the good candidate was not promoted: {state.reason}")


def rollback(as_of: str | None, port: int) -> None:
    """Two spoiled models, one caught before any user saw it, one at the first weight."""
    heading("5  Two spoiled candidates")
    with _stage("rollback", as_of, port) as stage:
        states = [_tried(stage, variant) for variant in (SWAPPED, ERRING)]
        _told(stage, f"champion is version {stage.champion.version} as before")
    if any(state.phase is not Phase.ROLLED_BACK for state in states):
        raise MatchdayError("a spoiled candidate was not rolled back")


@contextmanager
def _stage(scene: str, as_of: str | None, port: int) -> Iterator[Stage]:
    gameweek, real = training.plan(as_of), Settings()
    scratch = real.home.resolve() / "demonstration" / scene
    _cleared(scratch)
    settings = _apart(real, scratch)
    place = Workspace(settings, RolloutSettings(host=HOST, port=port))
    registry = Registry(settings.tracking_uri)
    champion = registry.resolve(f"mlflow://{MODEL}@champion")
    console.print(f"  [dim]on a copy of the registry in {scratch}: yours keeps its champion[/dim]")
    matches = gameweek.fixtures.to_dict("records")
    crowd = Crowd(HOST, port, [Question(m["home"], m["away"], m["kickoff"].isoformat()) for m in matches])
    splitter = place.splitter(MODEL, MODEL)
    try:
        splitter.open(champion.version)
        with crowd.asking():
            yield Stage(settings, registry, champion, place, crowd, scratch)
    finally:
        splitter.close()


def _cleared(scratch: Path) -> None:
    """Leave nothing of a demonstration that was killed: its servers may still run."""
    left = Workspace(Settings(home=scratch), RolloutSettings())
    for service in left.services():
        left.stop(service)
    shutil.rmtree(scratch, ignore_errors=True)


def _apart(real: Settings, scratch: Path) -> Settings:
    """The settings of a home with a registry of its own and everything else of the real one."""
    database = file_of(real.tracking_uri)
    if database is None or not database.exists():
        raise MatchdayError("there is no registry on this machine to copy: play the scene 'outcome' first")
    copy = scratch / "mlflow" / database.name
    copy.parent.mkdir(parents=True)
    with closing(sqlite3.connect(database)) as one, closing(sqlite3.connect(copy)) as other:
        one.backup(other)
    return Settings(
        home=scratch,
        MATCHDAY_TRACKING_URI=f"{PREFIX}{copy}",
        MATCHDAY_LAKE=real.lake,
        MATCHDAY_ONLINE_STORE=real.online_store,
    )


def _tried(stage: Stage, variant: Variant) -> State:
    """A variant registered and rolled out. Returns how that ended."""
    bundle = read_bundle(stage.scratch / "serving" / MODEL / stage.champion.version)
    with tempfile.TemporaryDirectory(dir=stage.scratch) as folder:
        version = register(stage.registry, stage.champion, variant, bundle, Path(folder))
    console.print(f"  version {version}: {variant.about}")
    stage.place.rollouts.create(variant.name, Spec.parse({**SPEC, "candidate": version}))
    runner = Runner(stage.place, variant.name, sources(stage.settings), LOOK_SECONDS, _announce)
    return runner.run()


def _announce(entry: HistoryEntry) -> None:
    console.print(f"  {rollouts.line(entry)}", markup=False)
    figures = [_figures(found) for found in map(Finding.from_dict, entry.findings) if _name(found) in SHOWN and found.n]
    if figures and entry.phase is not Phase.ROLLED_BACK:
        console.print(f"  {'':<15} {', '.join(figures)}", style="dim", markup=False)


def _figures(found: Finding) -> str:
    return f"{_name(found)} {found.estimate or 0:.3g} (limit {found.limit or 0:.3g}, n {found.n:,})"


def _name(found: Finding) -> str:
    return f"{found.check} {found.measure}".strip()


def _last_findings(state: State) -> tuple[dict[str, object], ...]:
    return next((entry.findings for entry in reversed(state.history) if entry.findings), ())


def _told(stage: Stage, more: str) -> None:
    crowd = stage.crowd
    shares = ", ".join(f"version {version} {count:,}" for version, count in sorted(crowd.answers.items()))
    failed = f"{crowd.failures.total():,} failed" if crowd.failures else "none failed"
    console.print(f"  {crowd.asked:,} requests in the meantime, {failed}: {shares}; {more}", markup=False)
    for reason, count in crowd.failures.most_common(3):
        console.print(f"  {count:,} times: {reason}", markup=False)
