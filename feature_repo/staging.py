"""Rows on their way into Redis: under a name of their own, until they replace the former ones in one transaction.

Feast's own way of writing to Redis is row by row, never over a row as new or newer, and never away with a row: a
reader would find teams of two moments side by side, and going back in time would change nothing.
"""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self
from uuid import uuid4

from feast.infra.key_encoding_utils import serialize_entity_key_prefix as key_prefix
from redis import Redis, RedisError, WatchError
from redis.client import Pipeline

from feature_repo.definitions import ENTITIES
from feature_repo.error import FeatureStoreError
from feature_repo.online import PROJECT, client_options
from matchday.online_store import RedisAddress, directory_key

LIFE_SECONDS = 3600
"""After this long Redis itself takes away what a killed writer left."""

PAGE = 1000
COUNTER = f"{PROJECT}:filled"
"""Counts how often the rows were replaced. Two writers at once notice each other by it."""


class Staging:
    """A Feast project that lasts as long as the block; then its rows are those of `PROJECT`, and no others are.

    Raises FeatureStoreError when Redis does not do as it should. The rows of `PROJECT` are then as they were.
    """

    def __init__(self, address: RedisAddress) -> None:
        self.project = f"{PROJECT}_{uuid4().hex[:12]}"
        self._redis = Redis(**client_options(address))
        self._address = address

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._replace()
            else:
                self._drop()
        except RedisError as why:
            if error is None:
                raise self._said(why) from why
        finally:
            self._redis.close()
        if isinstance(error, RedisError):
            raise self._said(error) from error

    def _replace(self) -> None:
        """Watches what it is about to move: another writer, or rows that ran out of time, make it look again."""
        with self._redis.pipeline(transaction=True) as swap:
            while True:
                swap.watch(COUNTER)
                staged, former = set(self._keys(self.project)), set(self._keys(PROJECT))
                if not staged:
                    raise FeatureStoreError(f"Feast has written no row to {self._address}: is it out of memory?")
                swap.watch(*staged)
                places = {key.removesuffix(self.project.encode()) + PROJECT.encode(): key for key in staged}
                swap.multi()
                for gone in former - places.keys():
                    swap.delete(gone)
                for place, key in places.items():
                    swap.rename(key, place)
                    swap.persist(place)
                self._write_directory(swap, [key.removesuffix(self.project.encode()) for key in staged])
                swap.incr(COUNTER)
                try:
                    swap.execute()
                except WatchError:
                    continue
                return

    def _write_directory(self, swap: Pipeline, entities: Sequence[bytes]) -> None:
        """Name the entities to those who read the store."""
        for entity in ENTITIES:
            prefix, key = key_prefix([entity.join_key]), directory_key(PROJECT, entity.join_key)
            swap.delete(key)
            if members := [each for each in entities if each.startswith(prefix)]:
                swap.sadd(key, *members)

    def _drop(self) -> None:
        if left := list(self._keys(self.project)):
            self._redis.delete(*left)

    def _keys(self, project: str) -> Iterator[bytes]:
        """Keys of a project's rows. One whose name merely ends so has keys that merely end so."""
        for entity in ENTITIES:
            prefix, name = key_prefix([entity.join_key]), project.encode()
            for key in self._redis.scan_iter(match=_literal(prefix) + b"*" + _literal(name), count=PAGE):
                value = len(prefix) + 8
                size = int.from_bytes(key[value - 4 : value], "little")
                if key[value + size :] == name:
                    yield key

    def _said(self, why: RedisError) -> FeatureStoreError:
        return FeatureStoreError(
            f"the online store {self._address} refuses ({why}): check MATCHDAY_ONLINE_STORE, and that Redis is running"
        )


def _literal(raw: bytes) -> bytes:
    """Bytes that stand for themselves in a pattern of Redis."""
    return b"".join(b"\\" + bytes([byte]) if byte in b"*?[]^\\-" else bytes([byte]) for byte in raw)
