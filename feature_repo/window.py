"""The span of time that a refill of the online store is about."""

from datetime import datetime
from typing import NamedTuple, Self

from matchday.feast_layout.moments import to_micros


class Window(NamedTuple):
    """Event times that the refilled rows are of, both ends included. since, until: Unix microseconds."""

    since: int
    until: int

    @classmethod
    def between(cls, since: datetime, until: datetime) -> Self:
        """The window from one moment to another."""
        return cls(to_micros(since.timestamp()), to_micros(until.timestamp()))
