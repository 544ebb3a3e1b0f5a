"""Feast's SQLite online store, read without Feast.

Feast keeps one table per feature view, `<project>_<view>`, with a row per entity and feature:
entity_key, feature_name, value (protobuf), event_ts (see `matchday.feast_layout.moments`).
"""

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from matchday.feast_layout import Values, entity_key, event_time, key_of
from serving.features.store import Key, Row, Rows, StoreError, Value, Views

BUSY_SECONDS = 0.25
"""How long a read waits for a writer that is committing."""
BUSY_PAUSE = 0.01


class BusyError(StoreError):
    """A writer holds the file."""


class HalfWrittenError(StoreError):
    """A writer was killed while it wrote to the file."""


PASSING: dict[int | None, type[StoreError]] = {
    sqlite3.SQLITE_BUSY: BusyError,
    sqlite3.SQLITE_READONLY_ROLLBACK: HalfWrittenError,
}
"""Errors of SQLite after which a read is tried again."""


class SqliteStore:
    """Read-only view of the file. Opened when first read; reopened when the file is replaced."""

    def __init__(self, path: Path, project: str = "matchday") -> None:
        self.path = path
        self.project = project
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._values = Values()

    async def read(self, join_key: str, keys: Iterable[Key], views: Views) -> Rows:
        """The rows of the entities, in one statement and so of one moment."""
        names = {entity_key(join_key, key): key for key in keys}
        if not names or not views:
            return Rows()
        marks = ",".join("?" * len(names))
        statement = " UNION ALL ".join(
            f"SELECT ?,entity_key,feature_name,value,event_ts"  # noqa: S608
            f" FROM {self._table(view)} WHERE entity_key IN ({marks})"
            for view in views
        )
        arguments = [item for view in views for item in (view, *names)]
        return self._rows(await self._ask(statement, arguments), names, views)

    async def keys(self, join_key: str, views: Iterable[str]) -> list[Key]:
        """Every entity of the views, sorted."""
        statement = " UNION ".join(f"SELECT DISTINCT entity_key FROM {self._table(view)}" for view in views)  # noqa: S608
        found = [_key_of(row[0], join_key) for row in await self._ask(statement, [])]
        return sorted((key for key in found if key is not None), key=str)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _table(self, view: str) -> str:
        return '"' + f"{self.project}_{view}".replace('"', '""') + '"'

    async def _ask(self, statement: str, arguments: Sequence[object]) -> list[tuple[Any, ...]]:
        """Run a statement; while a writer commits, others get the event loop."""
        for _ in range(round(BUSY_SECONDS / BUSY_PAUSE)):
            try:
                return self._run(statement, arguments)
            except HalfWrittenError:
                self._roll_back()
            except BusyError:
                await asyncio.sleep(BUSY_PAUSE)
        return self._run(statement, arguments)

    def _run(self, statement: str, arguments: Sequence[object]) -> list[tuple[Any, ...]]:
        try:
            return self._connect().execute(statement, arguments).fetchall()
        except (sqlite3.Error, OSError) as error:
            self.close()
            kind = PASSING.get(getattr(error, "sqlite_errorcode", None), StoreError)
            raise kind(self._explain(error)) from None

    def _roll_back(self) -> None:
        """Undo what a killed writer has left half written, which takes a connection that may write."""
        with suppress(sqlite3.Error), closing(sqlite3.connect(self.path, timeout=0)) as file:
            file.execute("PRAGMA schema_version").fetchone()

    def _connect(self) -> sqlite3.Connection:
        """The open file, looked at each time whether it is still the one of this name: 2 microseconds."""
        status = self.path.stat()
        file = (status.st_dev, status.st_ino)
        if self._connection is None or file != self._file:
            self.close()
            uri = f"{self.path.resolve().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(uri, uri=True, timeout=0, check_same_thread=False)
            self._file = file
        return self._connection

    def _rows(self, found: Iterable[tuple[Any, ...]], names: dict[bytes, Key], views: Views) -> Rows:
        values: dict[tuple[str, Key], dict[str, Value]] = {}
        times: dict[tuple[str, Key], set[float]] = {}
        rows = Rows()
        for view, key, feature, value, stored in found:
            if feature in views[view]:
                place = (view, names[key])
                try:
                    values.setdefault(place, dict.fromkeys(views[view]))[feature] = self._values[value]
                    times.setdefault(place, set()).add(event_time(stored))
                except (StoreError, TypeError) as error:
                    rows.unreadable[place] = f"{error}, in view {view} of {names[key]}"
        for place, row in values.items():
            if place not in rows.unreadable:
                rows[place] = Row(row, min(times[place]), max(times[place]))
        return rows

    def _explain(self, error: Exception) -> str:
        if isinstance(error, FileNotFoundError):
            return f"the online store {self.path} does not exist: materialise the features first"
        if "no such table" in str(error):
            table = str(error).rpartition(": ")[2]
            return f"the online store {self.path} has no table {table}: apply and materialise the features"
        return f"the online store {self.path} cannot be read: {error}"


def _key_of(raw: bytes, join_key: str) -> Key | None:
    """The entity of a row, None when its name cannot be read."""
    try:
        return key_of(raw, join_key)
    except (StoreError, TypeError):
        return None
