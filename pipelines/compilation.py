"""Pipelines as IR YAML: `pipelines/compiled/` holds what the sources say, and CI sees to it."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kfp import compiler, dsl
from kfp.dsl.pipeline_context import Pipeline

from matchday.errors import MatchdayError
from matchday.models.catalogue import KINDS
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.player_points.kind import PLAYER_POINTS
from matchday.models.total_goals.kind import TOTAL_GOALS
from pipelines.placement import Placement
from pipelines.season import forecast_coming, ingest_sources, materialise_features
from pipelines.training import train_match_outcome, train_player_points, train_total_goals

COMPILED = Path(__file__).resolve().parent / "compiled"
PIPELINES: dict[str, Callable[..., Any]] = {
    MATCH_OUTCOME.pipeline: train_match_outcome,
    PLAYER_POINTS.pipeline: train_player_points,
    TOTAL_GOALS.pipeline: train_total_goals,
    "ingest": ingest_sources,
    "materialise": materialise_features,
    "forecast": forecast_coming,
}
TRAINING = frozenset(kind.pipeline for kind in KINDS.values())
"""The pipelines that train a model. They take the moment after the last match where none is given, others now."""


class StaleError(MatchdayError):
    """A compiled pipeline is not what its source says."""


class UnknownError(MatchdayError):
    """A pipeline that is not there."""


def compile_all(folder: Path = COMPILED) -> list[Path]:
    """Write the IR YAML of every pipeline; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}.yaml" for name in PIPELINES]
    for file, pipeline in zip(files, PIPELINES.values(), strict=True):
        compiler.Compiler().compile(pipeline, str(file))
    return files


def check_compiled(folder: Path = COMPILED) -> None:
    """Raises StaleError, naming the file, unless `folder` holds what the sources compile to now."""
    with tempfile.TemporaryDirectory() as fresh:
        for file in compile_all(Path(fresh)):
            kept = folder / file.name
            if not kept.is_file() or kept.read_text(encoding="utf-8") != file.read_text(encoding="utf-8"):
                raise StaleError(f"{kept.name} is stale: run 'make compile' and commit it")


def compile_for_cluster(name: str, placement: Placement, file: Path) -> None:
    """Write the IR YAML of a pipeline whose every task is placed. Raises UnknownError for a name that is none."""
    compiler.Compiler().compile(_placed(_known(name), placement), str(file))


def _placed(pipeline: Any, placement: Placement) -> Any:
    """The same page, with each of its tasks placed."""

    @dsl.pipeline(name=pipeline.name, description=pipeline.description)
    @functools.wraps(pipeline.pipeline_func)
    def placed(*arguments: Any) -> None:
        pipeline.pipeline_func(*arguments)
        for task in Pipeline.get_default_pipeline().tasks.values():
            placement.place(task)

    return placed


def _known(name: str) -> Any:
    if name not in PIPELINES:
        raise UnknownError(f"no pipeline {name}; there are: {', '.join(PIPELINES)}")
    return PIPELINES[name]
