"""Feast definitions over the feature tables: at their addresses in the lake, or copied to local files for joins."""

from pathlib import Path

import pyarrow.parquet as pq

from feature_repo.definitions import Definitions, definitions
from feature_repo.streamed import StreamedRows, created_rows
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
    """Definitions over copies of the tables below `folder`. Raises LakeError when there are no feature tables.

    Rows that were streamed follow on those of the tables, which speak for every moment that they reach.
    """
    streamed = StreamedRows(lake.storage.url)
    for table in TABLES:
        place = folder / table.__name__
        lake.download(table, place)
        rows = streamed.read(table)
        later = rows if rows.empty else rows[rows["event_time"] > lake.read(table)["event_time"].max()]
        pq.write_table(created_rows(table, later), place / "streamed.parquet")
    return definitions({table: str(folder / table.__name__ / "*.parquet") for table in TABLES})
