"""Counters in memory-mapped files: each worker adds to a file of its own, and any of them can sum them all.

A file is a row of pages, one page for each set of labels: its labels as JSON, then 64-bit cells. A new worker goes on
with the file of one that ended, so that no count is lost or falls, and there are never more files than there were
workers at once.
"""

import json
import mmap
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

from matchday.files import LockTimeout, lock_descriptor

PAGE_BYTES = max(16384, mmap.ALLOCATIONGRANULARITY)
LABELS_BYTES = 512
"""At the start of a page."""

CELLS = (PAGE_BYTES - LABELS_BYTES) // 8

Labels = tuple[str, ...]


class Page(NamedTuple):
    """The cells of one set of labels: the same memory as numbers and as whole 64-bit words."""

    numbers: "memoryview[float]"
    words: "memoryview[int]"


class CounterFile:
    """The pages of this process, in a file that it alone writes. Raises OSError when the folder cannot be written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = _open_own(folder)
        self._maps: list[mmap.mmap] = []
        self._pages: dict[Labels, Page] = {}
        for labels, _ in _pages(os.pread(self._file, os.fstat(self._file).st_size, 0)):
            self._pages[labels] = self._map()

    def page(self, labels: Labels) -> Page:
        """The page of these labels, made when there is none."""
        page = self._pages.get(labels)
        if page is None:
            head = json.dumps(labels).encode()
            if len(head) > LABELS_BYTES:
                raise ValueError(f"labels of {len(head)} bytes are longer than {LABELS_BYTES}: {labels}")
            os.pwrite(self._file, head.ljust(PAGE_BYTES, b"\0"), len(self._maps) * PAGE_BYTES)
            page = self._pages[labels] = self._map()
        return page

    def read(self) -> Iterator[tuple[Labels, Page]]:
        """Every page of every process, as it is now."""
        for path in sorted(self.folder.glob("*.cells")):
            yield from _pages(path.read_bytes())

    def close(self) -> None:
        """Close the file, so that another process may go on with it."""
        os.close(self._file)

    def _map(self) -> Page:
        mapped = mmap.mmap(self._file, PAGE_BYTES, offset=len(self._maps) * PAGE_BYTES)
        self._maps.append(mapped)
        return _page(memoryview(mapped))


def _open_own(folder: Path) -> int:
    """The first file that no running process has locked."""
    for number in count():
        path = folder / f"{number}.cells"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            lock_descriptor(file, path, seconds=0)
        except LockTimeout:
            os.close(file)
        else:
            return file
    raise AssertionError


def _pages(content: bytes) -> Iterator[tuple[Labels, Page]]:
    for start in range(0, len(content) - PAGE_BYTES + 1, PAGE_BYTES):
        page = memoryview(content)[start : start + PAGE_BYTES]
        yield tuple(json.loads(bytes(page[:LABELS_BYTES]).rstrip(b"\0"))), _page(page)


def blank_page() -> Page:
    """A page that is in no file."""
    return _page(memoryview(bytearray(PAGE_BYTES)))


def _page(page: "memoryview[int]") -> Page:
    return Page(page[LABELS_BYTES:].cast("d"), page[LABELS_BYTES:].cast("Q"))
