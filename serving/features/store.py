"""What the server asks of an online feature store, whichever it is."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

from matchday.feast_layout import Key, StoreError, Value

__all__ = ["Key", "OnlineStore", "Row", "Rows", "StoreError", "Value", "Views"]

Views = Mapping[str, Sequence[str]]
"""Feature view -> names of the features wanted of it."""


class Row(NamedTuple):
    """What one feature view holds of one entity.

    values: feature -> value, for each feature asked for; None means missing. oldest, newest: event times of the
    values, Unix seconds.
    """

    values: Mapping[str, Value]
    oldest: float
    newest: float


class Rows(dict[tuple[str, Key], Row]):
    """(feature view, entity key) -> row; an entity that a view does not know is absent.

    age_seconds: since the oldest of the rows was read from the store. degraded: some of these are the last known rows,
    as the store cannot be read now, or these rows of it cannot. unreadable: rows that the store holds, but in bytes
    that Feast does not write, and why; nothing stands in for them.
    """

    __slots__ = ("age_seconds", "degraded", "unreadable")

    def __init__(
        self,
        rows: Mapping[tuple[str, Key], Row] = MappingProxyType({}),
        age_seconds: float = 0.0,
        degraded: bool = False,
    ) -> None:
        super().__init__(rows)
        self.age_seconds = age_seconds
        self.degraded = degraded
        self.unreadable: dict[tuple[str, Key], str] = {}


class OnlineStore(Protocol):
    """Reads the rows that Feast writes. Raises StoreError when it cannot."""

    async def read(self, join_key: str, keys: Iterable[Key], views: Views) -> Rows:
        """The rows of the given entities, all views and entities in one round trip. Never blocks the event loop.

        A row whose bytes are not Feast's harms no other one: it is among the `unreadable`.
        """

    async def keys(self, join_key: str, views: Iterable[str]) -> list[Key]:
        """Every entity that any of the views knows, sorted; without those whose names cannot be read."""

    def close(self) -> None:
        """Let go of connections."""
