"""The prediction log of one machine: lines of a file and of those that it was before."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple

import orjson

from matchday.telemetry import logger
from rollout.observations.log import Logged, logged
from rollout.sources import SourceError
from serving.log.event import TYPE
from serving.log.file import KEPT

MOST_BYTES = 32 * 2**20
"""Read in one look, the newest; an entry has about one KiB."""

HEAD = 128
"""Bytes in which a file differs from any other: the id of its first event is among them."""


class Place(NamedTuple):
    """How far a log was read: how the file that was the newest then begins, which is its own id, and bytes of it."""

    head: bytes
    offset: int


class FileLog:
    """Events as `serving.log.file` appends and rotates them. A line that is no event is skipped and told of."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._log = logger("rollout")

    def since(self, place: Place | None, most: int) -> tuple[list[Logged], Place | None]:
        """As `Log.since`. A log that is not there yet is an empty one."""
        try:
            lines, end = self._lines(place, most)
        except OSError as error:
            raise SourceError(f"the prediction log {self._path} cannot be read: {error.strerror}") from None
        entries, broken = [], 0
        for line in lines:
            try:
                event = orjson.loads(line)
                entry = logged(event["data"]) if event["type"] == TYPE else None
            except (ValueError, KeyError, TypeError, AttributeError):
                broken += 1
            else:
                entries += [entry] if entry else []
        if broken:
            self._log.warning("lines of the prediction log are no events", path=str(self._path), lines=broken)
        return sorted(entries, key=lambda entry: entry.time), end

    def _lines(self, place: Place | None, most: int) -> tuple[list[bytes], Place | None]:
        """The newest whole lines after a place, oldest first, and where they end."""
        lines: list[bytes] = []
        end, left = place, MOST_BYTES
        with ExitStack() as stack:
            for number, file in enumerate(self._files(stack)):
                head, size = file.read(HEAD), os.fstat(file.fileno()).st_size
                known = place is not None and place.head == head and place.offset <= size
                content, begin = _tail(file, place.offset if known and place else 0, left)
                whole = content[: content.rfind(b"\n") + 1]
                if number == 0:
                    end = Place(head, begin + len(whole))
                lines = whole.splitlines() + lines
                left -= len(content)
                if known or left <= 0 or len(lines) >= most:
                    break
        return lines[-most:], end

    def _files(self, stack: ExitStack) -> Iterator[BinaryIO]:
        """The files of the log, newest first, each once although they may be rotated meanwhile."""
        seen = set()
        for path in (self._path, *(self._path.with_name(f"{self._path.name}.{n}") for n in range(1, KEPT + 1))):
            try:
                file = stack.enter_context(path.open("rb"))
            except FileNotFoundError:
                continue
            if (number := os.fstat(file.fileno()).st_ino) not in seen:
                seen.add(number)
                yield file


def _tail(file: BinaryIO, start: int, most: int) -> tuple[bytes, int]:
    """The last bytes of a file from `start` on, beginning with a line, and where they begin."""
    size = file.seek(0, os.SEEK_END)
    begin = max(start, size - most)
    file.seek(begin)
    content = file.read(size - begin)
    if begin > start:
        cut = content.find(b"\n") + 1
        return content[cut:], begin + cut
    return content, begin
