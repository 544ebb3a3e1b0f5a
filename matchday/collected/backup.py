"""Backup and restore of what was collected: one tar archive with the sha256 of each file.

A restore verifies the whole archive, and reads every table of it, before it writes anything. While it writes, the file
`restoring.json` is there: until the restore has ended nothing can be read or updated, and the same restore finishes it.
"""

import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from matchday.collected.errors import CollectedError
from matchday.collected.layout import BATCHES, RESTORING
from matchday.collected.lock import hold_lock
from matchday.collected.store import TABLES, ObservationStore
from matchday.lake import LakeError
from matchday.storage import Storage
from matchday.tables import key, name

SUMS = "SHA256SUMS"
"""First member of an archive."""

POINTERS = ("current.json", "lake.json")
"""Names of the files that make others count: written last."""


class BackupError(CollectedError):
    """An archive that is not whole, or one that may not take the place of what is there."""


@dataclass(frozen=True)
class BackupSummary:
    """An archive of what was collected. observations: rows of all tables. newest: when the newest one was made."""

    address: str
    files: int
    bytes: int
    observations: int
    newest: datetime | None


def backup(url: str, target: str) -> BackupSummary:
    """Write an archive of what was collected below `url` to a file or an s3:// URL, in one step.

    Raises BackupError when nothing was collected, or the target lies among it; StorageError, LakeError.
    """
    folder, file = _parts(target)
    with hold_lock(url):
        store = ObservationStore(url)
        files = _read_files(store.lake.storage)
        if not files:
            raise BackupError(f"{url} holds nothing to back up: 'matchday data update' collects")
        if f"{folder.address(file)}/".startswith(f"{store.lake.storage.url}/"):
            raise BackupError(f"{target} lies below {url}: write the backup to another place")
        archive = _pack(files)
        summary = _summary(folder.address(file), files, archive, store)
    folder.write(file, archive)
    return summary


def restore(url: str, source: str, *, replace: bool = False) -> BackupSummary:
    """Make what was collected below `url` that of an archive: all of it, or nothing.

    replace: also when observations or forecasts are there that the archive lacks; they are lost. Raises BackupError for
    an archive that is not whole, and when there are such.
    """
    folder, file = _parts(source)
    try:
        archive = folder.read(file)
    except FileNotFoundError:
        raise BackupError(f"{source} is not there") from None
    files = _unpack(archive, source)
    digest = hashlib.sha256(archive).hexdigest()
    with hold_lock(url), tempfile.TemporaryDirectory() as scratch:
        given = _open(files, Path(scratch), source)
        root = Storage(url)
        if not replace:
            _check_nothing_is_lost(url, given, files.keys(), digest)
        root.write(RESTORING, json.dumps({"sha256": digest}).encode())
        for path in sorted(files, key=lambda path: PurePosixPath(path).name in POINTERS):
            root.write(path, files[path])
        root.delete(path for path in _listed(root) if path not in files)
        root.delete([RESTORING])
        return _summary(folder.address(file), files, archive, given)


def _read_files(storage: Storage) -> dict[str, bytes]:
    """Every file below the root, by path. Pointers are read first: the parts that they name stay for a while."""
    listed = sorted(_listed(storage), key=lambda path: PurePosixPath(path).name not in POINTERS)
    found = {}
    for path in listed:
        try:
            found[path] = storage.read(path)
        except FileNotFoundError:  # a part of a former version, deleted meanwhile
            continue
    return found


def _listed(storage: Storage) -> list[str]:
    """Paths of what belongs into a backup: no locks and drafts, which begin with a dot."""
    paths = (path for path in storage.files("") if path != RESTORING)
    return sorted(path for path in paths if not PurePosixPath(path).name.startswith("."))


def _pack(files: dict[str, bytes]) -> bytes:
    sums = "".join(f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in sorted(files))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in {SUMS: sums.encode(), **dict(sorted(files.items()))}.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _unpack(archive: bytes, source: str) -> dict[str, bytes]:
    """The files of an archive by path, each as its sum says. Raises BackupError."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
            found = {one.name: _content(tar, one) for one in tar.getmembers()}
        lines = found.pop(SUMS).decode().splitlines()
        sums = {path: digest for digest, path in (line.split("  ", 1) for line in lines)}
    except (tarfile.TarError, KeyError, ValueError) as why:
        raise BackupError(f"{source} is no backup of Matchday, or a part of one ({why})") from None
    if found.keys() != sums.keys():
        raise BackupError(f"{source} is not whole: it lacks files that its list names, or holds others")
    for path, content in found.items():
        if hashlib.sha256(content).hexdigest() != sums[path]:
            raise BackupError(f"{source} is damaged: {path} is not the file that was backed up")
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise BackupError(f"{source} is refused: {path} would be written outside of its folder")
    return found


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member) if member.isfile() else None
    if file is None:
        raise ValueError(f"{member.name} is no file")
    return file.read()


def _open(files: dict[str, bytes], scratch: Path, source: str) -> ObservationStore:
    """The archive as a store, every table of it read. Raises BackupError for a table that is damaged."""
    for path, content in files.items():
        file = scratch / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    store = ObservationStore(str(scratch))
    try:
        for table in TABLES:
            store.read(table)
    except LakeError as why:
        raise BackupError(f"{source} holds a table that cannot be read: {why}") from None
    return store


def _check_nothing_is_lost(url: str, given: ObservationStore, paths: Collection[str], digest: str) -> None:
    """paths: of the files in the archive."""
    root = Storage(url)
    if _begun(root) == digest:
        return  # this very restore was interrupted
    try:
        there = ObservationStore(url)
        lost = {name(table): _missing(table, there, given) for table in TABLES}
    except (LakeError, CollectedError) as why:
        raise BackupError(f"{why}; to lose what is there, say --replace") from None
    lost["batches of forecasts"] = len({*root.files(BATCHES)}.difference(paths))
    if any(lost.values()):
        counts = ", ".join(f"{count:,} of {table}" for table, count in lost.items() if count)
        raise BackupError(f"{url} holds what the backup lacks ({counts}); to lose it, say --replace")


def _missing(table: type, there: ObservationStore, given: ObservationStore) -> int:
    """How many rows the store has that the archive lacks, by their key."""
    both = [store.read(table)[key(table)] for store in (there, given)]
    if both[0].empty:
        return 0
    return int((both[0].merge(both[1], how="left", indicator=True)["_merge"] == "left_only").sum())


def _begun(storage: Storage) -> str:
    """The sha256 of the archive whose restore began and did not end; empty without one."""
    try:
        return str(json.loads(storage.read(RESTORING))["sha256"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return ""


def _parts(target: str) -> tuple[Storage, str]:
    folder, _, file = target.rpartition("/")
    if not file:
        raise BackupError(f"{target!r} names no file")
    return Storage(folder or ("/" if target.startswith("/") else str(Path.cwd()))), file


def _summary(address: str, files: dict[str, bytes], archive: bytes, store: ObservationStore) -> BackupSummary:
    rows = sum(len(store.read(table)) for table in TABLES)
    return BackupSummary(address, len(files), len(archive), rows, store.newest_moment())
