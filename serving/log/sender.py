"""The worker's side of the process that sends predictions."""

import json
import os
import select
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from typing import NamedTuple

from serving.log.address import Address

TICK_SECONDS = 0.02
"""How often `expired` is asked while the child is silent."""

RESTART_SECONDS = 1.0

Expired = Callable[[], bool]


class Child(NamedTuple):
    """The process and this side of its stdin and stdout."""

    process: subprocess.Popen[bytes]
    into: int
    out: int

    @classmethod
    def start(cls, command: tuple[str, ...]) -> "Child":
        """Raises OSError when it cannot be started."""
        theirs, into = os.pipe()
        out, said = os.pipe()
        try:
            process = subprocess.Popen(command, stdin=theirs, stdout=said, start_new_session=True)
        except OSError:
            os.close(into)
            os.close(out)
            raise
        finally:
            os.close(theirs)
            os.close(said)
        os.set_blocking(into, False)
        return cls(process, into, out)


class Sender:
    """A child process that confirms each frame once it is kept; started when first needed, and again.

    A frame that was handed to a child that died goes to the next one. For one thread.
    """

    def __init__(self, address: Address) -> None:
        self.trouble = ""
        self._command = (sys.executable, "-m", "serving.log", str(address), uuid.uuid4().hex)
        self._child: Child | None = None
        self._start_at = 0.0
        self._heard = b""

    def deliver(self, frame: bytes, expired: Expired) -> int | None:
        """Hand the frame over until it is confirmed, however long that takes.

        Returns how many of its predictions were kept, as a rule all; None when `expired()` came true.
        """
        while not expired():
            child = self._running()
            if child is None:
                time.sleep(TICK_SECONDS)
                continue
            try:
                return self._exchange(child, frame, expired)
            except OSError as error:
                self.trouble = f"the sending process ended: {error.strerror or error}"
                self._end(0.0)
        return None

    def close(self, seconds: float) -> None:
        """Let the child end by itself, for this long."""
        self._end(seconds)

    def _running(self) -> Child | None:
        if self._child is None and time.monotonic() >= self._start_at:
            self._start_at = time.monotonic() + RESTART_SECONDS
            self._heard = b""
            try:
                self._child = Child.start(self._command)
            except OSError as error:
                self.trouble = f"cannot start the sending process: {error.strerror or error}"
        return self._child

    def _exchange(self, child: Child, frame: bytes, expired: Expired) -> int | None:
        left = memoryview(frame)
        poll = select.poll()
        poll.register(child.out, select.POLLIN)
        poll.register(child.into, select.POLLOUT)
        while not expired():
            ready = dict(poll.poll(TICK_SECONDS * 1000))
            if left and child.into in ready:
                left = left[os.write(child.into, left) :]
                if not left:
                    poll.unregister(child.into)
            if child.out in ready and (kept := self._answer(child.out)) is not None:
                return kept
        return None

    def _answer(self, out: int) -> int | None:
        """What the child says: how many of a frame are kept, or what holds it up."""
        data = os.read(out, 65_536)
        if not data:
            raise BrokenPipeError(0, "it closed its output")
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            self.trouble = message.get("trouble", "")
            if "kept" in message:
                return int(message["kept"])
        return None

    def _end(self, seconds: float) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        os.close(child.into)
        try:
            child.process.wait(seconds)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
        os.close(child.out)
