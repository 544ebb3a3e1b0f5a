"""A connection to a server that answers in pieces, late, wrongly or not at all."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import hiredis
import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as some

from matchday.online_store import RedisAddress
from serving.features.connection import Connection, Patience
from serving.features.redis import RedisStore
from serving.features.store import StoreError
from serving.features.wire import ConnectionLost, Wire, command

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
REPLIES = some.recursive(
    some.none() | some.binary(max_size=20) | some.integers(-(2**63), 2**63 - 1),
    lambda inner: some.lists(inner, max_size=5),
    max_leaves=12,
)


def encoded(reply: Any) -> bytes:
    if reply is None:
        return b"$-1\r\n"
    if isinstance(reply, bytes):
        return b"$%d\r\n%b\r\n" % (len(reply), reply)
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    return b"*%d\r\n%b" % (len(reply), b"".join(map(encoded, reply)))


@given(replies=some.lists(REPLIES, min_size=1, max_size=5), data=some.data())
def test_replies_are_matched_in_order_wherever_the_bytes_are_split(replies: list[Any], data: some.DataObject) -> None:
    stream = b"".join(map(encoded, replies))
    cuts = sorted(data.draw(some.sets(some.integers(0, len(stream)), max_size=8)))
    asked = data.draw(some.integers(0, len(replies)))

    async def scene() -> list[Any]:
        wire = Wire("it", 5, 10)
        first, second = wire.ask([b""] * asked) if asked else None, wire.ask([b""] * (len(replies) - asked or 1))
        for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            wire.data_received(stream[start:stop])
        found = [*(await first if first else []), *(await second if asked < len(replies) else [])]
        wire.close()
        if not second.done():
            second.cancel()
        elif asked == len(replies):
            second.exception()
        return found

    assert asyncio.run(scene()) == replies


@given(noise=some.binary(min_size=1, max_size=60))
def test_any_bytes_are_replies_or_a_store_error(noise: bytes) -> None:
    async def scene() -> None:
        wire = Wire("it", 5, 10)
        future = wire.ask([b""])
        wire.data_received(noise)
        wire.close()
        assert future.done()
        with suppress(StoreError):
            future.result()

    asyncio.run(scene())


@given(words=some.lists(some.binary(max_size=20) | some.text(max_size=20), min_size=1))
def test_commands_are_written_as_hiredis_writes_them(words: list[bytes | str]) -> None:
    assert command(*words) == hiredis.pack_command(tuple(words))


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[RedisAddress]:
    """A TCP server that does as the handler does."""
    async with await asyncio.start_server(handler, "127.0.0.1", 0) as server:
        yield RedisAddress("127.0.0.1", server.sockets[0].getsockname()[1])


def says(answer: bytes, wait: float = 0.0) -> Handler:
    """Greets rightly, then gives this answer to anything."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted = False
        while await reader.read(65536):
            await asyncio.sleep(wait if greeted else 0)
            writer.write(answer if greeted else b"+PONG\r\n")
            greeted = True
        writer.close()

    return handle


PATIENT = Patience(answer=10, connect=10, shortest=0.01, longest=0.05)
QUICK = Patience(answer=0.1, connect=10, shortest=0.01, longest=0.05)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", "does not answer as a Redis server"),
        (b"\x16\x03\x01", "does not answer as a Redis server"),
        (b"*1\r\n$3\r\nabc\r\n", "of another shape"),
        (b"+OK\r\n", "of another shape"),
        (b":5\r\n", "of another shape"),
        (b"*3\r\n:1\r\n:2\r\n:3\r\n", "what is no text"),
        (b"*3\r\n*0\r\n*0\r\n*0\r\n", "what is no text"),
        (b"-MOVED 1 10.0.0.1:6379\r\n", "says: MOVED 1"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "LOADING"),
        (b"*3\r\n$5\r\nab", "did not answer within 0.1 s"),
        (b"", "did not answer within 0.1 s"),
    ],
)
def test_a_server_that_answers_wrongly_is_a_store_error_in_words(answer: bytes, message: str) -> None:
    async def scene() -> None:
        async with serving(says(answer)) as address:
            store = RedisStore(address, patience=QUICK if "did not answer" in message else PATIENT)
            with pytest.raises(StoreError, match=message):
                await store.read("team", ["ARS"], {"club": ("elo", "points")})
            store.close()

    asyncio.run(scene())


def test_more_replies_than_asked_for_end_the_connection() -> None:
    async def scene() -> None:
        async with serving(says(b"+a\r\n+b\r\n")) as address:
            connection = Connection(address, PATIENT)
            assert await connection.ask([b"x"]) == [b"a"]
            assert connection._wire is not None and connection._wire.closed
            assert await connection.ask([b"x"]) == [b"a"]
            connection.close()

    asyncio.run(scene())


def test_one_who_leaves_does_not_shift_the_replies_of_the_others() -> None:
    async def scene() -> list[Any]:
        arrived, left = asyncio.Event(), asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"+PONG\r\n")
            await reader.readuntil(b"PING\r\n")
            words = await reader.readexactly(3)
            arrived.set()
            await left.wait()
            writer.write(b"".join(b"$1\r\n%c\r\n" % word for word in words))
            await reader.read()
            writer.close()

        async with serving(answer) as address:
            connection = Connection(address, PATIENT)
            asking = [asyncio.ensure_future(connection.ask([word])) for word in (b"a", b"b", b"c")]
            await arrived.wait()
            asking[1].cancel()
            await asyncio.sleep(0)
            left.set()
            found = await asyncio.gather(*asking, return_exceptions=True)
            connection.close()
            return found

    first, second, third = asyncio.run(scene())
    assert (first, third) == ([b"a"], [b"c"])
    assert isinstance(second, asyncio.CancelledError)


@pytest.mark.parametrize("uvloop_runs", [False, True])
def test_a_process_that_was_held_up_waits_for_the_answer_anew(uvloop_runs: bool) -> None:
    """Its deadline is long past when it goes on, and nothing is wrong with the server."""

    async def scene() -> None:
        async with serving(says(b"+well\r\n")) as address:
            connection = Connection(address, QUICK)
            assert await connection.ask([b"x"]) == [b"well"]
            for _ in range(5):
                asking = asyncio.ensure_future(connection.ask([b"x"]))
                await asyncio.sleep(0)
                time.sleep(5 * QUICK.answer)
                assert await asking == [b"well"]
            connection.close()

    if uvloop_runs:
        uvloop.run(scene())
    else:
        asyncio.run(scene())


def test_no_more_than_a_number_of_reads_are_in_flight() -> None:
    async def scene() -> None:
        async with serving(says(b"", wait=0.05)) as address:
            connection = Connection(address, Patience(answer=0.1, reads=2))
            with pytest.raises(StoreError, match="has 2 reads to answer already"):
                await asyncio.gather(*[connection.ask([b"x"]) for _ in range(3)])
            connection.close()

    asyncio.run(scene())


def test_a_server_that_leaves_each_time_is_asked_twice_only() -> None:
    greeted = []

    async def leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted.append(await reader.read(65536))
        writer.write(b"+PONG\r\n")
        await reader.read(65536)
        writer.close()

    async def scene() -> None:
        async with serving(leaves) as address:
            with pytest.raises(ConnectionLost, match=rf"redis://127.0.0.1:{address.port}/0 was lost"):
                await Connection(address, PATIENT).ask([b"x"])

    asyncio.run(scene())
    assert len(greeted) == 2
