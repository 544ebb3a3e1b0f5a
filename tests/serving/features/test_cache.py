"""What the cache spares the store, what it says while the store is away, and when it says no more."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from serving.features.cache import CachedStore
from serving.features.store import Key, Row, Rows, StoreError, Views

ELO = {"rating": ("elo",)}


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Ledger:
    """A store in memory: counts its reads, changes its answer with each, and goes away when told to."""

    def __init__(self) -> None:
        self.reads: list[list[Key]] = []
        self.lists = 0
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, join_key: str, keys: Iterable[Key], views: Views) -> Rows:
        self.reads.append(list(keys))
        number = float(len(self.reads))
        await self.gate.wait()
        await asyncio.sleep(0)
        if self.away:
            raise StoreError("the store is away")
        return Rows({(view, key): Row({"elo": number}, 0.0, 0.0) for view in views for key in keys if key != "XXX"})

    async def keys(self, join_key: str, views: Iterable[str]) -> list[Key]:
        self.lists += 1
        await asyncio.sleep(0)
        if self.away:
            raise StoreError("the store is away")
        return ["ARS", "LIV"]

    def close(self) -> None:
        self.gate.set()


class Scene:
    """A cache over a ledger, with a clock."""

    def __init__(self, **limits: Any) -> None:
        self.ledger, self.clock = Ledger(), Clock()
        self.cache = CachedStore(self.ledger, **({"max_age_s": 1.0, "stale_limit_s": 60.0} | limits), clock=self.clock)

    async def elo(self, *keys: Key, views: Views = ELO) -> tuple[list[Any], float, bool]:
        rows = await self.cache.read("team", keys, views)
        values = [row.values["elo"] if (row := rows.get(("rating", key))) else None for key in keys]
        return values, rows.age_seconds, rows.degraded


def play(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scene)


def test_rows_are_read_again_when_they_are_too_old_and_names_of_nobody_each_time() -> None:
    async def story() -> None:
        scene = Scene()
        assert await scene.elo("ARS", "LIV") == ([1, 1], 0.0, False)
        scene.clock.now += 0.75
        assert await scene.elo("ARS", "MCI") == ([1, 2], 0.75, False)
        scene.clock.now += 0.75
        assert await scene.elo("ARS", "MCI", "XXX") == ([3, 2, None], 0.75, False)
        assert await scene.elo("XXX") == ([None], 0.0, False)
        assert scene.ledger.reads == [["ARS", "LIV"], ["MCI"], ["ARS", "XXX"], ["XXX"]]

    play(story())


def test_other_views_and_join_keys_are_read_for_themselves() -> None:
    async def story() -> None:
        scene = Scene()
        await scene.elo("ARS")
        await scene.elo("ARS", views={"rating": ["elo"]})
        assert len(scene.ledger.reads) == 1
        await scene.elo("ARS", views={"rating": ["elo", "matches"]})
        await scene.cache.read("player", ["ARS"], ELO)
        assert len(scene.ledger.reads) == 3

    play(story())


def test_readers_of_the_same_entity_share_one_read() -> None:
    async def story() -> None:
        scene = Scene(max_age_s=0.0)
        scene.ledger.gate.clear()
        first = asyncio.ensure_future(scene.elo("ARS", "LIV"))
        await asyncio.sleep(0)
        others = [asyncio.ensure_future(scene.elo("LIV", "MCI")) for _ in range(5)]
        await asyncio.sleep(0)
        scene.ledger.gate.set()
        assert await first == ([1, 1], 0.0, False)
        assert await asyncio.gather(*others) == [([1, 2], 0.0, False)] * 5
        assert scene.ledger.reads == [["ARS", "LIV"], ["MCI"]]

    play(story())


def test_one_who_leaves_takes_nothing_from_the_others() -> None:
    async def story() -> None:
        scene = Scene()
        scene.ledger.gate.clear()
        leaver = asyncio.ensure_future(scene.elo("ARS"))
        await asyncio.sleep(0)
        stayer, other = asyncio.ensure_future(scene.elo("ARS")), asyncio.ensure_future(scene.elo("ARS"))
        await asyncio.sleep(0)
        leaver.cancel()
        await asyncio.sleep(0)
        other.cancel()
        scene.ledger.gate.set()
        assert (await stayer)[1:] == (0.0, False)
        assert [leaver.cancelled(), other.cancelled()] == [True, True]
        assert scene.cache._tables[("team", (("rating", ("elo",)),))].reading == {}

    play(story())


def test_while_the_store_is_away_last_known_rows_are_given_with_their_age_up_to_a_limit() -> None:
    async def story() -> None:
        scene = Scene()
        await scene.elo("ARS")
        scene.ledger.away = True
        assert await scene.elo("ARS") == ([1], 0.0, False)
        scene.clock.now += 60
        assert await scene.elo("ARS") == ([1], 60.0, True)
        with pytest.raises(StoreError, match=r"^the store is away$"):
            await scene.elo("ARS", "LIV")
        scene.clock.now += 0.5
        with pytest.raises(StoreError, match=r"the store is away; what was read of it 60\.5 s ago is older than 60 s"):
            await scene.elo("ARS")

    play(story())


def test_while_the_store_is_away_nobody_waits_for_it_and_its_return_is_noticed() -> None:
    async def story() -> None:
        scene = Scene()
        await scene.elo("ARS")
        scene.ledger.away = True
        scene.clock.now += 2
        assert (await scene.elo("ARS"))[2]
        scene.ledger.gate.clear()
        answers = [await asyncio.wait_for(scene.elo("ARS"), 1) for _ in range(20)]
        assert answers == [([1], 2.0, True)] * 20
        assert len(scene.ledger.reads) == 3, "one attempt behind them all"
        scene.ledger.away = False
        scene.ledger.gate.set()
        while (row := await scene.elo("ARS"))[2]:
            await asyncio.sleep(0.01)
        assert row == ([3], 0.0, False)

    play(story())


@given(keys=some.lists(some.integers(0, 30), max_size=80), most=some.integers(1, 10))
def test_no_more_entities_are_kept_than_allowed_and_all_asked_for_are_given(keys: list[Key], most: int) -> None:
    async def story() -> None:
        scene = Scene(most=most)
        for start in range(0, len(keys), 7):
            values, *_ = await scene.elo(*keys[start : start + 7])
            assert None not in values
            assert all(len(table.known) <= most for table in scene.cache._tables.values())

    play(story())


def test_the_list_of_entities_is_kept_for_a_while_and_stands_in_too() -> None:
    async def story() -> None:
        scene = Scene(keys_age_s=5.0)

        async def listed() -> list[Key]:
            return await scene.cache.keys("team", ["rating"])

        assert await asyncio.gather(listed(), listed(), listed()) == [["ARS", "LIV"]] * 3
        assert scene.ledger.lists == 1
        scene.clock.now += 6
        assert await listed() == ["ARS", "LIV"]
        assert scene.ledger.lists == 2
        scene.ledger.away = True
        scene.clock.now += 60
        assert await listed() == ["ARS", "LIV"]
        scene.clock.now += 1
        with pytest.raises(StoreError, match="is older than 60 s"):
            await listed()
        scene.ledger.away = False
        assert await listed() == ["ARS", "LIV"]

    play(story())


def test_nothing_hangs_on_an_event_loop_that_has_ended() -> None:
    scene = Scene(max_age_s=0.0)

    async def cut_off() -> None:
        scene.ledger.gate = asyncio.Event()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(scene.elo("ARS"), 0.01)

    play(cut_off())

    async def again() -> None:
        scene.ledger.gate = asyncio.Event()
        scene.ledger.gate.set()
        assert (await scene.elo("ARS"))[0] == [2]

    play(again())
