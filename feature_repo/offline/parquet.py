"""Parquet files as relations of DuckDB. Nothing is downloaded but the files: buckets are read through fsspec."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import duckdb
from duckdb import DuckDBPyConnection

from feature_repo.error import FeatureStoreError
from feature_repo.offline.source import ParquetSource


@dataclass(frozen=True)
class Relation:
    """The files of a source in SQL, as of one listing, and the names of their columns."""

    sql: str
    columns: tuple[str, ...]

    @classmethod
    def of(cls, connection: DuckDBPyConnection, source: ParquetSource) -> Self:
        """The files that there are now. A column that some of them lack is NULL in these.

        Raises FeatureStoreError when there are none, or when they cannot be read.
        """
        reach(connection, source)
        sql = f"read_parquet([{', '.join(map(text, source.files()))}], union_by_name = true)"
        try:
            described = connection.execute(f"DESCRIBE SELECT * FROM {sql}").fetchall()
        except duckdb.Error as why:
            raise FeatureStoreError(f"the Parquet files at {source.path} cannot be read: {why}") from why
        return cls(sql, tuple(str(column[0]) for column in described))


ROW = "file_index::BIGINT * 1099511627776 + file_row_number"
"""Number of a row: later files and later rows of a file have greater ones. DuckDB's virtual columns."""


@contextmanager
def connect(memory: str | None = None) -> Iterator[DuckDBPyConnection]:
    """A DuckDB of its own, in UTC.

    memory: how much it takes before it goes on in temporary files (`2GB`); by default four fifths of the machine's.
    """
    scratch = Path(tempfile.gettempdir()) / f"matchday-join-{uuid.uuid4().hex}"
    config: dict[str, Any] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    config["temp_directory"] = str(scratch)
    if memory:
        config["memory_limit"] = memory
    try:
        with duckdb.connect(config=config) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
    finally:
        if scratch.exists():
            shutil.rmtree(scratch, ignore_errors=True)


def arrow(connection: DuckDBPyConnection, sql: str) -> Any:
    """The result of a query as an Arrow table."""
    return connection.sql(sql).to_arrow_table()


def text(value: str) -> str:
    """A string in SQL."""
    return "'" + value.replace("'", "''") + "'"


def name(value: str) -> str:
    """A column's name in SQL."""
    return '"' + value.replace('"', '""') + '"'


def listing(parts: Sequence[str]) -> str:
    """Parts of a SELECT, each behind a comma."""
    return "".join(f", {part}" for part in parts)


def reach(connection: DuckDBPyConnection, source: ParquetSource) -> None:
    """Make DuckDB read a source's bucket through fsspec, at the source's endpoint."""
    if source.remote:
        scheme = source.path.split("://", 1)[0]
        if connection.filesystem_is_registered(scheme):
            connection.unregister_filesystem(scheme)
        connection.register_filesystem(source.filesystem())
