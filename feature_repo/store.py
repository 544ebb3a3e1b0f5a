"""The feature store of this environment: `feature_store.yaml` with the places of `matchday.settings`."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandera.pandas as pa
import yaml
from feast import FeatureStore
from feast.repo_config import RepoConfig

from feature_repo.definitions import Definitions, definitions
from matchday.errors import MatchdayError
from matchday.features.tables import TABLES
from matchday.lake import Lake
from matchday.settings import Settings

FOLDER = Path(__file__).resolve().parent


class FeatureStoreError(MatchdayError):
    """The feature store cannot be written or lacks what was asked for."""


def open_store(settings: Settings, registry: Path | None = None, online: Path | None = None) -> FeatureStore:
    """Feast's store. registry, online: other files than those of the settings."""
    config = yaml.safe_load((FOLDER / "feature_store.yaml").read_text(encoding="utf-8"))
    config["registry"] = str(registry or registry_file(settings))
    config["online_store"]["path"] = str(online or settings.online_store)
    return FeatureStore(config=RepoConfig(**config, repo_path=FOLDER))


def registry_file(settings: Settings) -> Path:
    """Feast's registry, beside the online store."""
    return settings.online_store.parent / "registry.db"


def current_definitions(settings: Settings, lake: Lake) -> Definitions:
    """Definitions over the current version of the lake's feature tables. Raises LakeError when there is none."""
    return definitions({table: _glob(_local(settings, lake, table)) for table in TABLES})


def apply(settings: Settings, lake: Lake) -> FeatureStore:
    """Bring Feast's registry to the current definitions; the store, opened.

    Feast writes its registry in place: it is made beside the former one, which it then replaces.
    """
    settings.online_store.parent.mkdir(parents=True, exist_ok=True)
    with replaced(registry_file(settings)) as registry, tempfile.TemporaryDirectory() as scratch:
        store = open_store(settings, registry, Path(scratch) / "online.db")
        store.apply([*current_definitions(settings, lake).all()])
    return open_store(settings)


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


def _local(settings: Settings, lake: Lake, table: type[pa.DataFrameModel]) -> list[str]:
    """Files of the table's current version on this machine; those of a bucket are copied beside the online store."""
    parts = lake.parts(table)
    if "://" not in parts[0] or parts[0].startswith("file://"):
        return [part.removeprefix("file://") for part in parts]
    root = lake.storage.url.rstrip("/") + "/"
    copies = [settings.online_store.parent / "lake" / part.removeprefix(root) for part in parts]
    for part, copy in zip(parts, copies, strict=True):
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            with replaced(copy) as beside:
                beside.write_bytes(lake.storage.read(part.removeprefix(root)))
    return [str(copy) for copy in copies]


def _glob(parts: list[str]) -> str:
    """One pattern for the parts of a version, which differ in their season alone."""
    version = {part.rsplit("/", 2)[0] for part in parts}
    if len(version) != 1:
        raise FeatureStoreError(f"parts of one table lie in several places: {', '.join(sorted(version))}")
    return f"{version.pop()}/*/part.parquet"
