"""Staging of new rows in Redis: written under another project's name, then moved to their place by one script.

A reader that comes between never finds teams of two moments side by side, and no row later than the refill's moment is
left behind. Rows that were streamed in since, newer than those staged, stay.
"""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from redis import RedisError

from feature_repo.error import FeatureStoreError
from feature_repo.online import PROJECT, counter_key
from feature_repo.window import Window
from feature_repo.writers.redis import connect, find_keys, refusal
from feature_repo.writers.scripts import load_script
from matchday.feast_layout.keys import key_prefix
from matchday.feast_layout.moments import MILLION
from matchday.features.entities import ENTITIES
from matchday.online_store import RedisAddress, directory_key

LIFE_SECONDS = 3600
"""Lifetime of staged rows: Redis deletes those of a killed writer."""

COUNTER = counter_key(PROJECT)
"""Key that counts the refills. A writer notices another one by it."""

NOTHING = Window(1, 0)
"""No event time is in it: only staged rows are left."""


class Staging:
    """A temporary Feast project. When its block ends, its rows replace all rows of `PROJECT`.

    staying: rows of `PROJECT` that our writers have streamed in, with event times in this window and later than the
    staged row, stay. Raises FeatureStoreError when Redis fails or refuses; the rows of `PROJECT` then stay.
    """

    def __init__(self, address: RedisAddress, staying: Window = NOTHING) -> None:
        self.project = f"{PROJECT}_{uuid4().hex[:12]}"
        self._redis = connect(address)
        self._address = address
        self._staying = staying

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
                raise refusal(self._address, why) from why
        finally:
            self._redis.close()
        if isinstance(error, RedisError):
            raise refusal(self._address, error) from error

    def _replace(self) -> None:
        """Move the staged rows to their place; look for them again when one has run out meanwhile."""
        swap = self._redis.register_script(load_script("swap_rows").text)
        moments = [part for moment in self._staying for part in (moment // MILLION, moment % MILLION * 1000)]
        directories = [
            part
            for entity in ENTITIES
            for part in (directory_key(PROJECT, entity.join_key), key_prefix(entity.join_key))
        ]
        moved: Any = 0
        while not moved:
            staged, former = list(self._keys(self.project)), list(self._keys(PROJECT))
            if not staged:
                raise FeatureStoreError(f"Feast has written no row to {self._address}: is it out of memory?")
            arguments = [PROJECT, self.project, *moments, len(ENTITIES), *directories, len(staged), *staged, *former]
            moved = swap(keys=[COUNTER], args=arguments)

    def _drop(self) -> None:
        if left := list(self._keys(self.project)):
            self._redis.delete(*left)

    def _keys(self, project: str) -> Iterator[bytes]:
        for entity in ENTITIES:
            yield from find_keys(self._redis, entity.join_key, project)
