"""Feast's Redis online store, read without Feast. See `matchday.feast_layout` for what Feast writes."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import hiredis

from matchday.feast_layout import Values, entity_key, field_name, key_of, key_prefix, moment_of, time_name
from matchday.online_store import RedisAddress, directory_key
from serving.features.connection import Connection, Patience
from serving.features.store import Key, Row, Rows, StoreError, Views
from serving.features.wire import Reply, command

MOST_COMMANDS = 8192
"""Commands that are kept, one for each entity that the store has."""

PAGE = 1000
"""Entities that are listed at once."""

WRONG_TYPE = "WRONGTYPE"
"""How Redis begins to say that a key holds no hash."""


@dataclass(slots=True)
class ReadPlan:
    """What is read of an entity, ready to be sent.

    count: fields of the hash. tail: their names as they end the command. parts: of each view its features, where
    they begin among the fields, and where its event time stands, right behind them.
    """

    count: int
    tail: bytes
    parts: tuple[tuple[str, tuple[str, ...], int, int], ...]
    commands: dict[tuple[str, Key], bytes] = field(default_factory=dict)


class RedisStore:
    """The hashes of a Feast project. One connection, made on the first read."""

    def __init__(self, address: RedisAddress, project: str = "matchday", patience: Patience | None = None) -> None:
        self.project = project.encode()
        self._connection = Connection(address, patience)
        self._plans: dict[tuple[tuple[str, tuple[str, ...]], ...], ReadPlan] = {}
        self._values = Values()
        self._moments: dict[bytes, float] = {}

    async def read(self, join_key: str, keys: Iterable[Key], views: Views) -> Rows:
        """The rows of the entities, in one round trip: one HMGET each, for all views.

        A row without its event time counts as absent: nobody could say whether it may be used.
        """
        names = list(dict.fromkeys(keys))
        if not names or not views:
            return Rows()
        plan = self._plan(views)
        commands = plan.commands
        new: dict[Key, bytes] = {}
        try:
            ready = [commands[join_key, name] for name in names]
        except KeyError:
            new = {name: self._command(plan, join_key, name) for name in names}
            ready = list(new.values())
        replies = await self._connection.ask(ready)
        rows = Rows()
        for name, reply in zip(names, replies, strict=True):
            self._take(rows, plan, name, reply)
        if new:
            self._keep(plan, join_key, {key: new[key] for _, key in rows})
        return rows

    async def keys(self, join_key: str, views: Iterable[str]) -> list[Key]:
        """Every entity of the views, sorted: by the directory that materialisation writes.

        Where Feast alone has written the store there is none, and the whole database is gone over, a page at a time.
        """
        listing = command("SMEMBERS", directory_key(self.project.decode(), join_key))
        members = (await self._connection.ask([listing]))[0]
        named: Iterable[bytes] = () if isinstance(members, hiredis.ReplyError) else self._list(members)
        keys = [raw + self.project for raw in named] or [key async for key in self._scan(join_key)]
        found: set[Key] = set()
        for at in range(0, len(keys), PAGE):
            found |= await self._held(keys[at : at + PAGE], join_key, [time_name(view) for view in views])
        return sorted(found, key=str)

    async def _scan(self, join_key: str) -> AsyncIterator[bytes]:
        pattern = _literal(key_prefix(join_key)) + b"*" + _literal(self.project)
        cursor = b"0"
        while True:
            page = (await self._connection.ask([command("SCAN", cursor, "MATCH", pattern, "COUNT", b"%d" % PAGE)]))[0]
            cursor, keys = self._list(page, 2)
            for key in keys:
                yield key
            if cursor == b"0":
                return

    async def _held(self, keys: Sequence[bytes], join_key: str, times: Sequence[bytes]) -> set[Key]:
        """The entities, among those of these keys, that have an event time in one of the views."""
        names = {key: name for key in keys if (name := self._key_of(key, join_key)) is not None}
        if not names or not times:
            return set()
        replies = await self._connection.ask([command("HMGET", key, *times) for key in names])
        return {
            name
            for name, held in zip(names.values(), replies, strict=True)
            if not _is_of_another_type(held) and any(stamp is not None for stamp in self._list(held))
        }

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _plan(self, views: Views) -> ReadPlan:
        wanted = tuple([(view, tuple(features)) for view, features in views.items()])
        plan = self._plans.get(wanted)
        if plan is None:
            plan = self._plans[wanted] = _prepare(wanted)
        return plan

    def _command(self, plan: ReadPlan, join_key: str, name: Key) -> bytes:
        key = entity_key(join_key, name) + self.project
        return b"*%d\r\n$5\r\nHMGET\r\n$%d\r\n%b\r\n%b" % (plan.count + 2, len(key), key, plan.tail)

    def _keep(self, plan: ReadPlan, join_key: str, commands: Mapping[Key, bytes]) -> None:
        """Keep commands for entities that the store has; for names that clients made up none is kept."""
        if len(plan.commands) + len(commands) > MOST_COMMANDS:
            plan.commands.clear()
        plan.commands.update({(join_key, name): ready for name, ready in commands.items()})

    def _take(self, rows: Rows, plan: ReadPlan, name: Key, reply: Reply) -> None:
        """Add what a reply holds of an entity."""
        if _is_of_another_type(reply):
            rows.unreadable |= {(view, name): f"the key of {name} holds no row of Feast" for view, *_ in plan.parts}
            return
        fields = self._list(reply, plan.count)
        value = self._values.__getitem__
        for view, features, start, stop in plan.parts:
            stamp = fields[stop]
            if stamp is None:
                continue
            try:
                moment = self._moment(stamp)
                values = dict(zip(features, map(value, fields[start:stop]), strict=True))
            except StoreError as error:
                rows.unreadable[view, name] = f"{error}, in view {view} of {name}"
            except TypeError:
                address = self._connection.address
                raise StoreError(f"the online store {address} holds what is no text of Redis") from None
            else:
                rows[view, name] = Row(values, moment, moment)

    def _moment(self, stamp: bytes) -> float:
        moment = self._moments.get(stamp)
        if moment is None:
            if len(self._moments) >= MOST_COMMANDS:
                self._moments.clear()
            moment = self._moments[stamp] = moment_of(stamp)
        return moment

    def _list(self, reply: Reply, count: int | None = None) -> list[Any]:
        if isinstance(reply, list) and count in (None, len(reply)):
            return reply
        if isinstance(reply, hiredis.ReplyError):
            raise StoreError(f"the online store {self._connection.address} says: {reply}")
        raise StoreError(f"the online store {self._connection.address} gave an answer of another shape than asked for")

    def _key_of(self, raw: bytes, join_key: str) -> Key | None:
        """The entity of a hash, None when it is of another project whose name ends as this one's does, or garbled."""
        start = len(key_prefix(join_key)) + 8
        size = int.from_bytes(raw[start - 4 : start], "little")
        if raw[start + size :] != self.project:
            return None
        try:
            return key_of(raw[: start + size], join_key)
        except StoreError:
            return None


def _prepare(wanted: Sequence[tuple[str, tuple[str, ...]]]) -> ReadPlan:
    parts = []
    fields: list[bytes] = []
    for view, features in wanted:
        start = len(fields)
        fields += [field_name(view, feature) for feature in features]
        parts.append((view, features, start, len(fields)))
        fields.append(time_name(view))
    tail = b"".join(b"$%d\r\n%b\r\n" % (len(name), name) for name in fields)
    return ReadPlan(len(fields), tail, tuple(parts))


def _is_of_another_type(reply: Reply) -> bool:
    return isinstance(reply, hiredis.ReplyError) and str(reply).startswith(WRONG_TYPE)


def _literal(raw: bytes) -> bytes:
    """Bytes that stand for themselves in a pattern of Redis."""
    return b"".join(b"\\" + bytes([byte]) if byte in b"*?[]^\\-" else bytes([byte]) for byte in raw)
