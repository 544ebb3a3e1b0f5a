"""Joins by Daft larger than memory: tables are cut into buckets of whole entities, joined one after the other."""

import math
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import daft
import pyarrow as pa
from daft import DataFrame, DataType, Schema, col, lit

from feature_repo.offline.distributed import align, empty, io_config, join_bucket, key_names, prepare, read_parquet
from feature_repo.offline.entities import EntityRows, time_column
from feature_repo.offline.lookup import Lookup
from feature_repo.offline.source import ParquetSource

ROW = "__row"
"""Number of a row of the caller's frame, which is returned in its order."""

BUCKET = "__bucket"
PART_BYTES = 16 * 2**20
"""Size of the files that rows are put down in before they are cut."""


@dataclass(frozen=True)
class DaftJoin:
    """Entity rows with the features of each view.

    rows: with a column `time` of their moments; numbered by ROW where they have an order. bucket_rows: how many rows of
    a table are joined at once. On Ray there are no buckets: Daft cuts the tables itself.
    """

    rows: DataFrame
    time: str
    lookups: Sequence[Lookup]
    until_known: bool
    bucket_rows: int

    def read(self) -> Any:
        """The rows as an Arrow table, in their order where they have one."""
        with tempfile.TemporaryDirectory(prefix="matchday-join-") as scratch:
            table = pa.concat_tables([part.to_arrow() for part in self._parts(Path(scratch))])
        return table.sort_by(ROW).drop_columns([ROW]) if ROW in table.column_names else table

    def write(self, target: ParquetSource) -> None:
        """Write the rows to a folder of Parquet files, bucket by bucket.

        What the folder held is deleted: on a disk when all is written, in a bucket before.
        """
        fs, folder = target.filesystem(), target.folder
        place = folder if target.remote else f"{folder}.{uuid.uuid4().hex}.draft"
        if target.remote and fs.exists(folder):
            fs.rm(folder, recursive=True)
        with tempfile.TemporaryDirectory(prefix="matchday-join-") as scratch:
            for part in self._parts(Path(scratch)):
                part.exclude(ROW).write_parquet(place, io_config=io_config(target))
        if not target.remote:
            if fs.exists(folder):
                fs.rm(folder, recursive=True)
            Path(place).rename(folder)

    def _parts(self, scratch: Path) -> Iterator[DataFrame]:
        """The result, in one part or in one for each bucket of the last view that was cut."""
        parts: Iterator[DataFrame] = iter([self.rows])
        for place, lookup in enumerate(self.lookups):
            parts = self._join(parts, lookup, scratch / str(place))
        return parts

    def _join(self, parts: Iterator[DataFrame], lookup: Lookup, scratch: Path) -> Iterator[DataFrame]:
        files = lookup.source.files()
        schema, count = lookup.source.footers(files)
        columns = lookup.names(schema.names)
        cuts = self._cuts(lookup, count)

        def source(chosen: Sequence[str]) -> DataFrame:
            return prepare(read_parquet(lookup.source, chosen, schema), lookup, columns)

        kinds = source(files[:1]).schema()
        if cuts == 1:
            for rows in parts:
                yield join_bucket(align(rows, lookup, kinds, self.time), source(files), lookup, self.until_known)
            return
        with daft.execution_config_ctx(parquet_target_filesize=PART_BYTES):
            for rows in parts:
                align(rows, lookup, kinds, self.time).write_parquet(str(scratch / "rows"))
        whole = sorted(str(file) for file in (scratch / "rows").glob("*.parquet"))
        given = daft.read_parquet(whole).schema()
        _cut((daft.read_parquet(file) for file in whole), key_names(lookup), cuts, scratch / "left")
        _cut((source([file]) for file in files), key_names(lookup), cuts, scratch / "right")
        for cut in range(cuts):
            left, right = (_bucket(scratch / side, cut, kind) for side, kind in (("left", given), ("right", kinds)))
            yield join_bucket(left, right, lookup, self.until_known)

    def _cuts(self, lookup: Lookup, count: int) -> int:
        if not lookup.keys or daft.get_or_infer_runner_type() == "ray":
            return 1
        return max(1, math.ceil(max(self._count, count) / self.bucket_rows))

    @cached_property
    def _count(self) -> int:
        return self.rows.count_rows()


def of_rows(rows: EntityRows) -> DataFrame:
    """Entity rows of a frame, numbered."""
    return daft.from_arrow(rows.table.append_column(ROW, pa.array(range(rows.table.num_rows), pa.int64())))


@dataclass(frozen=True)
class QueriedRows:
    """Entity rows that Daft's SQL gives when they are wanted. time: the column of their moments, UTC."""

    frame: DataFrame
    time: str

    @classmethod
    def of(cls, sql: str) -> Self:
        """The rows of a query, which may read Parquet files itself. Raises EntityTimestampInferenceException."""
        frame = daft.sql(sql)
        kinds = {field.name: field.dtype.to_arrow_dtype() for field in frame.schema()}
        time = time_column(kinds)
        unit = kinds[time].unit if pa.types.is_timestamp(kinds[time]) else "us"
        return cls(frame.with_column(time, col(time).cast(DataType.timestamp(unit, "UTC"))), time)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return self.frame.column_names

    def range(self) -> tuple[Any, Any]:
        """The first moment and the last."""
        times = self.frame.agg(col(self.time).min().alias("first"), col(self.time).max().alias("last")).to_pydict()
        return times["first"][0], times["last"][0]


def _cut(tables: Iterator[DataFrame], keys: list[str], cuts: int, folder: Path) -> None:
    """Put the rows of each table into folders by a hash of their keys; rows without a key go anywhere."""
    for table in tables:
        spread: Any = lit(0)
        for key in keys:  # the remainder first: as anything but UInt64, a hash would lose its last digits
            spread = spread + (col(key).hash() % lit(cuts)).cast(DataType.int64()).fill_null(0)
        table.with_column(BUCKET, spread % cuts).write_parquet(str(folder), partition_cols=[BUCKET])


def _bucket(folder: Path, cut: int, kinds: Schema) -> DataFrame:
    """The rows of one bucket."""
    files = sorted(str(file) for file in (folder / f"{BUCKET}={cut}").glob("*.parquet"))
    return daft.read_parquet(files) if files else empty(kinds)
