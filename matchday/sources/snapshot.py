"""The bundled history: one Parquet file for each table, and the checksum of each."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandera.pandas import DataFrameModel

from matchday.errors import MatchdayError
from matchday.files import write_file
from matchday.tables import Appearances, Availability, Fixtures, Matches, Players, Teams, name, validate
from matchday.tables.arrow import from_arrow, to_arrow

TABLES: tuple[type[DataFrameModel], ...] = (Appearances, Availability, Fixtures, Matches, Players, Teams)
"""The tables of the bundled history."""

SUMS = "SHA256SUMS"
ROWS_OF_A_GROUP = 65_536
REMEDY = "restore it with 'git checkout -- data' or rebuild it with 'matchday data build'"


class SnapshotError(MatchdayError):
    """The bundled history is not what was committed. Names the file and the remedy."""


class Snapshot:
    """A folder with the bundled history."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def verify(self) -> dict[str, str]:
        """The sha256 of each file by name, all as listed.

        Raises SnapshotError for a missing, truncated or altered file, and for a list that lacks a table.
        """
        listed = self._listed()
        for table in TABLES:
            self._content(table, listed)
        return listed

    def load(self, table: type[DataFrameModel], seasons: Sequence[str] | None = None) -> pd.DataFrame:
        """One table, checked against its checksum and its schema; all of it, or the rows of some seasons.

        Raises SnapshotError, also when it has no rows of a season, and TableError.
        """
        if table not in TABLES:
            raise SnapshotError(f"the bundled history has no table {name(table)}")
        content = self._content(table, self._listed())
        chosen = pq.read_table(pa.BufferReader(content), filters=[("season", "in", list(seasons))] if seasons else None)
        rows = validate(table, from_arrow(table, chosen))
        if lacking := sorted(set(seasons or ()) - set(rows["season"] if seasons else ())):
            raise SnapshotError(f"{self.folder / file(table)}: has no rows of season {', '.join(lacking)}; {REMEDY}")
        return rows

    def _listed(self) -> dict[str, str]:
        path = self.folder / SUMS
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            return {file: digest for digest, file in (line.split("  ", 1) for line in lines if line)}
        except (OSError, ValueError) as why:
            raise SnapshotError(f"{path}: cannot be read ({why}); {REMEDY}") from None

    def _content(self, table: type[DataFrameModel], listed: Mapping[str, str]) -> bytes:
        path = self.folder / file(table)
        try:
            content = path.read_bytes()
        except OSError as why:
            raise SnapshotError(f"{path}: cannot be read ({why.strerror}); {REMEDY}") from None
        if hashlib.sha256(content).hexdigest() != listed.get(path.name):
            raise SnapshotError(f"{path}: is not the file listed in {SUMS} ({len(content):,} bytes found); {REMEDY}")
        return content


def file(table: type[DataFrameModel]) -> str:
    """The file name of a table."""
    return f"{name(table)}.parquet"


def write(folder: Path, frames: Mapping[type[DataFrameModel], pd.DataFrame]) -> None:
    """Write tables and their checksums, every one validated before the first byte is written.

    The same frames give the same bytes with the same pa. Raises TableError, or SnapshotError when the folder
    cannot be written.
    """
    contents = {file(table): _parquet(table, validate(table, frame)) for table, frame in frames.items()}
    sums = "".join(f"{hashlib.sha256(contents[one]).hexdigest()}  {one}\n" for one in sorted(contents))
    try:
        for one, content in {**contents, SUMS: sums.encode()}.items():
            write_file(folder / one, content)
    except OSError as why:
        raise SnapshotError(f"{folder}: the snapshot cannot be written there ({why.strerror})") from None


def _parquet(table: type[DataFrameModel], frame: pd.DataFrame) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(
        to_arrow(table, frame),
        sink,
        version="2.6",
        compression="zstd",
        compression_level=19,
        row_group_size=ROWS_OF_A_GROUP,
        store_schema=False,
    )
    return bytes(sink.getvalue().to_pybytes())
