"""Atomic file writes, and file locks between processes.

A reader finds the former content of a file or the new one, never a part of it, also after a writer was killed or the
machine lost power. The kernel releases a lock when its holder ends, however it ends.
"""

import fcntl
import os
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from matchday.errors import MatchdayError

LOCK_SECONDS = 600.0
"""How long to wait for a lock unless the caller says otherwise."""

POLL_SECONDS = 0.02

ABANDONED_SECONDS = 3600.0
"""Age from which a draft was left by a writer that was killed."""


class LockTimeout(MatchdayError, TimeoutError):
    """Another process has held a lock for as long as the caller would wait. Also an OSError."""


def write_file(path: Path, content: bytes) -> None:
    """Replace the content of a file in one step, and keep its mode; a new file gets the usual one.

    Makes the folder. Writers need no lock: the last one wins, whole. Raises OSError; `path` is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _delete_abandoned(path)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.draft")
    try:
        with draft.open("xb") as file:
            file.write(content)
        _publish(draft, path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """A path to write a draft to, which replaces `path` when the block ends without an exception.

    For libraries that write a file themselves. A block that writes no draft leaves `path` as it is. One writer at a
    time: others wait for the block to end. Files whose name begins with the draft's (SQLite's journal) are deleted
    with it, and those of a writer that was killed by the next one. Raises OSError, LockTimeout.
    """
    draft = path.with_name(f".{path.name}.new")
    with lock_file(path.with_name(f".{path.name}.lock")):
        _delete_drafts(draft)
        try:
            yield draft
            if draft.exists():
                _publish(draft, path)
        finally:
            _delete_drafts(draft)


@contextmanager
def lock_file(path: Path, seconds: float = LOCK_SECONDS) -> Iterator[IO[str]]:
    """Hold the exclusive lock of a file, which is made when missing; yields the file, open to read and append.

    seconds: how long to wait for another holder; 0: not at all. The lock is not re-entrant. Raises LockTimeout, and
    OSError for a file that cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        lock_descriptor(file.fileno(), path, seconds)
        yield file


def lock_descriptor(descriptor: int, path: Path, seconds: float = LOCK_SECONDS) -> None:
    """Lock an open file until it is closed. path: its name, for the message. Raises LockTimeout."""
    deadline = time.monotonic() + seconds
    while not _try_lock(descriptor):
        if time.monotonic() >= deadline:
            raise LockTimeout(
                f"{path} is locked by another process (waited {seconds:g} s): let that one end, or stop it;"
                f" `fuser {path}` says which it is"
            )
        time.sleep(POLL_SECONDS)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _publish(draft: Path, path: Path) -> None:
    """Rename a complete draft over a file: content to the disk first, the new name after it."""
    with draft.open("rb") as file:
        with suppress(FileNotFoundError):
            os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
        os.fsync(file.fileno())
    os.replace(draft, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems cannot sync a folder, and need not
            os.fsync(folder)
    finally:
        os.close(folder)


def _delete_drafts(draft: Path) -> None:
    for file in draft.parent.iterdir():
        if file.name.startswith(draft.name):
            file.unlink(missing_ok=True)


def _delete_abandoned(path: Path) -> None:
    """Delete drafts of `path` that their writers left long ago."""
    for draft in path.parent.iterdir():
        if draft.name.startswith(f".{path.name}.") and draft.suffix == ".draft":
            with suppress(FileNotFoundError):
                if time.time() - draft.stat().st_mtime > ABANDONED_SECONDS:
                    draft.unlink()
