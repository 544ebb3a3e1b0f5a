"""Feature rows that the stream appended to the offline store, each with the moment when it was made.

    <lake>/streamed/team_form/season=2526/<time>-<id>.parquet

A row is never changed: what is known better later is a further row of the same key, with a later `created`. Files are
merged once there are many; whoever reads meanwhile sees a row once or twice, never not at all.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandera.pandas import DataFrameModel

from matchday.features.tables import TABLES
from matchday.features.team import Row
from matchday.storage import Storage
from matchday.tables import columns, name
from matchday.tables.arrow import from_arrow, schema
from matchday.tables.table import key

FOLDER = "streamed"

MOST_FILES = 48
"""Files of a season from which on they are merged."""

ATTEMPTS = 20
"""Attempts of a reader whose files were merged meanwhile."""

CREATED = pa.field("created", pa.timestamp("us", tz="UTC"))
REVISION = pa.field("revision", pa.int64())


class StreamedRows:
    """Appends and reads rows below a lake's root. Raises StorageError where it cannot be written."""

    def __init__(self, lake: str) -> None:
        self._storage = Storage(lake)
        self._waiting: dict[tuple[str, str], list[Row]] = defaultdict(list)
        self._counts: dict[str, int] = {}

    def append(self, table: type[DataFrameModel], rows: Iterable[Row], created: datetime, revision: int) -> None:
        """Take rows of a table; `flush` writes them. created: now. revision: of the facts that they are made of."""
        for row in rows:
            self._waiting[name(table), str(row["season"])].append({**row, "created": created, "revision": revision})

    @property
    def waiting(self) -> int:
        """Rows that are not written yet."""
        return sum(map(len, self._waiting.values()))

    def flush(self) -> None:
        """Write what was taken. What fails stays for the next time."""
        for (table, season), rows in list(self._waiting.items()):
            folder = f"{FOLDER}/{table}/season={season}"
            self._write(folder, pa.Table.from_pylist(rows, streamed_schema(_table(table))))
            del self._waiting[table, season]
            if folder not in self._counts:
                self._counts[folder] = len(self._paths(folder))
            self._counts[folder] += 1
            if self._counts[folder] > MOST_FILES:
                self._merge(folder)

    def read(self, table: type[DataFrameModel], seasons: Sequence[str] | None = None) -> pd.DataFrame:
        """Rows of a table with `created` and `revision`, in order of key, then created; each row once."""
        stored = self._load(f"{FOLDER}/{name(table)}", seasons)
        rows = from_arrow(table, stored)
        for field in (CREATED, REVISION):
            rows[field.name] = stored.column(field.name).to_pandas()
        return _once(table, rows)

    def newest(self, table: type[DataFrameModel], seasons: Sequence[str] | None = None) -> pd.DataFrame:
        """The row of each key that was made of the highest revision, with the columns of the table."""
        rows = self.read(table, seasons).sort_values(["revision", "created"], kind="stable")
        found = rows.drop_duplicates(key(table), keep="last")[columns(table)]
        return found.sort_values(["event_time", "team"], ignore_index=True)

    def _load(self, folder: str, seasons: Sequence[str] | None) -> pa.Table:
        empty = streamed_schema(_table(folder.split("/")[1])).empty_table()
        for _ in range(ATTEMPTS):
            paths = [path for path in self._paths(folder) if _is_of(path, seasons)]
            try:
                return pa.concat_tables([empty, *(self._get(path) for path in paths)])
            except FileNotFoundError:
                continue
        raise FileNotFoundError(self._storage.address(folder))

    def _paths(self, folder: str) -> list[str]:
        """The files of a folder in order; not the drafts of who writes one just now."""
        return sorted(path for path in self._storage.files(folder) if path.endswith(".parquet"))

    def _get(self, path: str) -> pa.Table:
        return pq.ParquetFile(pa.BufferReader(self._storage.read(path))).read()

    def _write(self, folder: str, rows: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink, compression="zstd", store_schema=False)
        made = rows.column("created")[0].value if len(rows) else 0
        self._storage.write(f"{folder}/{made:020}-{uuid4().hex[:12]}.parquet", sink.getvalue().to_pybytes())

    def _merge(self, folder: str) -> None:
        """Put all files into one. Those that another process merged meanwhile are left to it."""
        table = _table(folder.split("/")[1])
        found: dict[str, pa.Table] = {}
        for path in self._paths(folder):
            try:
                found[path] = self._get(path)
            except FileNotFoundError:
                continue
        if found:
            whole = pa.concat_tables(found.values())
            rows = from_arrow(table, whole)
            for field in (CREATED, REVISION):
                rows[field.name] = whole.column(field.name).to_pandas()
            merged = pa.Table.from_pandas(_once(table, rows), streamed_schema(table), preserve_index=False)
            self._write(folder, merged.replace_schema_metadata(None))
            self._storage.delete(found)
        self._counts[folder] = 1


def streamed_schema(table: type[DataFrameModel]) -> pa.Schema:
    """The Arrow schema of streamed rows of a table."""
    return schema(table).append(CREATED).append(REVISION)


def _once(table: type[DataFrameModel], rows: pd.DataFrame) -> pd.DataFrame:
    """Rows without those that say what the row of their key before them said."""
    ordered = rows.sort_values([*key(table), "created", "revision"], kind="stable", ignore_index=True)
    said = ordered[columns(table)]
    before = said.shift()
    same = (said == before) | (said.isna() & before.isna())  # what is unknown is equal here
    again = same.all(axis=1) & (ordered.index > 0) if len(said) else pd.Series(dtype=bool)
    return ordered[~again.astype(bool)].reset_index(drop=True)


def _table(wanted: str) -> type[DataFrameModel]:
    return next(table for table in TABLES if name(table) == wanted)


def _is_of(path: str, seasons: Sequence[str] | None) -> bool:
    return seasons is None or any(f"/season={one}/" in path for one in seasons)
