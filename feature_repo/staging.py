"""Staging of new rows in Redis: written under another project's name, then renamed in one transaction.

Feast writes to Redis row by row, never replaces a row by an older one and never deletes one: a reader would find teams
of two moments side by side, and materialising an earlier moment would change nothing.
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
"""Lifetime of staged rows: Redis deletes those of a killed writer."""

PAGE = 1000
COUNTER = f"{PROJECT}:filled"
"""Key that counts the replacements. A writer watches it to notice another one."""


class Staging:
    """A temporary Feast project. When its block ends, its rows replace all rows of `PROJECT`.

    Raises FeatureStoreError when Redis fails or refuses; the rows of `PROJECT` then stay.
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
                raise self._store_error(why) from why
        finally:
            self._redis.close()
        if isinstance(error, RedisError):
            raise self._store_error(error) from error

    def _replace(self) -> None:
        """Rename the staged rows in a transaction; start again when another writer or an expired row changes them."""
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
        """Keys of a project's rows. The pattern also finds projects whose name ends alike: those are left out."""
        for entity in ENTITIES:
            prefix, name = key_prefix([entity.join_key]), project.encode()
            for key in self._redis.scan_iter(match=_escape(prefix) + b"*" + _escape(name), count=PAGE):
                value = len(prefix) + 8
                size = int.from_bytes(key[value - 4 : value], "little")
                if key[value + size :] == name:
                    yield key

    def _store_error(self, why: RedisError) -> FeatureStoreError:
        return FeatureStoreError(
            f"the online store {self._address} refuses ({why}): check MATCHDAY_ONLINE_STORE, and that Redis is running"
        )


def _escape(raw: bytes) -> bytes:
    """Escape bytes that have a meaning in a Redis pattern."""
    return b"".join(b"\\" + bytes([byte]) if byte in b"*?[]^\\-" else bytes([byte]) for byte in raw)
