"""Pipelines as IR YAML: `pipelines/compiled/` holds what the sources say, and CI sees to it."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kfp import compiler

from matchday.errors import MatchdayError
from pipelines.train_match_outcome import train_match_outcome

COMPILED = Path(__file__).resolve().parent / "compiled"
PIPELINES: dict[str, Callable[..., Any]] = {"train-match-outcome": train_match_outcome}


class StaleError(MatchdayError):
    """A compiled pipeline is not what its source says."""


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
