"""Waiting for conditions, not for times: a slow machine waits longer and passes all the same."""

import asyncio
import time
from collections.abc import Callable

WAIT_SECONDS = 120.0
"""Longest wait: only a test that fails takes it."""

POLL_SECONDS = 0.02


def eventually(condition: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    """Return once the condition holds. Fails when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(POLL_SECONDS)


async def eventually_on_loop(condition: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    """The same in a coroutine: the event loop goes on meanwhile."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        await asyncio.sleep(POLL_SECONDS)
