"""One open connection to a Redis server: commands out together, replies matched in order.

RESP2, https://redis.io/docs/latest/develop/reference/protocol-spec; hiredis does the parsing.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import hiredis

from serving.features.store import StoreError

Reply = bytes | int | list[Any] | hiredis.ReplyError | None

INCOMPLETE = object()


class ConnectionLost(StoreError):
    """The server ended the connection before it had answered."""


def command(*words: bytes | str) -> bytes:
    """A command as it goes over the wire."""
    raw = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(raw) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in raw)


LATE_SECONDS = 0.05
"""A timer that comes so late was held up by this process: the server may have answered meanwhile."""

MOST_EXTENSIONS = 3


@dataclass(slots=True)
class PendingReplies:
    """Commands sent together, and the replies to them so far. extensions: of the deadline, as this process was late."""

    future: asyncio.Future[list[Reply]]
    count: int
    deadline: float
    replies: list[Reply] = field(default_factory=list)
    extensions: int = 0
    checked_again: bool = False


class Wire(asyncio.Protocol):
    """An open connection. `name` is what messages call the server, `timeout` the seconds it has to answer."""

    def __init__(self, name: str, timeout: float, most: int) -> None:
        self.name = name
        self.timeout = timeout
        self.most = most
        self.loop = asyncio.get_running_loop()
        self.closed = False
        self._reader = hiredis.Reader(notEnoughData=INCOMPLETE)
        self._pending: deque[PendingReplies] = deque()
        self._unsent: list[bytes] = []
        self._watch: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    def ask(self, commands: Sequence[bytes]) -> asyncio.Future[list[Reply]]:
        """The replies to the commands, in their order; error replies are among them, not raised.

        What is asked in one turn of the event loop goes out in one write. Raises StoreError when too much is in
        flight already; the future raises it when the server does not answer in time or not in its protocol, and
        ConnectionLost when it leaves.
        """
        if self.closed:
            raise ConnectionLost(f"the connection to {self.name} was lost")
        if len(self._pending) >= self.most:
            raise StoreError(f"{self.name} has {self.most} reads to answer already")
        if not self._unsent:
            self.loop.call_soon(self._send)
        self._unsent += commands
        future: asyncio.Future[list[Reply]] = self.loop.create_future()
        deadline = self.loop.time() + self.timeout
        self._pending.append(PendingReplies(future, len(commands), deadline))
        if self._watch is None:
            self._watch = self.loop.call_at(deadline, self._check_time)
        return future

    def close(self) -> None:
        """Hang up. Whoever still waits gets ConnectionLost."""
        if not self.loop.is_closed():
            self._fail(ConnectionLost(f"the connection to {self.name} was closed"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The server has accepted."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        """The server has left."""
        self._fail(ConnectionLost(f"the connection to {self.name} was lost{f': {error}' if error else ''}"))

    def data_received(self, data: bytes) -> None:
        """Bytes from the server, in whatever pieces."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not INCOMPLETE:
                self._take(reply)
        except (hiredis.ProtocolError, IndexError) as error:
            self._fail(StoreError(f"{self.name} does not answer as a Redis server: {error}"))

    def _take(self, reply: Reply) -> None:
        pending = self._pending[0]
        pending.replies.append(reply)
        if len(pending.replies) == pending.count:
            self._pending.popleft()
            if not pending.future.done():
                pending.future.set_result(pending.replies)

    def _send(self) -> None:
        if self._transport is not None and not self.closed:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def _check_time(self) -> None:
        """Every answer is waited for in order, so one timer for the oldest does for all."""
        self._watch = None
        if not self._pending:
            return
        oldest, now = self._pending[0], self.loop.time()
        if oldest.deadline <= now and not self._extend(oldest, now):
            self._fail(StoreError(f"{self.name} did not answer within {self.timeout:g} s"))
        else:
            self._watch = self.loop.call_at(oldest.deadline, self._check_time)

    def _extend(self, oldest: PendingReplies, now: float) -> bool:
        """Give a read more time: once to look at the socket again, and some times when this process was held up."""
        if now - oldest.deadline > LATE_SECONDS and oldest.extensions < MOST_EXTENSIONS:
            oldest.extensions += 1
            oldest.deadline = now + self.timeout
            return True
        if oldest.checked_again:
            return False
        oldest.checked_again = True
        oldest.deadline = now + LATE_SECONDS
        return True

    def _fail(self, error: StoreError) -> None:
        self.closed = True
        if self._transport is not None:
            self._transport.abort()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        while self._pending:
            future = self._pending.popleft().future
            if not future.done():
                future.set_exception(error)
