"""A real Redis that is killed, hung, restarted, locked or encrypted under reads; the event loop goes on."""

import asyncio
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from matchday.online_store import RedisAddress
from serving.features import open_store
from serving.features.cache import CachedStore
from serving.features.connection import Connection, Patience
from serving.features.redis import RedisStore
from serving.features.store import StoreError
from serving.features.wire import command
from tests.services.certificates import self_signed
from tests.services.processes import free_port
from tests.services.redis import RedisServer, redis_server
from tests.serving.features.conftest import VIEWS, Stored, feast_redis, write
from tests.waiting import eventually_on_loop

pytestmark = pytest.mark.services

CLUB = {"club": VIEWS["club"]}

ANSWER = 2.0
"""Seconds that an answer is waited for where Redis hangs."""

LONGEST_PAUSE = 1.0
"""Seconds that the event loop may stand still on a busy machine; a loop that waits for an answer stands for longer."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dump of what Feast wrote."""
    folder = tmp_path_factory.mktemp("dump")
    with redis_server(folder) as server:
        write(tmp_path_factory.mktemp("feast"), feast_redis(server))
        server.save()
    return folder


@pytest.fixture
def server(filled: Path, tmp_path: Path) -> Iterator[RedisServer]:
    """A server with that dump, to be mistreated."""
    (tmp_path / "dump.rdb").write_bytes((filled / "dump.rdb").read_bytes())
    with redis_server(tmp_path) as running:
        yield running


@asynccontextmanager
async def never_blocked() -> AsyncIterator[None]:
    """Fails when the event loop stands still within the block."""
    pauses = [0.0]

    async def tick() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            pauses.append(time.perf_counter() - before)

    ticking = asyncio.ensure_future(tick())
    try:
        yield
    finally:
        ticking.cancel()
    assert len(pauses) > 5, "the event loop did not go round while the block waited"
    assert max(pauses) < LONGEST_PAUSE, f"the event loop stood still for {max(pauses):.3f} s"


def cached(server: RedisServer, answer: float = 0.25, stale: float = 60.0) -> CachedStore:
    patience = Patience(answer=answer, connect=answer, shortest=0.02, longest=0.1)
    return CachedStore(
        RedisStore(RedisAddress.parse(server.url), patience=patience), max_age_s=0.0, stale_limit_s=stale
    )


def test_killed_and_started_again_under_reads_it_only_costs_freshness(server: RedisServer) -> None:
    async def story() -> None:
        store = cached(server)
        fresh = await store.read("team", ["ARS", "LIV"], CLUB)
        assert not fresh.degraded
        async with never_blocked():
            ended = asyncio.Event()
            seen: list[tuple[bool, float]] = []

            async def reader() -> None:
                while not ended.is_set():
                    rows = await store.read("team", ["ARS", "LIV"], CLUB)
                    assert rows == fresh
                    seen.append((rows.degraded, rows.age_seconds))
                    await asyncio.sleep(0.002)

            readers = [asyncio.ensure_future(reader()) for _ in range(4)]
            await eventually_on_loop(lambda: seen)
            await asyncio.to_thread(server.kill)
            await eventually_on_loop(lambda: seen[-1][0] and seen[-1][1] > 0.2)
            await asyncio.to_thread(server.start)
            await eventually_on_loop(lambda: not seen[-1][0])
            ended.set()
            await asyncio.gather(*readers)
        store.close()

    asyncio.run(story())


def test_hung_it_is_waited_for_once_and_known_again_when_it_goes_on(server: RedisServer) -> None:
    async def story() -> None:
        store = cached(server, answer=ANSWER)
        await store.read("team", ["ARS"], CLUB)
        server.signal(signal.SIGSTOP)
        async with never_blocked():
            start = time.perf_counter()
            assert (await store.read("team", ["ARS"], CLUB)).degraded
            assert time.perf_counter() - start > 0.9 * ANSWER
            start = time.perf_counter()
            answers = [await store.read("team", ["ARS"], CLUB) for _ in range(50)]
            assert all(rows.degraded for rows in answers)
            assert time.perf_counter() - start < 10 * ANSWER, "nobody waits for a store known to be away"
            with pytest.raises(StoreError, match=r"did not answer within 2 s|no answer within 2 s"):
                await store.read("team", ["LIV"], CLUB)
        server.signal(signal.SIGCONT)
        deadline = time.monotonic() + 10
        while (await store.read("team", ["ARS"], CLUB)).degraded:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        store.close()

    asyncio.run(story())


def test_beyond_the_limit_nothing_stale_is_said(server: RedisServer) -> None:
    async def story() -> None:
        store = cached(server, stale=2.0)
        await store.read("team", ["ARS"], CLUB)
        server.kill()
        assert (await store.read("team", ["ARS"], CLUB)).degraded
        await asyncio.sleep(2.05)
        with pytest.raises(StoreError, match=r"cannot be reached: .*is older than 2 s"):
            await store.read("team", ["ARS"], CLUB)
        server.start()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                assert not (await store.read("team", ["ARS"], CLUB)).degraded
            except StoreError:
                await asyncio.sleep(0.01)
            else:
                break
        else:
            pytest.fail("it never came back")
        store.close()

    asyncio.run(story())


def test_between_attempts_to_connect_failing_is_instant(tmp_path: Path) -> None:
    async def story() -> None:
        connection = Connection(RedisAddress("127.0.0.1", free_port()), Patience(shortest=5, longest=5))
        with pytest.raises(StoreError, match=r"redis://127.0.0.1:\d+/0 cannot be reached"):
            await connection.ask([command("PING")])
        start = time.perf_counter()
        for _ in range(100):
            with pytest.raises(StoreError, match="cannot be reached"):
                await connection.ask([command("PING")])
        assert time.perf_counter() - start < 4
        connection.close()

    asyncio.run(story())


def test_a_restart_while_idle_is_not_noticed_by_the_next_reader(server: RedisServer) -> None:
    async def story() -> None:
        store = open_store(server.url)
        before = await store.read("team", ["ARS"], CLUB)
        server.kill()
        server.start()
        assert await store.read("team", ["ARS"], CLUB) == before
        store.close()

    asyncio.run(story())


def test_a_wrong_password_is_said_without_it(tmp_path: Path) -> None:
    async def story(url: str) -> None:
        store = open_store(url)
        with pytest.raises(StoreError, match=r"cannot be reached: (WRONGPASS|NOAUTH)") as raised:
            await store.read("team", ["ARS"], CLUB)
        assert "guess" not in str(raised.value)
        store.close()

    with redis_server(tmp_path, password="right") as guarded:
        asyncio.run(story(f"redis://:guess@127.0.0.1:{guarded.port}"))
        asyncio.run(story(f"redis://127.0.0.1:{guarded.port}"))


def test_databases_are_told_apart(server: RedisServer) -> None:
    async def story() -> None:
        other = open_store(server.url.removesuffix("/0") + "/5")
        assert await other.read("team", ["ARS"], CLUB) == {}
        other.close()
        beyond = open_store(server.url.removesuffix("/0") + "/99")
        with pytest.raises(StoreError, match="DB index is out of range"):
            await beyond.read("team", ["ARS"], CLUB)

    asyncio.run(story())


def test_tls_is_spoken_and_a_stranger_is_not_trusted(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "dump.rdb").write_bytes((filled / "dump.rdb").read_bytes())
    public, private = self_signed(tmp_path)
    port = free_port()
    files = ("--tls-cert-file", str(public), "--tls-key-file", str(private), "--tls-ca-cert-file", str(public))

    async def story() -> None:
        store = open_store(f"rediss://127.0.0.1:{port}?ssl_ca_certs={public}")
        assert ("club", "ARS") in await store.read("team", ["ARS"], CLUB)
        store.close()
        with pytest.raises(StoreError, match=r"cannot be reached: .*self-signed certificate"):
            await open_store(f"rediss://127.0.0.1:{port}").read("team", ["ARS"], CLUB)

    with redis_server(tmp_path, options=("--tls-port", str(port), "--tls-auth-clients", "no", *files)):
        asyncio.run(story())


def test_a_locked_sqlite_file_is_waited_for_without_blocking(in_sqlite: Stored, tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    path.write_bytes(Path(in_sqlite.url.removeprefix("sqlite:///")).read_bytes())

    async def story() -> None:
        store = CachedStore(open_store(f"sqlite:///{path}"), max_age_s=0.0)
        fresh = await store.read("team", ["ARS"], CLUB)
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("BEGIN EXCLUSIVE")
        async with never_blocked():
            rows = await store.read("team", ["ARS"], CLUB)
            assert rows.degraded and rows == fresh
            with pytest.raises(StoreError, match="locked"):
                await store.read("team", ["LIV"], CLUB)
            asyncio.get_running_loop().call_later(0.05, writer.execute, "ROLLBACK")
            assert ("club", "MCI") in await store.read("team", ["MCI"], CLUB)
        writer.close()
        store.close()

    asyncio.run(story())


def test_a_sqlite_file_that_is_gone_costs_freshness_and_its_successor_is_read(
    in_sqlite: Stored, tmp_path: Path
) -> None:
    path, held = tmp_path / "online.db", Path(in_sqlite.url.removeprefix("sqlite:///")).read_bytes()
    path.write_bytes(held)

    async def story() -> None:
        store = CachedStore(open_store(str(path)), max_age_s=0.0)
        assert not (await store.read("team", ["ARS"], CLUB)).degraded
        path.unlink()
        assert (await store.read("team", ["ARS"], CLUB)).degraded
        path.write_bytes(held)
        with sqlite3.connect(path) as writer:
            writer.execute("DELETE FROM matchday_club")
        writer.close()
        while rows := await store.read("team", ["ARS"], CLUB):
            assert rows.degraded, "only the time until the new file is read is bridged by what was read before"
            await asyncio.sleep(0.01)
        store.close()

    asyncio.run(story())
