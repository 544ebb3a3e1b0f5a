"""Opens Feast's feature store: `feature_store.yaml` with the addresses of `matchday.settings`."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import yaml
from feast import FeatureStore
from feast.repo_config import RepoConfig

from feature_repo import online, quiet, sources
from feature_repo.lineage import check_definitions, stamp
from feature_repo.online import Online
from matchday.files import write_file
from matchday.lake import Lake
from matchday.settings import Settings
from matchday.storage import Storage, adopt_region

FOLDER = Path(__file__).resolve().parent


def open_store(settings: Settings, as_of: datetime | None = None) -> FeatureStore:
    """The shared feature store: registry and online store of the settings.

    as_of: rows of the online store that are out of date at this moment are not read; None means now.
    """
    adopt_region()
    return _store(settings.feast_registry, online.current(settings).judged_at(as_of))


def apply(settings: Settings, lake: Lake) -> None:
    """Replace the shared registry by one of the current definitions with their lineage, in one step.

    Feast writes a registry in place, so this one is written to a temporary folder first. Raises FeatureVersionError
    when a published service has changed, LakeError when the lake has no feature tables, StorageError when the bucket
    of the registry cannot be written.
    """
    check_definitions(settings)
    definitions = sources.lake_definitions(lake)
    stamp(definitions, lake)
    with quiet.silence_feast(), tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "registry.db"
        _store(str(made), online.sqlite(Path(scratch) / "online.db")).apply([*definitions.all()])
        _publish(made.read_bytes(), settings.feast_registry)


@contextmanager
def working_store(settings: Settings, lake: Lake, into: Online | None = None) -> Iterator[FeatureStore]:
    """A temporary store over local copies of the tables, for joins and materialisation.

    into: the online store that it materialises into. Raises LakeError when the lake has no feature tables.
    """
    with quiet.silence_feast(), tempfile.TemporaryDirectory() as scratch:
        definitions = sources.local_definitions(lake, Path(scratch) / "tables")
        store = _store(str(Path(scratch) / "registry.db"), into or online.sqlite(Path(scratch) / "online.db"))
        store.apply([*definitions.all()])
        yield store


def _store(registry: str, rows: Online) -> FeatureStore:
    config = yaml.safe_load((FOLDER / "feature_store.yaml").read_text(encoding="utf-8"))
    config |= {"project": rows.project, "registry": registry, "online_store": rows.config}
    return FeatureStore(config=RepoConfig(**config, repo_path=FOLDER))


def _publish(registry: bytes, address: str) -> None:
    if "://" in address:
        folder, _, name = address.rpartition("/")
        Storage(folder).write(name, registry)
        return
    write_file(Path(address), registry)
