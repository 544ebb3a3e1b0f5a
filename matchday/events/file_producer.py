"""Events to a file: one line of JSON each, for use without Kafka."""

import errno
import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matchday.events.envelope import CloudEvent
from matchday.files import LOCK_SECONDS, lock_file

COUNTED_AT_ONCE = 2**20


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a file of events is put aside, and how many of these files stay.

    max_bytes: from this size on the file becomes `PATH.1`, that one `PATH.2`, and so on; 0: it grows for ever.
    keep: rotated files that stay, the oldest are deleted; 0: all of them.
    """

    max_bytes: int = 0
    keep: int = 0


class FileProducer:
    """Appends events to a file that several processes share. deleted: events that its rotations have deleted."""

    def __init__(self, path: str | Path, rotation: Rotation = Rotation()) -> None:
        self.path = Path(path)
        self.deleted = 0
        self._rotation = rotation

    def send(self, events: Sequence[CloudEvent]) -> None:
        """Append events. As `append`."""
        self.append(b"".join(event.line() for event in events))

    def append(self, lines: bytes, wait_seconds: float = LOCK_SECONDS) -> None:
        """Append whole lines, all or none, after a rotation where it is due.

        Raises LockTimeout while another process writes for longer than this, and OSError when the disk refuses.
        """
        with lock_file(self.path.with_name(f".{self.path.name}.lock"), wait_seconds):
            if self._is_full(len(lines)):
                self._rotate()
            self._write(lines)

    def _write(self, lines: bytes) -> None:
        """Write all of it, or leave the file as it was.

        A process that was killed while it wrote may have left half a line, which then gets its end first.
        """
        with self.path.open("ab+", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
                lines = b"\n" + lines
            try:
                if file.write(lines) != len(lines):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                file.truncate(size)
                raise

    def _is_full(self, wanted: int) -> bool:
        """Whether these bytes would make the file too large."""
        limit = self._rotation.max_bytes
        size = self.path.stat().st_size if limit and self.path.exists() else 0
        return size > 0 and size + wanted > limit

    def _rotate(self) -> None:
        for number, older in reversed(rotated_files(self.path)):
            if self._rotation.keep and number >= self._rotation.keep:
                lines = count_lines(older)
                older.unlink()
                self.deleted += lines
            else:
                older.replace(self._numbered(number + 1))
        self.path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


def rotated_files(path: Path) -> list[tuple[int, Path]]:
    """The files `PATH.1`, `PATH.2`, ... with their numbers, the newest first."""
    beside = ((each.suffix[1:], each) for each in path.parent.glob(f"{glob.escape(path.name)}.*"))
    return sorted((int(suffix), each) for suffix, each in beside if suffix.isdecimal())


def count_lines(path: Path) -> int:
    """Lines of a file."""
    with path.open("rb") as file:
        return sum(part.count(b"\n") for part in iter(lambda: file.read(COUNTED_AT_ONCE), b""))
