"""Events from a file and from those that it was before its rotation."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import BinaryIO, NamedTuple

from matchday.events.envelope import CloudEvent
from matchday.events.errors import EventsError
from matchday.events.file_producer import rotated_files
from matchday.events.topics import Topic
from matchday.telemetry import logger

MOST_BYTES = 32 * 2**20
"""Read by one call, the newest; an event has about one KiB."""

HEAD = 128
"""Bytes in which a file differs from any other: the id of its first event is among them."""


class FilePosition(NamedTuple):
    """How far a file was read. head: its first bytes, which tell it from others once it is rotated. offset: bytes."""

    head: bytes
    offset: int


class FileConsumer:
    """Reads what `FileProducer` writes."""

    def __init__(self, path: str | Path, topic: Topic) -> None:
        self._path = Path(path)
        self._topic = topic
        self._log = logger("events")

    def since(self, position: FilePosition | None, most: int) -> tuple[list[CloudEvent], FilePosition | None]:
        """As `EventConsumer.since`. A file that is not there yet has no events."""
        try:
            lines, end = self._lines(position, most)
        except OSError as error:
            raise EventsError(f"{self._path} cannot be read: {error.strerror}") from None
        events, broken = [], 0
        for line in lines:
            try:
                events.append(CloudEvent.from_line(line))
            except ValueError:
                broken += 1
        if broken:
            self._log.warning("lines are no events", path=str(self._path), lines=broken)
        return [event for event in events if event.type == self._topic.type], end

    def _lines(self, position: FilePosition | None, most: int) -> tuple[list[bytes], FilePosition | None]:
        """The newest whole lines after a position, oldest first, and where they end."""
        lines: list[bytes] = []
        end, left = position, MOST_BYTES
        with ExitStack() as stack:
            for number, file in enumerate(self._files(stack)):
                head, size = file.read(HEAD), os.fstat(file.fileno()).st_size
                known = position is not None and position.head == head and position.offset <= size
                content, begin = _tail(file, position.offset if known and position else 0, left)
                whole = content[: content.rfind(b"\n") + 1]
                if number == 0:
                    end = FilePosition(head, begin + len(whole))
                lines = whole.splitlines() + lines
                left -= len(content)
                if known or left <= 0 or len(lines) >= most:
                    break
        return lines[-most:], end

    def _files(self, stack: ExitStack) -> Iterator[BinaryIO]:
        """The file and its rotated ones, newest first, each once although they may be rotated meanwhile."""
        seen = set()
        for number in count():
            path = self._path.with_name(f"{self._path.name}.{number}") if number else self._path
            try:
                file = stack.enter_context(path.open("rb"))
            except FileNotFoundError:
                if number >= max((known for known, _ in rotated_files(self._path)), default=0):
                    return
                continue
            if (inode := os.fstat(file.fileno()).st_ino) not in seen:
                seen.add(inode)
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
