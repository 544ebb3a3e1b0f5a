"""Feast definitions over the feature tables: at their addresses in the lake, or copied to local files for joins."""

from pathlib import Path

from feature_repo.definitions import Definitions, definitions
from matchday.features.tables import TABLES
from matchday.lake import Lake


def lake_definitions(lake: Lake) -> Definitions:
    """Definitions for the shared registry, which names the tables by their addresses in the lake.

    A table's address is its pointer file, since the Parquet files of a version lie in several folders: Feast shows the
    address and reads nothing from it; joins use `local_definitions`. Raises LakeError when there are no feature tables.
    """
    for table in TABLES:
        lake.parts(table)
    return definitions({table: lake.address(table).removeprefix("file://") for table in TABLES})


def local_definitions(lake: Lake, folder: Path) -> Definitions:
    """Definitions over copies of the tables below `folder`. Raises LakeError when there are no feature tables."""
    for table in TABLES:
        lake.download(table, folder / table.__name__)
    return definitions({table: str(folder / table.__name__ / "*.parquet") for table in TABLES})
