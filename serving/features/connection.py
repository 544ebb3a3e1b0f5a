"""A Redis server that is there when needed: connected on first use, and again after every loss."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import hiredis

from matchday.online_store import RedisAddress
from serving.features.background import begin
from serving.features.store import StoreError
from serving.features.wire import LATE_SECONDS, ConnectionLost, Reply, Wire, command


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server, in seconds, and how much to ask of it at once.

    answer, connect: time it has for either. shortest, longest: pause after a failed attempt to connect, doubled from
    one to the other. reads: most that may be in flight. An address with seconds of its own overrides answer, connect.
    """

    answer: float = 0.25
    connect: float = 1.0
    shortest: float = 0.05
    longest: float = 2.0
    reads: int = 1024


class Connection:
    """One connection for all callers of an event loop. Nothing is opened before the first `ask`."""

    def __init__(self, address: RedisAddress, patience: Patience | None = None) -> None:
        """Raises OnlineStoreAddressError when a certificate that the address names cannot be read."""
        self.address = address
        patience = patience or Patience()
        self.patience = replace(
            patience,
            answer=address.answer_seconds or patience.answer,
            connect=address.connect_seconds or patience.connect,
        )
        self._tls = address.tls.context() if address.tls else None
        self._wire: Wire | None = None
        self._connecting: asyncio.Task[Wire] | None = None
        self._reason = ""
        self._pause = 0.0
        self._retry_at = 0.0

    async def ask(self, commands: Sequence[bytes]) -> list[Reply]:
        """The replies to commands that may be sent twice: reads. Error replies are among them.

        Asked again once when the connection is lost under way. Raises StoreError: at once between attempts to
        reach a server that is away.
        """
        try:
            return await (await self._open()).ask(commands)
        except ConnectionLost:
            return await (await self._open()).ask(commands)

    def close(self) -> None:
        """Hang up; a later `ask` connects again."""
        if self._connecting is not None and not self._connecting.get_loop().is_closed():
            self._connecting.cancel()
        if self._wire is not None:
            self._wire.close()
        self._wire = self._connecting = None

    async def _open(self) -> Wire:
        loop = asyncio.get_running_loop()
        wire = self._wire
        if wire is not None and not wire.closed and wire.loop is loop:
            return wire
        if self._connecting is None or self._connecting.done() or self._connecting.get_loop() is not loop:
            if self._reason and loop.time() < self._retry_at:
                raise StoreError(self._reason)
            self._connecting = begin(self._connect())
        return await asyncio.shield(self._connecting)

    async def _connect(self) -> Wire:
        loop = asyncio.get_running_loop()
        try:
            self._wire = await self._greet_in_time()
        except (OSError, StoreError) as error:
            limit = f"no answer within {self.patience.connect:g} s"
            said = limit if isinstance(error, TimeoutError) else str(error)
            self._reason = f"the online store {self.address} cannot be reached: {said}"
            self._pause = min(max(self.patience.shortest, 2 * self._pause), self.patience.longest)
            self._retry_at = loop.time() + self._pause * random.uniform(0.8, 1.2)
            raise StoreError(self._reason) from None
        self._reason, self._pause = "", 0.0
        return self._wire

    async def _greet_in_time(self) -> Wire:
        """As `_greet`, once more when this process was held up meanwhile. Raises TimeoutError too."""
        loop, seconds = asyncio.get_running_loop(), self.patience.connect
        deadline = loop.time() + seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._greet()
        except TimeoutError:
            if loop.time() - deadline <= LATE_SECONDS:
                raise
        async with asyncio.timeout(seconds):
            return await self._greet()

    async def _greet(self) -> Wire:
        address, patience = self.address, self.patience
        _, wire = await asyncio.get_running_loop().create_connection(
            lambda: Wire(f"the online store {address}", patience.answer, patience.reads),
            address.host,
            address.port,
            ssl=self._tls,
        )
        try:
            replies = await wire.ask([command(*words) for words in greeting(address)])
            for reply in replies:
                if isinstance(reply, hiredis.ReplyError):
                    raise StoreError(str(reply))
        except BaseException:
            wire.close()
            raise
        return wire


def greeting(address: RedisAddress) -> list[tuple[str, ...]]:
    """The commands that open a connection; PING last, so that a server that hangs is found out."""
    commands: list[tuple[str, ...]] = []
    if address.password is not None:
        commands.append(("AUTH", *([address.user] if address.user else []), address.password))
    if address.database:
        commands.append(("SELECT", str(address.database)))
    return [*commands, ("PING",)]
