"""Events as lines of a file, for embedded use."""

import errno
import os
import time
from collections.abc import Sequence
from pathlib import Path

from matchday.files import lock_file
from serving.log.event import Event
from serving.log.sink import Tell

MAX_BYTES = 64 * 2**20
KEPT = 3
RETRY_SECONDS = 1.0


class FileSink:
    """Appends JSON lines to a file that several processes share.

    From `max_bytes` on, the file becomes `PATH.1`, that one `PATH.2`, and so on; `kept` of these stay.
    """

    def __init__(self, path: str, tell: Tell, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
        self.path = Path(path)
        self._tell = tell
        self._max_bytes = max_bytes
        self._kept = kept

    def write(self, events: Sequence[Event]) -> int:
        """Append the events, whole lines or none; try again for as long as the disk refuses them."""
        lines = b"".join(event.line() for event in events)
        while True:
            try:
                self._append(lines)
            except OSError as error:
                self._tell(f"cannot write {self.path}: {error.strerror or error}")
                time.sleep(RETRY_SECONDS)
            else:
                return 0

    def close(self) -> None:
        """Nothing is held open."""

    def _append(self, lines: bytes) -> None:
        with lock_file(self.path.with_name(f".{self.path.name}.lock")):
            size = self.path.stat().st_size if self.path.exists() else 0
            if size and size + len(lines) > self._max_bytes:
                self._rotate()
            self._append_to(self.path, lines)

    def _append_to(self, path: Path, lines: bytes) -> None:
        """Write all of it, or leave the file as it was."""
        with path.open("ab", buffering=0) as file:
            size = file.tell()
            try:
                if file.write(lines) != len(lines):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                file.truncate(size)
                raise

    def _rotate(self) -> None:
        for number in range(self._kept, 0, -1):
            older = self._numbered(number)
            newer = self._numbered(number - 1) if number > 1 else self.path
            if newer.exists():
                newer.replace(older)

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
