"""A record as it was read from a topic, whatever it holds."""

from collections.abc import Sequence
from typing import NamedTuple


class Received(NamedTuple):
    """A record and its place. written: Unix seconds when the broker or the producer wrote it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: Sequence[tuple[str, bytes]]
    value: bytes | None
    written: float

    @property
    def position(self) -> tuple[str, int]:
        """Topic and partition."""
        return self.topic, self.partition
