"""Read-through cache of the online store; serves the last known rows while it, or a row of it, cannot be read."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from serving.features.background import begin
from serving.features.store import Key, OnlineStore, Row, Rows, StoreError, Views

Answer = TypeVar("Answer")

ReadKind = tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]
"""What a read is of, besides its keys: join key and views."""


class FormerRow(NamedTuple):
    """The last row that could be read in place of one that cannot, and when it was read."""

    row: Row
    read_at: float


class Known(NamedTuple):
    """What the store held of one entity, possibly nothing, at a moment of the monotonic clock.

    unreadable: rows that it held but whose bytes are garbled, and why. former: what stands in for these.
    """

    rows: dict[tuple[str, Key], Row]
    read_at: float
    unreadable: dict[tuple[str, Key], str]
    former: dict[tuple[str, Key], FormerRow]


EMPTY_AGE_SECONDS = 5.0
"""How long it is believed that the store has no entity: a server waits for its first materialisation."""

Reading = asyncio.Future[dict[Key, Known]]
"""A read under way, for those who want the same."""


@dataclass(slots=True)
class EntityCache:
    """The entities known for one kind of read, longest unread first, and those being read."""

    known: dict[Key, Known] = field(default_factory=dict)
    reading: dict[Key, Reading] = field(default_factory=dict)


class CachedStore:
    """A store with a memory.

    Rows read less than `max_age_s` ago are not read again, and what is being read is read once for all who ask.
    While the store cannot be read, its last known rows are given, marked as degraded, until they are `stale_limit_s`
    old: then StoreError. While it is away nobody waits for it: the first answer waits for the store's own time
    limit, all later ones are given at once, with an attempt to read behind them. most: entities kept for each kind of
    read. clock: seconds, for tests.
    """

    def __init__(
        self,
        store: OnlineStore,
        max_age_s: float = 0.5,
        stale_limit_s: float = 3600.0,
        most: int = 4096,
        keys_age_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self.max_age_s = max_age_s
        self.stale_limit_s = stale_limit_s
        self.most = most
        self.keys_age_s = keys_age_s
        self._clock = clock
        self._tables: dict[ReadKind, EntityCache] = {}
        self._listed: dict[tuple[str, tuple[str, ...]], tuple[list[Key], float]] = {}
        self._listing: dict[tuple[str, tuple[str, ...]], asyncio.Task[list[Key]]] = {}
        self._away = False

    async def read(self, join_key: str, keys: Iterable[Key], views: Views) -> Rows:
        """The rows of the entities, and how old they are. Raises StoreError: away, and none known that are young."""
        kind = (join_key, tuple([(view, tuple(features)) for view, features in views.items()]))
        table = self._tables.get(kind)
        if table is None:
            table = self._tables[kind] = EntityCache()
        now = oldest = self._clock()
        rows = Rows()
        wanted = []
        for key in keys:
            known = table.known.get(key)
            if known is None or now - known.read_at > self.max_age_s:
                wanted.append(key)
                continue
            oldest = min(oldest, self._give(known, rows))
        if wanted:
            found, away = await self._found(kind, table, wanted)
            for each in found:
                oldest = min(oldest, self._give(each, rows))
            rows.degraded = rows.degraded or away
        rows.age_seconds = max(self._clock() - oldest, 0.0)
        return rows

    async def keys(self, join_key: str, views: Iterable[str]) -> list[Key]:
        """Every entity of the views, as listed at most `keys_age_s` ago, or last while the store is away."""
        group = (join_key, tuple(views))
        listed, at = self._listed.get(group, ([], -math.inf))
        if self._clock() - at <= (self.keys_age_s if listed else min(self.keys_age_s, EMPTY_AGE_SECONDS)):
            return listed
        listing = self._listing.get(group)
        if listing is None or _foreign(listing):
            listing = self._listing[group] = begin(self._list(group))
        age = self._clock() - at
        if self._away and age <= self.stale_limit_s:
            return listed
        try:
            return await asyncio.shield(listing)
        except StoreError as error:
            if age <= self.stale_limit_s:
                return listed
            raise self._too_old(error, age) from None

    def close(self) -> None:
        """Close the store; what is known is kept."""
        self.store.close()

    def _give(self, known: Known, rows: Rows) -> float:
        """Add what is known of an entity to the rows. Returns when the oldest of it was read."""
        rows.update(known.rows)
        oldest = known.read_at
        for place, why in known.unreadable.items():
            rows.degraded = True
            former = known.former.get(place)
            if former is None or self._clock() - former.read_at > self.stale_limit_s:
                rows.unreadable[place] = why
            else:
                rows[place] = former.row
                oldest = min(oldest, former.read_at)
        return oldest

    async def _found(self, kind: ReadKind, table: EntityCache, keys: Sequence[Key]) -> tuple[list[Known], bool]:
        """What the store holds of these entities, or last held: then the second is true."""
        if self._away and (last := self._last(table, keys)):
            if not table.reading.keys() >= set(keys):
                begin(self._read(kind, table, keys))
            return last, True
        try:
            found = await self._read(kind, table, keys)
            return [found[key] for key in keys], False
        except StoreError as error:
            if last := self._last(table, keys):
                return last, True
            ages = [self._clock() - table.known[key].read_at for key in keys if key in table.known]
            raise self._too_old(error, max(ages, default=0.0)) from None

    def _last(self, table: EntityCache, keys: Sequence[Key]) -> list[Known]:
        """What is known of all these entities; empty when one is unknown or known for too long."""
        oldest = self._clock() - self.stale_limit_s
        last = [known for key in keys if (known := table.known.get(key)) and known.read_at >= oldest]
        return last if len(last) == len(keys) else []

    async def _read(self, kind: ReadKind, table: EntityCache, keys: Sequence[Key]) -> dict[Key, Known]:
        """What the store holds of these entities; waits for those that others are reading already."""
        found: dict[Key, Known] = {}
        while left := [key for key in keys if key not in found]:
            others = {other for key in left if (other := table.reading.get(key)) is not None and not _foreign(other)}
            new = [key for key in left if (other := table.reading.get(key)) is None or other not in others]
            if new:
                found |= await self._read_new(kind, table, new)
            for other in others:
                found |= await asyncio.shield(other)
        return found

    async def _read_new(self, kind: ReadKind, table: EntityCache, keys: Sequence[Key]) -> dict[Key, Known]:
        """Read the entities, for all who ask for them meanwhile. Cut off, they find nothing and read themselves."""
        reading: Reading = asyncio.get_running_loop().create_future()
        for key in keys:
            table.reading[key] = reading
        found: dict[Key, Known] = {}
        try:
            rows = await self._watched(self.store.read(kind[0], keys, dict(kind[1])))
            found = self._keep(table, keys, rows)
        except StoreError as error:
            reading.set_exception(error)
            reading.exception()  # nobody else may have group
            raise
        finally:
            for key in keys:
                table.reading.pop(key, None)
            if not reading.done():
                reading.set_result(found)
        return found

    def _keep(self, table: EntityCache, keys: Sequence[Key], rows: Rows) -> dict[Key, Known]:
        """What the rows say of these entities. Those of which there is nothing are not kept: names cost nothing."""
        now = self._clock()
        found = {key: Known({}, now, {}, {}) for key in keys}
        for place, row in rows.items():
            found[place[1]].rows[place] = row
        for place, why in rows.unreadable.items():
            found[place[1]].unreadable[place] = why
            if former := _former(table.known.get(place[1]), place):
                found[place[1]].former[place] = former
        for key, known in found.items():
            table.known.pop(key, None)
            if known.rows or known.unreadable:
                table.known[key] = known
        while len(table.known) > self.most:
            del table.known[next(iter(table.known))]
        return found

    async def _list(self, group: tuple[str, tuple[str, ...]]) -> list[Key]:
        try:
            listed = await self._watched(self.store.keys(*group))
        finally:
            self._listing.pop(group, None)
        self._listed[group] = (listed, self._clock())
        return listed

    async def _watched(self, work: Awaitable[Answer]) -> Answer:
        """Do the work, and note whether the store is there."""
        try:
            answer = await work
        except StoreError:
            self._away = True
            raise
        self._away = False
        return answer

    def _too_old(self, error: StoreError, age: float) -> StoreError:
        """The error, and that nothing stands in: what is known is of `age` seconds ago, 0 or infinite if nothing."""
        if not self.stale_limit_s < age < math.inf:
            return error
        return StoreError(
            f"{error}; what was read of it {age:.4g} s ago is older than {self.stale_limit_s:g} s and not used"
        )


def _former(known: Known | None, place: tuple[str, Key]) -> FormerRow | None:
    """The last row of a place that could be read."""
    if known is None:
        return None
    row = known.rows.get(place)
    return known.former.get(place) if row is None else FormerRow(row, known.read_at)


def _foreign(future: asyncio.Future[Any]) -> bool:
    """Whether it belongs to another event loop, which may have ended."""
    return future.get_loop() is not asyncio.get_running_loop()
