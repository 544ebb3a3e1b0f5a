"""Work that outlives the request which began it: who waits for it may leave without ending it for the others."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def begin(work: Coroutine[Any, Any, Answer]) -> asyncio.Task[Answer]:
    """The work as a task of its own. Nobody needs to wait for it: its failure is nobody's then."""
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(_retrieve_failure)
    return task


def _retrieve_failure(task: asyncio.Task[Any]) -> None:
    """Asyncio logs a failure that nobody has asked for."""
    if not task.cancelled():
        task.exception()
