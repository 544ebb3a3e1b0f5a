"""Registries on SQLite for tests: MLflow's tables are made once in a process, and copied."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from matchday.registry import Registry
from matchday.registry.sqlite import PREFIX, sqlite_file


def prepare(tracking_uri: str) -> Registry:
    """An empty registry at a SQLite address that is not there yet."""
    file = sqlite_file(tracking_uri)
    assert file is not None and not file.exists()
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(_empty(), file)
    return Registry(tracking_uri)


@cache
def _empty() -> Path:
    """The file of an empty registry; MLflow needs seconds to make its tables."""
    file = Path(tempfile.mkdtemp(prefix="matchday-tests-")) / "mlflow.db"
    Registry(f"{PREFIX}{file}").models()
    return file
