"""Cuts many rows into pages."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def pages(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items in their order; the last one may be shorter."""
    left = iter(items)
    while page := list(islice(left, size)):
        yield page
