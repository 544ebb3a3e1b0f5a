"""The feature store of this environment: `feature_store.yaml` with the places of `matchday.settings`."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from feast import FeatureStore
from feast.repo_config import RepoConfig

from feature_repo.definitions import TABLES, Definitions, definitions
from matchday.errors import MatchdayError
from matchday.lake import Lake
from matchday.settings import Settings

FOLDER = Path(__file__).resolve().parent


class FeatureStoreError(MatchdayError):
    """The feature store cannot be written or lacks what was asked for."""


def open_store(settings: Settings, online: Path | None = None) -> FeatureStore:
    """Feast's store. online: another SQLite file than the one of the settings."""
    config = yaml.safe_load((FOLDER / "feature_store.yaml").read_text(encoding="utf-8"))
    place = settings.online_store.parent
    config["registry"] = str(place / "registry.db")
    config["online_store"]["path"] = str(online or settings.online_store)
    return FeatureStore(config=RepoConfig(**config, repo_path=FOLDER))


def current_definitions(lake: Lake) -> Definitions:
    """Definitions over the current version of the lake's feature tables. Raises LakeError when there is none."""
    return definitions({table: _glob(lake.parts(table)) for table in TABLES})


def apply(settings: Settings, lake: Lake) -> FeatureStore:
    """Bring Feast's registry to the current definitions; the store, opened."""
    settings.online_store.parent.mkdir(parents=True, exist_ok=True)
    store = open_store(settings)
    store.apply([*current_definitions(lake).all()])
    return store


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A file to write beside `path` that takes its place when all went well; else `path` stays as it was.

    One writer at a time: what lies beside `path` when the next one comes was left by one that was killed.
    """
    beside = path.with_name(f".{path.name}.new")
    with (path.parent / f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in path.parent.glob(f"{beside.name}*"):
            left.unlink()
        try:
            yield beside
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)


def _glob(parts: list[str]) -> str:
    """One pattern for the parts of a version, which differ in their season alone."""
    version = {part.rsplit("/", 2)[0] for part in parts}
    if len(version) != 1:
        raise FeatureStoreError(f"parts of one table lie in several places: {', '.join(sorted(version))}")
    return f"{version.pop()}/*/part.parquet"
