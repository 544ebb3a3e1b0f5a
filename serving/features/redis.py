"""Feast's Redis online store, read without Feast. See `feast_bytes` for what Feast writes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import hiredis

from matchday.online_store import RedisAddress
from serving.features.connection import Connection, Patience
from serving.features.feast_bytes import Values, entity_key, field_name, key_of, key_prefix, moment_of, time_name
from serving.features.store import Key, Row, Rows, StoreError, Views
from serving.features.wire import Reply, command

MOST_COMMANDS = 8192
"""Commands that are kept, one for each entity that the store has."""

SCAN_COUNT = b"1000"


@dataclass(slots=True)
class Asked:
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
        self._asked: dict[tuple[tuple[str, tuple[str, ...]], ...], Asked] = {}
        self._values = Values()
        self._moments: dict[bytes, float] = {}

    async def read(self, join_key: str, keys: Iterable[Key], views: Views) -> Rows:
        """The rows of the entities, in one round trip: one HMGET each, for all views.

        A row without its event time counts as absent: nobody could say whether it may be used.
        """
        names = list(dict.fromkeys(keys))
        if not names or not views:
            return Rows()
        asked = self._prepared(views)
        commands = asked.commands
        new: dict[Key, bytes] = {}
        try:
            ready = [commands[join_key, name] for name in names]
        except KeyError:
            new = {name: self._command(asked, join_key, name) for name in names}
            ready = list(new.values())
        replies = await self._connection.ask(ready)
        rows = Rows()
        for name, reply in zip(names, replies, strict=True):
            self._take(rows, asked, name, reply)
        if new:
            self._keep(asked, join_key, {key: new[key] for _, key in rows})
        return rows

    async def keys(self, join_key: str, views: Iterable[str]) -> list[Key]:
        """Every entity of the views, sorted. Goes over the whole database, a page at a time."""
        pattern = _literal(key_prefix(join_key)) + b"*" + _literal(self.project)
        times = [time_name(view) for view in views]
        found: set[Key] = set()
        cursor = b"0"
        while True:
            page = (await self._connection.ask([command("SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT)]))[0]
            cursor, raw = self._list(page, 2)
            names = {key: name for key in raw if (name := self._key_of(key, join_key)) is not None}
            if names and times:
                replies = await self._connection.ask([command("HMGET", key, *times) for key in names])
                for name, held in zip(names.values(), replies, strict=True):
                    if any(stamp is not None for stamp in self._list(held)):
                        found.add(name)
            if cursor == b"0":
                return sorted(found, key=str)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _prepared(self, views: Views) -> Asked:
        wanted = tuple([(view, tuple(features)) for view, features in views.items()])
        asked = self._asked.get(wanted)
        if asked is None:
            asked = self._asked[wanted] = _prepare(wanted)
        return asked

    def _command(self, asked: Asked, join_key: str, name: Key) -> bytes:
        key = entity_key(join_key, name) + self.project
        return b"*%d\r\n$5\r\nHMGET\r\n$%d\r\n%b\r\n%b" % (asked.count + 2, len(key), key, asked.tail)

    def _keep(self, asked: Asked, join_key: str, commands: Mapping[Key, bytes]) -> None:
        """Keep commands for entities that the store has; for names that clients made up none is kept."""
        if len(asked.commands) + len(commands) > MOST_COMMANDS:
            asked.commands.clear()
        asked.commands.update({(join_key, name): ready for name, ready in commands.items()})

    def _take(self, rows: Rows, asked: Asked, name: Key, reply: Reply) -> None:
        """Add what a reply holds of an entity."""
        fields = self._list(reply, asked.count)
        value = self._values.__getitem__
        try:
            for view, features, start, stop in asked.parts:
                stamp = fields[stop]
                if stamp is not None:
                    moment = self._moment(stamp)
                    values = dict(zip(features, map(value, fields[start:stop]), strict=True))
                    rows[view, name] = Row(values, moment, moment)
        except TypeError:
            raise StoreError(f"the online store {self._connection.address} holds what is no text of Redis") from None

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
        """The entity of a hash, None when it is of another project whose name ends as this one's does."""
        start = len(key_prefix(join_key)) + 8
        size = int.from_bytes(raw[start - 4 : start], "little")
        return key_of(raw[: start + size], join_key) if raw[start + size :] == self.project else None


def _prepare(wanted: Sequence[tuple[str, tuple[str, ...]]]) -> Asked:
    parts = []
    fields: list[bytes] = []
    for view, features in wanted:
        start = len(fields)
        fields += [field_name(view, feature) for feature in features]
        parts.append((view, features, start, len(fields)))
        fields.append(time_name(view))
    tail = b"".join(b"$%d\r\n%b\r\n" % (len(name), name) for name in fields)
    return Asked(len(fields), tail, tuple(parts))


def _literal(raw: bytes) -> bytes:
    """Bytes that stand for themselves in a pattern of Redis."""
    return b"".join(b"\\" + bytes([byte]) if byte in b"*?[]^\\-" else bytes([byte]) for byte in raw)
