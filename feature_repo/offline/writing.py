"""Writes Parquet files of the offline store: whole or not at all."""

import io
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import dataset

from feature_repo.error import FeatureStoreError
from feature_repo.offline.source import ParquetSource
from matchday.files import replace_file
from matchday.storage import PreconditionFailed, conditional


def save(table: Any, target: ParquetSource) -> None:
    """Write a table to a file or a folder. What the folder held is deleted just before the new file appears."""
    if target.is_file:
        with _new_file(target, target.path) as file:
            pq.write_table(table, file)
        return
    fs, former = target.filesystem(), target.files() if target.exists() else []
    with _new_file(target, f"{target.folder}/{_name()}") as file:
        pq.write_table(table, file)
        for path in former:
            fs.rm_file(path)


def append(table: Any, target: ParquetSource) -> None:
    """Add rows: to the file, which is replaced, or as one more file of the folder.

    Columns may come in any order and take the types of those in the files. Two writers do not lose each other's rows.
    Raises FeatureStoreError for a pattern that would not find a new file of its folder.
    """
    if not target.is_file:
        path = f"{target.folder}/{_name()}"
        if target.path != target.folder and not fnmatch(path, target.path):
            raise FeatureStoreError(f"{target.path} would not find a new file of {target.folder}: write there yourself")
        with _new_file(target, path) as file:
            pq.write_table(table, file)
    elif target.remote:
        _append_to_object(table, target)
    else:
        with replace_file(Path(target.path)) as draft:
            pq.write_table(_joined(pq.read_table(target.path), table), draft)


def log(table: Any, target: ParquetSource, partition_by: list[str] | None) -> None:
    """Add rows to a folder, in subfolders by the values of some columns."""
    dataset.write_dataset(
        table,
        base_dir=target.path.removeprefix("s3://"),
        basename_template=f"{uuid.uuid4().hex}-{{i}}.parquet",
        partitioning=partition_by or None,
        filesystem=target.filesystem(),
        format="parquet",
        existing_data_behavior="overwrite_or_ignore",
    )


def _append_to_object(table: Any, target: ParquetSource) -> None:
    """Read, join and write anew until no other writer came between."""
    fs = target.filesystem()
    while True:
        content, tag = conditional.read_object(fs, target.path)
        buffer = io.BytesIO()
        pq.write_table(_joined(pq.read_table(io.BytesIO(content)), table), buffer)
        try:
            conditional.replace_object_if(fs, target.path, buffer.getvalue(), tag)
        except PreconditionFailed:
            continue
        return


def _joined(former: Any, table: Any) -> Any:
    """Former rows, then new ones; a column that either lacks is null there."""
    common = [field for field in former.schema if field.name in table.column_names]
    cast = {field.name: table[field.name].cast(field.type) for field in common}
    columns = {each: cast.get(each, table[each]) for each in table.column_names}
    return pa.concat_tables([former, pa.table(columns)], promote_options="default")


@contextmanager
def _new_file(target: ParquetSource, path: str) -> Iterator[Any]:
    """A place to write a file to, which appears when the block ends without an exception."""
    if target.remote:
        buffer = io.BytesIO()
        yield buffer
        target.filesystem().pipe_file(path, buffer.getvalue())
    else:
        with replace_file(Path(path)) as draft:
            yield draft


def _name() -> str:
    """A new file's name, later ones after earlier ones."""
    return f"written-{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.parquet"
