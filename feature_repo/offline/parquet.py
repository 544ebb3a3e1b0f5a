"""Parquet files as relations of DuckDB. Nothing is downloaded but the files: buckets are read through fsspec."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
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
def connect(memory: str | None = None, own: bool = True) -> Iterator[DuckDBPyConnection]:
    """A session of DuckDB, in UTC.

    memory: how much it takes before it goes on in temporary files (`2GB`); by default four fifths of the machine's.
    own: in a database of its own, which buckets need, as file systems belong to a database. The shared one of the
    process begins 13 ms sooner.
    """
    with _database(memory) if own else _shared_database(memory, os.getpid()).session() as session:
        session.execute("SET TimeZone = 'UTC'")
        yield session


class _Database:
    """A database in memory. Its temporary files go with it, at the latest when the process ends."""

    def __init__(self, memory: str | None) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="matchday-join-")
        config: dict[str, Any] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
        config["temp_directory"] = str(Path(self._scratch.name) / "spilled")
        if memory:
            config["memory_limit"] = memory
        self._connection = duckdb.connect(config=config)

    def session(self) -> DuckDBPyConnection:
        """A new session: its temporary tables and registered tables are its own."""
        return self._connection.cursor()

    def close(self) -> None:
        """End the database and delete its files."""
        self._connection.close()
        self._scratch.cleanup()


@cache
def _shared_database(memory: str | None, process: int) -> _Database:
    """The database that the sessions of a process share. A forked process needs its own."""
    return _Database(memory)


@contextmanager
def _database(memory: str | None) -> Iterator[DuckDBPyConnection]:
    with closing(_Database(memory)) as database, database.session() as session:
        yield session


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
