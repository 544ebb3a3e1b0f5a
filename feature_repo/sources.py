"""Where Feast finds the feature tables: in the lake, and as files of this machine, which its join needs."""

import pandera.pandas as pa

from feature_repo.definitions import Definitions, definitions
from feature_repo.error import FeatureStoreError
from matchday.features.tables import TABLES
from matchday.files import write_file
from matchday.lake import Lake
from matchday.settings import Settings

Parts = dict[type[pa.DataFrameModel], list[str]]


def in_the_lake(lake: Lake) -> Definitions:
    """Definitions over the lake's current feature tables, at their own addresses: what everybody may know.

    Raises LakeError when there are none.
    """
    return _over({table: [part.removeprefix("file://") for part in lake.parts(table)] for table in TABLES})


def on_this_machine(settings: Settings, lake: Lake) -> Definitions:
    """The same over files; those of a bucket are copied. Raises LakeError when there are none."""
    return _over({table: _files(settings, lake, table) for table in TABLES})


def _over(parts: Parts) -> Definitions:
    return definitions({table: _glob(addresses) for table, addresses in parts.items()})


def _files(settings: Settings, lake: Lake, table: type[pa.DataFrameModel]) -> list[str]:
    """Files of the table's current version; a version never changes, so a copy that is there is right."""
    parts = lake.parts(table)
    if "://" not in parts[0] or parts[0].startswith("file://"):
        return [part.removeprefix("file://") for part in parts]
    root = lake.storage.url.rstrip("/") + "/"
    copies = [settings.feast_folder / "lake" / part.removeprefix(root) for part in parts]
    for part, copy in zip(parts, copies, strict=True):
        if not copy.exists():
            write_file(copy, lake.storage.read(part.removeprefix(root)))
    return [str(copy) for copy in copies]


def _glob(parts: list[str]) -> str:
    """One pattern for the parts of a version, which differ in their season alone."""
    version = {part.rsplit("/", 2)[0] for part in parts}
    if len(version) != 1:
        raise FeatureStoreError(f"parts of one table lie in several places: {', '.join(sorted(version))}")
    return f"{version.pop()}/*/part.parquet"
