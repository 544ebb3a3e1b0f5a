"""What the server asks of an online feature store, whichever it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from matchday.errors import MatchdayError

Key = str | int
Value = str | int | float | bool | bytes | None
Views = Mapping[str, Sequence[str]]
"""Feature view -> names of the features wanted of it."""


class StoreError(MatchdayError):
    """The online store cannot be read, or does not hold what it should."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one feature view holds of one entity.

    values: feature -> value; None or absent means missing. oldest, newest: event times, Unix seconds.
    """

    values: Mapping[str, Value]
    oldest: float
    newest: float


Rows = Mapping[tuple[str, Key], Row]
"""(feature view, entity key) -> row. An entity that a view does not know is absent."""


class OnlineStore(Protocol):
    """Reads the rows that Feast writes. Raises StoreError when it cannot."""

    async def read(self, join_key: str, keys: Iterable[Key], views: Views) -> Rows:
        """The rows of the given entities, all views and entities in one round trip."""

    async def keys(self, join_key: str, views: Iterable[str]) -> list[Key]:
        """Every entity that any of the views knows, sorted."""

    def close(self) -> None:
        """Let go of connections."""
