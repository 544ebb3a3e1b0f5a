"""Feature rows that the stream appended to the offline store, each with the moment when it was made.

    <lake>/streamed/team_form/season=2526/<time>-<id>.parquet

A row is never changed: what is known better later is a further row of the same key, with a later `created`. With the
rows of a revision goes a mark, a row without a team: all rows from its event time on were made anew, and those of lower
revisions that were not are withdrawn. Files are merged once there are many; whoever reads meanwhile sees a row once or
twice, never not at all.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pandera.pandas import DataFrameModel

from matchday.features.tables import TEAM_TABLES
from matchday.features.team import Row
from matchday.lake.errors import LakeError
from matchday.storage import Storage
from matchday.tables import columns, name
from matchday.tables.arrow import from_arrow, schema
from matchday.tables.table import key

FOLDER = "streamed"

MOST_FILES = 48
"""Files of a season from which on they are merged."""

ATTEMPTS = 20
"""Attempts of a reader whose files were merged meanwhile."""

MARK = ""
"""In place of a team's name."""

CREATED = pa.field("created", pa.timestamp("us", tz="UTC"))
REVISION = pa.field("revision", pa.int64())


class StreamedRows:
    """Appends and reads rows below a lake's root. Raises StorageError where it cannot be written."""

    def __init__(self, lake: str) -> None:
        self._storage = Storage(lake)
        self._waiting: dict[tuple[type[DataFrameModel], str], list[Row]] = defaultdict(list)
        self._counts: dict[str, int] = {}

    def append(self, table: type[DataFrameModel], rows: Iterable[Row], created: datetime, revision: int) -> None:
        """Take rows of a table; `flush` writes them. created: now. revision: of the facts that they are made of."""
        for row in rows:
            self._waiting[table, str(row["season"])].append({**row, "created": created, "revision": revision})

    def mark(self, season: str, since: datetime, created: datetime, revision: int) -> None:
        """Note that all rows of teams of a season from a moment on are appended anew with this revision."""
        for table in TEAM_TABLES:
            mark: Row = {"season": season, "team": MARK, "event_time": since, "created": created, "revision": revision}
            self._waiting[table, season].append(mark)

    @property
    def waiting(self) -> int:
        """Rows that are not written yet."""
        return sum(map(len, self._waiting.values()))

    def flush(self) -> None:
        """Write what was taken. What fails stays for the next time."""
        for (table, season), rows in list(self._waiting.items()):
            folder = f"{FOLDER}/{name(table)}/season={season}"
            self._write(folder, pa.Table.from_pylist(rows, streamed_schema(table)))
            del self._waiting[table, season]
            if folder not in self._counts:
                self._counts[folder] = len(self._paths(folder))
            self._counts[folder] += 1
            if self._counts[folder] > MOST_FILES:
                self._merge(table, folder)

    def read(self, table: type[DataFrameModel], seasons: Sequence[str] | None = None) -> pd.DataFrame:
        """Rows of a table with `created` and `revision`, in order of key, then created; none that was withdrawn.

        A row that was made again with the same values is there once, with its first `created` and last `revision`.
        """
        rows, marks = _split(self._load(table, seasons))
        return _without_withdrawn(_once(table, _frame(table, rows)), marks)

    def newest(self, table: type[DataFrameModel], seasons: Sequence[str] | None = None) -> pd.DataFrame:
        """The row of each key that was made of the highest revision, with the columns of the table."""
        rows = self.read(table, seasons).sort_values(["revision", "created"], kind="stable")
        found = rows.drop_duplicates(key(table), keep="last")[columns(table)]
        return found.sort_values(["event_time", "team"], ignore_index=True)

    def _load(self, table: type[DataFrameModel], seasons: Sequence[str] | None) -> pa.Table:
        folder, empty = f"{FOLDER}/{name(table)}", streamed_schema(table).empty_table()
        for _ in range(ATTEMPTS):
            paths = [path for path in self._paths(folder) if _is_of(path, seasons)]
            try:
                return pa.concat_tables([empty, *(self._get(path) for path in paths)])
            except FileNotFoundError:
                continue
        raise LakeError(f"{self._storage.address(folder)}: its files are merged again and again; try again later")

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

    def _merge(self, table: type[DataFrameModel], folder: str) -> None:
        """Put all files into one. Those that another process merged meanwhile are left to it."""
        found: dict[str, pa.Table] = {}
        for path in self._paths(folder):
            try:
                found[path] = self._get(path)
            except FileNotFoundError:
                continue
        if found:
            rows, marks = _split(pa.concat_tables(found.values()))
            once = pa.Table.from_pandas(
                _once(table, _frame(table, rows)), streamed_schema(table), preserve_index=False
            ).replace_schema_metadata(None)
            self._write(folder, pa.concat_tables([once, marks]))
            self._storage.delete(found)
        self._counts[folder] = 1


def streamed_schema(table: type[DataFrameModel]) -> pa.Schema:
    """The Arrow schema of streamed rows of a table."""
    return schema(table).append(CREATED).append(REVISION)


def created_rows(table: type[DataFrameModel], rows: pd.DataFrame) -> pa.Table:
    """Rows with the columns of the table and `created`, as Feast's source has them."""
    wanted = schema(table).append(CREATED)
    return pa.Table.from_pandas(rows[wanted.names], wanted, preserve_index=False).replace_schema_metadata(None)


def _split(stored: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Rows, and marks."""
    marks = pc.equal(stored.column("team"), MARK)
    return stored.filter(pc.invert(marks)), stored.filter(marks)


def _frame(table: type[DataFrameModel], rows: pa.Table) -> pd.DataFrame:
    frame = from_arrow(table, rows)
    for field in (CREATED, REVISION):
        frame[field.name] = rows.column(field.name).to_pandas()
    return frame


def _once(table: type[DataFrameModel], rows: pd.DataFrame) -> pd.DataFrame:
    """Runs of rows that say the same of one key as one row, with its first `created` and its last `revision`."""
    ordered = rows.sort_values([*key(table), "created", "revision"], kind="stable", ignore_index=True)
    if ordered.empty:
        return ordered
    said = ordered[columns(table)]
    before = said.shift()
    same = (said == before) | (said.isna() & before.isna())  # what is unknown is equal here
    run = (~same.all(axis=1)).cumsum()
    first = ordered.drop(columns="revision").groupby(run).head(1).reset_index(drop=True)
    return first.assign(revision=ordered["revision"].groupby(run).max().to_numpy())


def _without_withdrawn(rows: pd.DataFrame, marks: pa.Table) -> pd.DataFrame:
    """Rows but for those that a mark of a higher revision has left out."""
    if rows.empty or not len(marks):
        return rows
    said = marks.select(["season", "event_time", "revision"]).to_pandas().sort_values("event_time")
    said["made_anew"] = said.groupby("season")["revision"].cummax()
    said["event_time"] = said["event_time"].astype(rows["event_time"].dtype)
    ordered = rows.reset_index().sort_values("event_time")
    found = pd.merge_asof(ordered, said[["season", "event_time", "made_anew"]], on="event_time", by="season")
    stays = ~(found["made_anew"] > found["revision"])
    return rows.loc[sorted(found.loc[stays, "index"])].reset_index(drop=True)


def _is_of(path: str, seasons: Sequence[str] | None) -> bool:
    return seasons is None or any(f"/season={one}/" in path for one in seasons)
