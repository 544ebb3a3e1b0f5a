"""Facts in a SQLite file beside the online store."""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from feature_repo.error import FeatureStoreError
from feature_repo.stream.fact_store import Changes, Position, Progress
from feature_repo.stream.facts import Fact, highest

BUSY_SECONDS = 30.0

TABLES = """
CREATE TABLE IF NOT EXISTS facts (match TEXT, subject TEXT, stored BLOB, PRIMARY KEY (match, subject)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS matches (season TEXT, version INTEGER, match TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seasons (season TEXT PRIMARY KEY, version INTEGER, made INTEGER, until REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS offsets (topic TEXT, part INTEGER, next INTEGER, PRIMARY KEY (topic, part)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""

KEEP = """
INSERT INTO facts VALUES (?, ?, ?)
ON CONFLICT (match, subject) DO UPDATE SET stored = excluded.stored WHERE excluded.stored > stored
"""


class SqliteFacts:
    """See `FactStore`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: sqlite3.Connection | None = None

    def put(self, facts: Sequence[Fact]) -> int:
        """As `FactStore.put`; one transaction."""
        kept, changed = 0, set()
        with self._transaction() as rows:
            for fact in highest(list(facts)):
                if rows.execute(KEEP, (fact.match, fact.subject, fact.stored)).rowcount:
                    kept += 1
                    changed.add(fact.match)
            for season in sorted({match[:4] for match in changed}):
                [(version,)] = rows.execute(
                    "INSERT INTO seasons VALUES (?, ?, 0, 0) ON CONFLICT (season)"
                    " DO UPDATE SET version = max(version + 1, excluded.version) RETURNING version",
                    (season, round(time.time() * 1000)),
                ).fetchall()
                rows.executemany(
                    "INSERT OR REPLACE INTO matches VALUES (?, ?, ?)",
                    [(season, version, match) for match in changed if match[:4] == season],
                )
        return kept

    def changes(self, season: str, since: int) -> Changes:
        """As `FactStore.changes`."""
        found: dict[str, dict[str, bytes]] = {}
        with self._transaction() as rows:
            version = rows.execute("SELECT version FROM seasons WHERE season = ?", (season,)).fetchone()
            read = rows.execute(
                "SELECT facts.match, subject, stored FROM matches JOIN facts ON facts.match = matches.match"
                " WHERE season = ? AND version > ?",
                (season, since),
            )
            for match, subject, stored in read:
                found.setdefault(match, {})[subject] = stored
        return Changes(version[0] if version else 0, found)

    def version(self, season: str) -> int:
        """As `FactStore.version`."""
        with self._transaction() as rows:
            found = rows.execute("SELECT version FROM seasons WHERE season = ?", (season,)).fetchone()
        return int(found[0]) if found else 0

    def seasons(self) -> list[str]:
        """As `FactStore.seasons`."""
        with self._transaction() as rows:
            return [season for (season,) in rows.execute("SELECT season FROM seasons ORDER BY season")]

    def progress(self, season: str) -> Progress:
        """As `FactStore.progress`."""
        with self._transaction() as rows:
            found = rows.execute("SELECT made, until FROM seasons WHERE season = ?", (season,)).fetchone()
        return Progress(*found) if found else Progress()

    def note_progress(self, season: str, progress: Progress) -> None:
        """As `FactStore.note_progress`."""
        with self._transaction() as rows:
            rows.execute(
                "UPDATE seasons SET made = max(made, ?), until = max(until, ?) WHERE season = ?", (*progress, season)
            )

    def offsets(self) -> dict[Position, int]:
        """As `FactStore.offsets`."""
        with self._transaction() as rows:
            return {(topic, part): after for topic, part, after in rows.execute("SELECT * FROM offsets")}

    def note_offsets(self, offsets: Mapping[Position, int]) -> None:
        """As `FactStore.note_offsets`."""
        with self._transaction() as rows:
            rows.executemany(
                "INSERT INTO offsets VALUES (?, ?, ?)"
                " ON CONFLICT (topic, part) DO UPDATE SET next = max(next, excluded.next)",
                [(*position, after) for position, after in offsets.items()],
            )

    def forget_offsets(self, positions: Sequence[Position]) -> None:
        """As `FactStore.forget_offsets`."""
        with self._transaction() as rows:
            rows.executemany("DELETE FROM offsets WHERE topic = ? AND part = ?", positions)

    def note(self, name: str, value: str | None = None) -> str:
        """As `FactStore.note`."""
        with self._transaction() as rows:
            if value is not None:
                rows.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))
            found = rows.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else ""

    def close(self) -> None:
        """Close the file."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            rows = self._connect()
            rows.execute("BEGIN IMMEDIATE")
            try:
                yield rows
            except BaseException:
                rows.execute("ROLLBACK")
                raise
            rows.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise FeatureStoreError(f"the facts of the stream, {self._path}, cannot be used: {error}") from error

    def _connect(self) -> sqlite3.Connection:
        if self._opened is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._opened = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
            self._opened.execute("PRAGMA journal_mode = WAL")
            self._opened.execute("PRAGMA synchronous = NORMAL")
            self._opened.executescript(TABLES)
        return self._opened
