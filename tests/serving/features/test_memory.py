"""What clients ask for does not grow the memory of the store's readers."""

import asyncio
import tracemalloc

import pytest

from serving.features.cache import CachedStore
from serving.features.store import OnlineStore
from tests.serving.features.conftest import TEAMS, VIEWS, Stored

pytestmark = pytest.mark.services

OF_TEAMS = {view: VIEWS[view] for view in ("club", "rating")}
LONG, NAMES = 2**18, 60
LIMIT = 2 * 2**20
"""Bytes; the names are 16 MB together."""


async def ask(store: OnlineStore, names: range) -> None:
    for number in names:
        assert not await store.read("team", [f"{number}" + "x" * LONG], OF_TEAMS)
        assert await store.read("team", TEAMS, OF_TEAMS)


@pytest.mark.parametrize("cached", [False, True])
def test_names_that_are_unknown_are_not_kept(stored: Stored, cached: bool) -> None:
    async def scene() -> int:
        store = CachedStore(stored.open()) if cached else stored.open()
        await ask(store, range(2))
        tracemalloc.start()
        try:
            await ask(store, range(2, NAMES))
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
            store.close()

    assert asyncio.run(scene()) < LIMIT
