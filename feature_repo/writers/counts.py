"""What became of rows that were written."""

from typing import NamedTuple


class WriteCounts(NamedTuple):
    """Rows by what became of them.

    written: now in the store. unchanged: were there already. older: the store has a later row, or a higher revision.
    """

    written: int = 0
    unchanged: int = 0
    older: int = 0
