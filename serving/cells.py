"""Numbers that the workers of a server share: each adds to a file of its own, whoever is asked sums them all.

A file is a row of pages, one page for each set of labels: its labels as JSON, then 64-bit cells. The file of a worker
that ended is taken up by the next one, so that no count is ever lost or falls, and there are never more files than
there were workers at once.
"""

import json
import mmap
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

from matchday.files import LockTimeout, lock_descriptor

PAGE = max(16384, mmap.ALLOCATIONGRANULARITY)
HEAD = 512
"""Bytes of a page for its labels."""

CELLS = (PAGE - HEAD) // 8

Labels = tuple[str, ...]


class Page(NamedTuple):
    """The cells of one set of labels: the same memory as numbers and as whole 64-bit words."""

    numbers: "memoryview[float]"
    words: "memoryview[int]"


class Shelf:
    """The pages of this process. Raises OSError when the folder cannot be written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = _own(folder)
        self._maps: list[mmap.mmap] = []
        self._pages: dict[Labels, Page] = {}
        for labels, _ in _pages(os.pread(self._file, os.fstat(self._file).st_size, 0)):
            self._pages[labels] = self._map()

    def page(self, labels: Labels) -> Page:
        """The page of these labels, made when there is none."""
        page = self._pages.get(labels)
        if page is None:
            head = json.dumps(labels).encode()
            if len(head) > HEAD:
                raise ValueError(f"labels of {len(head)} bytes are longer than {HEAD}: {labels}")
            os.pwrite(self._file, head.ljust(PAGE, b"\0"), len(self._maps) * PAGE)
            page = self._pages[labels] = self._map()
        return page

    def read(self) -> Iterator[tuple[Labels, Page]]:
        """Every page of every process, as it is now."""
        for path in sorted(self.folder.glob("*.cells")):
            yield from _pages(path.read_bytes())

    def close(self) -> None:
        """Let go of the file, for another process to take up."""
        os.close(self._file)

    def _map(self) -> Page:
        mapped = mmap.mmap(self._file, PAGE, offset=len(self._maps) * PAGE)
        self._maps.append(mapped)
        return _page(memoryview(mapped))


def _own(folder: Path) -> int:
    """The first file that no living process holds."""
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
    for start in range(0, len(content) - PAGE + 1, PAGE):
        page = memoryview(content)[start : start + PAGE]
        yield tuple(json.loads(bytes(page[:HEAD]).rstrip(b"\0"))), _page(page)


def blank() -> Page:
    """A page of no file."""
    return _page(memoryview(bytearray(PAGE)))


def _page(page: "memoryview[int]") -> Page:
    return Page(page[HEAD:].cast("d"), page[HEAD:].cast("Q"))
