"""Where Feast finds the feature tables: in the lake, and as files of this machine, which its join needs."""

from pathlib import Path

from feature_repo.definitions import Definitions, definitions
from matchday.features.tables import TABLES
from matchday.lake import Lake


def in_the_lake(lake: Lake) -> Definitions:
    """Definitions over the addresses of the tables in the lake: what everybody may know.

    A table's address is its pointer, since the Parquet files of a version lie in several folders: Feast shows it, and
    joins over `on_this_machine`. Raises LakeError when there are no feature tables.
    """
    for table in TABLES:
        lake.parts(table)
    return definitions({table: lake.address(table).removeprefix("file://") for table in TABLES})


def on_this_machine(lake: Lake, folder: Path) -> Definitions:
    """The same over copies below a folder. Raises LakeError when there are no feature tables."""
    for table in TABLES:
        lake.download(table, folder / table.__name__)
    return definitions({table: str(folder / table.__name__ / "*.parquet") for table in TABLES})
