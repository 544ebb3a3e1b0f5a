"""Writes rows into Feast's SQLite layout: a table for each view, with a line for each entity and feature.

Each call is one transaction, kept in memory until it ends: readers wait for the commit alone. The file keeps SQLite's
rollback journal: a refill replaces it by name, and a write-ahead log would outlive the file that it belongs to.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from feature_repo.error import FeatureStoreError
from feature_repo.window import Window
from feature_repo.writers.counts import WriteCounts
from feature_repo.writers.row import EncodedRow, FeatureRow, content, encode
from matchday.feast_layout import StoreError, event_time, value_of
from matchday.feast_layout.moments import MILLION, wall_clock

BUSY_SECONDS = 30.0
"""How long to wait for another writer, and for readers."""

POLL_SECONDS = 0.002

ATTEMPTS = 10
"""How often the file may be replaced while a writer opens it."""

TEXTLESS = (1 << 3 | 2, 8 << 3)
"""Tags of values that Feast writes no text beside: bytes and moments."""

EARLIER, SAME, LATER = -1, 0, 1


class HeldRow(NamedTuple):
    """What the file holds of one entity in one view. values: feature -> Feast's bytes."""

    micros: int
    revision: int
    values: Mapping[str, bytes]
    derived: bool = False


class SqliteWriter:
    """Writes the rows of a Feast project. staged: into the draft of a refill."""

    def __init__(self, path: Path, project: str = "matchday", staged: bool = False) -> None:
        self.path = path
        self.project = project
        self.staged = staged
        self._file: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._tables: set[str] = set()

    def write(self, rows: Iterable[FeatureRow]) -> WriteCounts:
        """Write the rows; see `OnlineWriter`."""
        return self.write_encoded([encode(row) for row in rows])

    def write_encoded(self, rows: Iterable[EncodedRow]) -> WriteCounts:
        """Write the rows; see `OnlineWriter`."""
        orders = []
        with self.transaction() as file:
            for row in rows:
                held = self._held(file, row.view, row.entity)
                order = LATER if held is None else compare(row, held)
                if order == LATER:
                    self._write(file, row, held)
                orders.append(order)
        return WriteCounts(orders.count(LATER), orders.count(SAME), orders.count(EARLIER))

    def count_refills(self) -> int:
        """How often the file was refilled; see `OnlineWriter`."""
        if not self.path.exists():
            return 0
        try:
            return read_refills(self._open())
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise self._refusal(error) from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def adopt(self, former: "SqliteWriter", window: Window) -> None:
        """Take over from the file that this one is to replace what was streamed into it, where that is newer.

        former: in a transaction. Counts one refill more than there. Raises FeatureStoreError.
        """
        with self.transaction() as file:
            for row in former.streamed_rows(window):
                held = self._held(file, row.view, row.entity)
                if held is None or held.micros < row.micros:
                    self._write(file, row, held)
            refills = former.count_refills() + 1
            file.execute(f"PRAGMA user_version = {refills}")

    def streamed_rows(self, window: Window) -> Iterator[EncodedRow]:
        """Rows with event times in the window that no refill has written."""
        file = self._open()
        if not file.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (f"{self.project}:rows",)).fetchone():
            return
        marks = file.execute(
            f"SELECT view, entity_key, micros, revision, derived FROM {marks_name(self.project)}"  # noqa: S608
            " WHERE filled = 0 AND micros BETWEEN ? AND ?",
            window,
        ).fetchall()
        for view, entity, micros, revision, derived in marks:
            held = self._held(file, view, entity)
            if held is not None and (held.micros, held.revision) == (micros, revision):
                yield EncodedRow(view, None, entity, micros, revision, held.values, bool(derived))

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction on the file that has the name now; no other writer has one, and no refill replaces the file.

        Rolled back when the block raises. Raises FeatureStoreError.
        """
        try:
            file = self._begin()
            try:
                yield file
                file.execute("COMMIT")
            except BaseException:
                self.close()
                raise
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise self._refusal(error) from error

    def _begin(self) -> sqlite3.Connection:
        """Lock the file for writing. A refill replaces it only while it holds this lock itself."""
        for _ in range(ATTEMPTS):
            file = self._open()
            _lock(file)
            if self._identity == file_identity(self.path):
                return file
            self.close()
        raise OSError("it is replaced again and again")

    def _open(self) -> sqlite3.Connection:
        """The file, opened anew when another one has its name."""
        identity = file_identity(self.path)
        if self._file is None or self._identity != identity:
            self.close()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._identity = identity
            self._file = sqlite3.connect(
                self.path, isolation_level=None, check_same_thread=False, cached_statements=512
            )
            self._file.execute("PRAGMA cache_spill = OFF")
            self._tables = set()
        return self._file

    def _held(self, file: sqlite3.Connection, view: str, entity: bytes) -> HeldRow | None:
        """The row that the file holds of an entity; None without one, or when nobody could read its event time."""
        self._make_tables(file, view)
        found = file.execute(
            f"SELECT feature_name, value, event_ts FROM {table_name(self.project, view)} WHERE entity_key = ?",  # noqa: S608
            (entity,),
        ).fetchall()
        if not found:
            return None
        values = {name: value for name, value, _ in found}
        try:
            stored = max(found, key=lambda line: event_time(line[2]))[2]
        except StoreError:
            return None
        mark = file.execute(
            f"SELECT event_ts, micros, revision, derived FROM {marks_name(self.project)}"  # noqa: S608
            " WHERE view = ? AND entity_key = ?",
            (view, entity),
        ).fetchone()
        if mark is None or mark[0] != stored:
            return HeldRow(round(event_time(stored) * MILLION), 0, values)
        return HeldRow(mark[1], mark[2], values, bool(mark[3]))

    def _write(self, file: sqlite3.Connection, row: EncodedRow, held: HeldRow | None) -> None:
        table, entity = table_name(self.project, row.view), row.entity
        stored = wall_clock(row.micros)
        if held is None or held.values.keys() - row.values.keys():
            file.execute(f"DELETE FROM {table} WHERE entity_key = ?", (entity,))  # noqa: S608
        file.executemany(
            f"INSERT INTO {table} (entity_key, feature_name, value, value_text, event_ts) VALUES (?, ?, ?, ?, ?)"  # noqa: S608
            " ON CONFLICT (entity_key, feature_name) DO UPDATE SET value = excluded.value,"
            " value_text = excluded.value_text, event_ts = excluded.event_ts, created_ts = NULL",
            [(entity, name, value, _text(value), stored) for name, value in row.values.items()],
        )
        file.execute(
            f"REPLACE INTO {marks_name(self.project)} (view, entity_key, event_ts, micros, revision, filled, derived)"  # noqa: S608
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.view, entity, stored, row.micros, row.revision, self.staged, row.derived),
        )

    def _make_tables(self, file: sqlite3.Connection, view: str) -> None:
        """Make the tables of a view where there are none: Feast's, as Feast makes it, and that of the marks."""
        if view in self._tables:
            return
        file.execute(
            f"CREATE TABLE IF NOT EXISTS {table_name(self.project, view)} (entity_key BLOB, feature_name TEXT,"
            " value BLOB, value_text TEXT, vector_value BLOB, event_ts timestamp, created_ts timestamp,"
            " PRIMARY KEY (entity_key, feature_name))"
        )
        file.execute(
            f"CREATE TABLE IF NOT EXISTS {marks_name(self.project)} (view TEXT, entity_key BLOB, event_ts INTEGER,"
            " micros INTEGER, revision INTEGER, filled INTEGER, derived INTEGER, PRIMARY KEY (view, entity_key))"
            " WITHOUT ROWID"
        )
        self._tables.add(view)

    def _refusal(self, error: Exception) -> FeatureStoreError:
        return FeatureStoreError(f"the online store {self.path} cannot be written: {error}")


def compare(row: EncodedRow, held: HeldRow) -> int:
    """Whether a row is later than the one in the store, earlier or the same; see `feature_repo.writers.row`."""
    if row.derived and held.derived and row.revision != held.revision:
        return LATER if row.revision > held.revision else EARLIER
    ours, theirs = (row.micros, row.revision), (held.micros, held.revision)
    if ours != theirs:
        return LATER if ours > theirs else EARLIER
    if row.values == held.values:
        return SAME
    return LATER if content(row.view, row.values) > content(row.view, held.values) else EARLIER


def table_name(project: str, view: str) -> str:
    """Feast's table of a view, quoted."""
    return _quote(f"{project}_{view}")


def marks_name(project: str) -> str:
    """Our table of event times and revisions, quoted: no view can have its name."""
    return _quote(f"{project}:rows")


def read_refills(file: sqlite3.Connection) -> int:
    """How often the file was refilled."""
    return int(file.execute("PRAGMA user_version").fetchone()[0])


def _lock(file: sqlite3.Connection) -> None:
    """Begin to write, as soon as no other writer does. SQLite's own waiting would let a busy writer in again and again.

    The commit waits for readers, as SQLite does by itself.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    file.execute("PRAGMA busy_timeout = 0")
    while True:
        try:
            file.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
        else:
            file.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
            return


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def file_identity(path: Path) -> tuple[int, int] | None:
    """Which file has this name; None when there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _text(value: bytes) -> str | None:
    """The text that Feast writes beside a value."""
    if not value or value[0] in TEXTLESS:
        return None
    try:
        return str(value_of(value))
    except StoreError:
        return None
