"""Where tables live: partitioned Parquet below one root, versioned by content, switched in one step.

    <root>/lake.json                                           the lake's identity
    <root>/matches/current.json                                which version is current, and its parts
    <root>/matches/<fingerprint>/season=2526/part.parquet      a part; without a season, part.parquet alone

A write puts all parts of the new version first and then replaces `current.json`. Whatever is killed half way,
readers see the former version, whole. Parts keep their season column: read them by `Lake.read`, or with hive
partitioning off.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandera.pandas import DataFrameModel

from matchday.errors import MatchdayError
from matchday.storage import Storage
from matchday.tables import columns, name, validate
from matchday.tables.arrow import from_arrow, schema, to_arrow
from matchday.tables.fingerprint import combine, fingerprint

KEPT = 3
"""Former versions kept beside the current one, for readers that still hold them."""

ABANDONED = timedelta(hours=6)
"""Age from which a version that never became current is swept."""

RETRIES = 3
"""Attempts of a reader whose version is replaced and swept under it."""

IDENTITY = "lake.json"


class LakeError(MatchdayError):
    """A lake that lacks a table, or holds one that is damaged."""


@dataclass(frozen=True)
class Part:
    """One Parquet file of a version: its path below the root, its season if the table has one."""

    path: str
    season: str | None
    rows: int
    sha256: str


@dataclass(frozen=True)
class Version:
    """What `current.json` says: the content's fingerprint, its parts in order, and the versions before it."""

    fingerprint: str
    parts: tuple[Part, ...]
    former: tuple[str, ...]

    def to_json(self) -> bytes:
        """As stored."""
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Version":
        """From what is stored. Raises KeyError, TypeError or ValueError when it is damaged."""
        tree = json.loads(content)
        parts = tuple(Part(**part) for part in tree["parts"])
        return cls(tree["fingerprint"], parts, tuple(tree["former"]))


class Lake:
    """Tables below one root, `file://` (or a path) or `s3://`; see `matchday.storage.Storage`."""

    def __init__(self, url: str) -> None:
        self.storage = Storage(url)

    def write(self, table: type[DataFrameModel], frame: pd.DataFrame) -> str:
        """Make the frame the table's content and return its fingerprint. Content already there is left alone.

        Rows are kept in order within a season, seasons ascending. Raises TableError before anything is
        written when the frame breaks the schema, StorageError when the root cannot be written.
        """
        pieces = _pieces(table, validate(table, frame))
        new = combine(fingerprint(rows) for _, rows in pieces)
        version = self._current(table)
        if version is not None and version.fingerprint == new and all(map(self._holds, version.parts)):
            return new
        self.identity()
        parts = tuple(self._put(f"{name(table)}/{new}", season, rows) for season, rows in pieces)
        former = (version.fingerprint, *version.former) if version else ()
        former = tuple(one for one in former if one != new)
        self.storage.write(_pointer(table), Version(new, parts, former[:KEPT]).to_json())
        self._sweep(table, {new, *former[:KEPT]}, dropped=former[KEPT:])
        return new

    def read(self, table: type[DataFrameModel], seasons: Iterable[str] | None = None) -> pd.DataFrame:
        """The table, or some of its seasons. Raises LakeError when it is not there or damaged."""
        wanted = None if seasons is None else set(seasons)
        if wanted is not None and "season" not in columns(table):
            raise LakeError(f"table {name(table)} has no seasons to choose from")
        for _ in range(RETRIES):
            version = self._present(table)
            chosen = [part for part in version.parts if wanted is None or part.season in wanted]
            try:
                pieces = [self._get(part) for part in chosen]
            except FileNotFoundError as missing:
                lost = missing
                continue
            return from_arrow(table, pa.concat_tables([schema(table).empty_table(), *pieces]))
        raise LakeError(f"{self.storage.url}: a part of {name(table)} is gone ({lost}); write the table again")

    def fingerprint(self, table: type[DataFrameModel]) -> str | None:
        """The fingerprint of the table's content; None when it was never written."""
        version = self._current(table)
        return version.fingerprint if version else None

    def intact(self, table: type[DataFrameModel]) -> bool:
        """Whether the table is there with all its parts as they were written."""
        version = self._current(table)
        return version is not None and all(map(self._holds, version.parts))

    def parts(self, table: type[DataFrameModel]) -> list[str]:
        """Addresses of the current version's Parquet files, in order. Raises LakeError when there is none."""
        return [self.storage.address(part.path) for part in self._present(table).parts]

    def identity(self) -> str:
        """A random name made with the lake: caches of its content die with it."""
        try:
            return str(json.loads(self.storage.read(IDENTITY))["identity"])
        except FileNotFoundError:
            self.storage.write(IDENTITY, json.dumps({"identity": uuid.uuid4().hex}).encode())
            return self.identity()
        except (KeyError, TypeError, ValueError):
            raise LakeError(f"{self.storage.address(IDENTITY)}: is damaged; delete it") from None

    def _current(self, table: type[DataFrameModel]) -> Version | None:
        try:
            return Version.from_json(self.storage.read(_pointer(table)))
        except FileNotFoundError:
            return None
        except (KeyError, TypeError, ValueError):
            where = self.storage.address(_pointer(table))
            raise LakeError(f"{where}: is damaged; delete it and write the table again") from None

    def _present(self, table: type[DataFrameModel]) -> Version:
        version = self._current(table)
        if version is None:
            raise LakeError(f"{self.storage.url}: has no table {name(table)}; write it first")
        return version

    def _holds(self, part: Part) -> bool:
        """Whether the part is there and is what was written."""
        try:
            return hashlib.sha256(self.storage.read(part.path)).hexdigest() == part.sha256
        except FileNotFoundError:
            return False

    def _put(self, folder: str, season: str | None, rows: pa.Table) -> Part:
        path = f"{folder}/season={season}/part.parquet" if season else f"{folder}/part.parquet"
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink, compression="zstd", store_schema=False)
        content = bytes(sink.getvalue().to_pybytes())
        self.storage.write(path, content)
        return Part(path, season, rows.num_rows, hashlib.sha256(content).hexdigest())

    def _get(self, part: Part) -> pa.Table:
        content = self.storage.read(part.path)
        if hashlib.sha256(content).hexdigest() != part.sha256:
            raise LakeError(f"{self.storage.address(part.path)}: is not what was written; write the table again")
        return pq.read_table(pa.BufferReader(content))

    def _sweep(self, table: type[DataFrameModel], kept: set[str], dropped: Iterable[str]) -> None:
        """Take away versions beyond the bound, and those that a killed write left long ago."""
        for one in dropped:
            self.storage.remove(f"{name(table)}/{one}")
        for one in set(self.storage.folders(name(table))) - kept:
            last = self.storage.changed(f"{name(table)}/{one}")
            if last is not None and datetime.now(UTC) - last > ABANDONED:
                self.storage.remove(f"{name(table)}/{one}")


def _pointer(table: type[DataFrameModel]) -> str:
    return f"{name(table)}/current.json"


def _pieces(table: type[DataFrameModel], frame: pd.DataFrame) -> list[tuple[str | None, pa.Table]]:
    """The frame as one Arrow table for each season, ascending; as one alone when the table has no season."""
    if "season" not in columns(table):
        return [(None, to_arrow(table, frame))]
    seasons = sorted(frame["season"].unique())
    pieces: list[tuple[str | None, pa.Table]] = [
        (season, to_arrow(table, frame[frame["season"] == season])) for season in seasons
    ]
    return pieces or [(None, to_arrow(table, frame))]
