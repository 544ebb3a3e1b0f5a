"""Signals of the server's processes: a worker is stopped by its supervisor alone.

A terminal and a service manager send SIGINT or SIGTERM to every process at once. A worker that ended by them would drop
what the supervisor drains, so they stay blocked in it until the supervisor sends `STOP_WORKER`.
"""

import os
import signal
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

STOP_WORKER = signal.SIGUSR1
"""Ends a worker: at once while it starts, later once its requests are answered."""

FOR_EVERYBODY = (signal.SIGINT, signal.SIGTERM)


def handle(numbers: Iterable[signal.Signals], handler: Callable[[int, object], object]) -> None:
    """Call the handler for each of these signals."""
    for number in numbers:
        signal.signal(number, handler)


def hold() -> None:
    """Keep the signals that every process gets for later: in this process, and those that it starts from now on."""
    signal.pthread_sigmask(signal.SIG_BLOCK, FOR_EVERYBODY)


def release() -> None:
    """Deliver the signals that every process gets, held ones too."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FOR_EVERYBODY)


def stop_gracefully(loop: "asyncio.AbstractEventLoop") -> None:
    """From now on let `STOP_WORKER` end this worker as granian does on SIGTERM."""
    loop.add_signal_handler(STOP_WORKER, _pass_on)


def _pass_on() -> None:
    release()
    os.kill(os.getpid(), signal.SIGTERM)
