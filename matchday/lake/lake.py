"""Where tables live: Parquet parts for each season below one root, and a pointer for each table.

    <root>/lake.json                                  the lake's identity
    <root>/matches/current.json                       the pointer: the current version's fingerprint and its parts
    <root>/matches/v7/season=2526/<sha256>.parquet    a part that version 7 brought
    <root>/matches/v7/<sha256>.parquet                the same of a table without seasons

A writer puts new parts first, then replaces the pointer by compare-and-swap: when another writer was faster, it starts
again from that one's version. Whatever is killed half way, readers see a whole version. Seasons that did not change
keep their parts. Parts have a season column: read them by `Lake.read`, or with hive partitioning off.
Why: docs/decisions/0012-tables-are-replaced-by-compare-and-swap.md
"""

import random
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pyarrow as pa
from pandera.pandas import DataFrameModel

from matchday.lake import contents, garbage
from matchday.lake.contents import Contents
from matchday.lake.errors import LakeError
from matchday.lake.identity import check_conditional_writes, identity
from matchday.lake.parts import PartFiles
from matchday.lake.pointer import Pointer
from matchday.lake.version import Part, Version
from matchday.storage import PreconditionFailed, Storage, StorageError
from matchday.tables import columns, name
from matchday.tables.arrow import from_arrow, schema
from matchday.tables.fingerprint import combine

ATTEMPTS = 200
"""Attempts of a writer who finds the pointer changed, and of a reader whose version was deleted meanwhile."""

PAUSE_SECONDS = 0.2
"""Longest pause of a writer before it starts again."""

Loaded = TypeVar("Loaded")


class Lake:
    """Tables below one root, `file://` (or a path) or `s3://`; see `matchday.storage.Storage`.

    Any number of processes may write at once: each write takes effect whole, before or after each other one, and none
    is lost. Every writing method returns the table's new fingerprint, leaves content alone that is there already, and
    raises TableError before anything is written when rows break the table's schema, StorageError when the root cannot
    be written, LakeError when other processes never cease to write the table.
    """

    def __init__(self, url: str) -> None:
        self.storage = Storage(url)
        self._files = PartFiles(self.storage)
        self._checked = False

    def write(self, table: type[DataFrameModel], frame: pd.DataFrame) -> str:
        """Make the frame the table's content. Rows are kept in order within a season, seasons ascending."""
        rows = contents.by_season(table, frame)
        return self._commit(table, lambda version: contents.replace_all(self._files, version, rows))

    def write_seasons(self, table: type[DataFrameModel], frame: pd.DataFrame) -> str:
        """Make the frame the content of the seasons that it has rows of; the other seasons stay.

        Rules of the schema that span seasons are checked for the frame alone. Raises LakeError for a table without
        seasons.
        """
        _check_seasons(table)
        rows = contents.by_season(table, frame)
        return self._commit(table, lambda version: contents.replace_seasons(self._files, version, rows))

    def append(self, table: type[DataFrameModel], frame: pd.DataFrame) -> str:
        """Add rows to their seasons; a row takes the place of the one that has its key. Other seasons stay.

        The seasons come into the table's order, so the content does not depend on who was first. Rules of the
        schema that span seasons are checked for the frame alone.
        """
        rows = contents.by_season(table, frame)
        return self._commit(table, lambda version: contents.extend(self._files, table, version, rows))

    def read(self, table: type[DataFrameModel], seasons: Iterable[str] | None = None) -> pd.DataFrame:
        """The table, or some of its seasons. Raises LakeError when it is not there or damaged."""
        wanted = None if seasons is None else set(seasons)
        if wanted is not None:
            _check_seasons(table)

        def load(version: Version) -> list[pa.Table]:
            return [self._files.get(part) for part in version.parts if wanted is None or part.season in wanted]

        return from_arrow(table, pa.concat_tables([schema(table).empty_table(), *self._load(table, load)]))

    def download(self, table: type[DataFrameModel], folder: Path) -> None:
        """Make a folder with the table's Parquet files, in order of their names. Raises LakeError as `read`."""
        parts = self._load(table, lambda version: list(map(self._files.content, version.parts)))
        folder.mkdir(parents=True)
        for number, content in enumerate(parts):
            (folder / f"{number:04}.parquet").write_bytes(content)

    def fingerprint(self, table: type[DataFrameModel]) -> str | None:
        """The fingerprint of the table's content; None when it was never written."""
        version = self._pointer(table).read()
        return version.fingerprint if version else None

    def intact(self, table: type[DataFrameModel]) -> bool:
        """Whether the table is there with all its parts as they were written."""
        version = self._pointer(table).read()
        return version is not None and all(map(self._files.holds, version.parts))

    def parts(self, table: type[DataFrameModel]) -> list[str]:
        """Addresses of the current version's Parquet files, in order. Raises LakeError when there is none."""
        return [self.storage.address(part.path) for part in self._present(table).parts]

    def address(self, table: type[DataFrameModel]) -> str:
        """Address of the table's pointer, which names its current Parquet files."""
        return self._pointer(table).address

    def identity(self) -> str:
        """A random name made with the lake: caches of its content die with it."""
        return identity(self.storage)

    def _commit(self, table: type[DataFrameModel], change: Callable[[Version | None], Contents]) -> str:
        """Write the version that `change` makes of the current one. Returns its fingerprint."""
        if not self._checked:
            check_conditional_writes(self.storage)
            self._checked = True
        pointer = self._pointer(table)
        for attempt in range(ATTEMPTS):
            version, tag = pointer.read_tagged()
            try:
                pieces = change(version)
                if version is not None and list(pieces.values()) == list(version.parts):
                    return version.fingerprint
                new = self._put(table, version, pieces)
                pointer.replace(new, tag)
            except PreconditionFailed:
                pass
            except (StorageError, FileNotFoundError) as why:
                if pointer.read_tagged()[1] == tag:
                    raise self._gone(table, why) if isinstance(why, FileNotFoundError) else why from None
            else:
                with suppress(StorageError, FileNotFoundError):  # what could not be deleted is, after a later write
                    garbage.sweep(self.storage, name(table), new)
                return new.fingerprint
            time.sleep(random.uniform(0, min(PAUSE_SECONDS, 0.01 * 2**attempt)))
        raise self._busy(table)

    def _put(self, table: type[DataFrameModel], version: Version | None, pieces: Contents) -> Version:
        """Write the rows among the pieces. Returns the version that the pieces make."""
        base = version or Version("", ())
        folder = garbage.folder(name(table), base.number + 1)
        parts = tuple(
            self._files.with_fingerprint(piece) if isinstance(piece, Part) else self._files.put(folder, season, piece)
            for season, piece in pieces.items()
        )
        return base.next(combine(part.fingerprint for part in parts), parts)

    def _load(self, table: type[DataFrameModel], load: Callable[[Version], Loaded]) -> Loaded:
        """What `load` reads of the current version, or of the next when files are deleted meanwhile."""
        for _ in range(ATTEMPTS):
            version = self._present(table)
            try:
                return load(version)
            except FileNotFoundError as missing:
                if self._present(table) == version:
                    raise self._gone(table, missing) from None
        raise self._busy(table)

    def _present(self, table: type[DataFrameModel]) -> Version:
        version = self._pointer(table).read()
        if version is None:
            raise LakeError(f"{self.storage.url}: has no table {name(table)}; write it first")
        return version

    def _pointer(self, table: type[DataFrameModel]) -> Pointer:
        return Pointer(self.storage, name(table))

    def _gone(self, table: type[DataFrameModel], missing: FileNotFoundError) -> LakeError:
        return LakeError(f"{self.storage.url}: a part of {name(table)} is gone ({missing}); write the table again")

    def _busy(self, table: type[DataFrameModel]) -> LakeError:
        return LakeError(f"{self.storage.url}: other processes keep writing table {name(table)}; try again later")


def _check_seasons(table: type[DataFrameModel]) -> None:
    if "season" not in columns(table):
        raise LakeError(f"table {name(table)} has no seasons to choose from")
