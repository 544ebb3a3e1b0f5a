"""Reads stored rows as plain values, without pandas and schemas: for commands that must answer at once.

Rows were checked when they were written, and each part is checked against the SHA-256 of its pointer.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from matchday.lake.errors import LakeError
from matchday.lake.parts import PartFiles
from matchday.lake.pointer import Pointer
from matchday.lake.version import Version
from matchday.storage import Storage

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ATTEMPTS = 20
"""Attempts of a reader whose version was replaced and deleted meanwhile."""


class LakeReader:
    """Tables below one root by their names in paths, such as `team_form`. Raises LakeError for damaged ones."""

    def __init__(self, url: str) -> None:
        self.storage = Storage(url)
        self._files = PartFiles(self.storage)

    def fingerprint(self, table: str) -> str | None:
        """The fingerprint of a table's content; None when it was never written."""
        version = Pointer(self.storage, table).read()
        return version.fingerprint if version else None

    def fingerprints(self, tables: Iterable[str]) -> dict[str, str | None]:
        """The fingerprint of each table."""
        return {table: self.fingerprint(table) for table in tables}

    def intact(self, table: str) -> bool:
        """Whether the table is there with all its parts as they were written."""
        version = Pointer(self.storage, table).read()
        return version is not None and all(map(self._files.holds, version.parts))

    def seasons(self, table: str) -> dict[str, str]:
        """The fingerprint of each season that a table has rows of."""
        version = Pointer(self.storage, table).read()
        return {part.season: part.fingerprint for part in version.parts if part.season} if version else {}

    def rows(
        self, table: str, seasons: Iterable[str] | None = None, columns: Sequence[str] | None = None
    ) -> list[dict[str, Any]]:
        """The rows of a table, or of some of its seasons; none of a table that was never written.

        columns: those that are wanted, by default all.
        """
        wanted = None if seasons is None else set(seasons)
        for _ in range(ATTEMPTS):
            version = Pointer(self.storage, table).read()
            if version is None:
                return []
            try:
                return self._read(version, wanted, columns)
            except FileNotFoundError as missing:
                if Pointer(self.storage, table).read() == version:
                    raise LakeError(f"{self.storage.url}: a part of {table} is gone ({missing})") from None
        raise LakeError(f"{self.storage.url}: other processes keep writing table {table}; try again later")

    def _read(self, version: Version, seasons: set[str] | None, columns: Sequence[str] | None) -> list[dict[str, Any]]:
        parts = [part for part in version.parts if seasons is None or part.season in seasons]
        if not parts:
            return []
        found = pa.concat_tables([self._files.get(part) for part in parts])
        names = found.column_names if columns is None else list(columns)
        values = [_plain(found.column(name)) for name in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """Values of a column; moments as datetime in UTC. Made here, as pyarrow imports pandas to make them."""
    if not pa.types.is_timestamp(column.type):
        return list(column.to_pylist())
    return [None if one is None else EPOCH + timedelta(microseconds=one) for one in column.cast(pa.int64()).to_pylist()]
