"""Signals of the server's processes: a worker is stopped by its supervisor alone.

A terminal and a service manager send SIGINT or SIGTERM to every process at once. A worker that ended by them would drop
what the supervisor drains, so they stay blocked in it until the supervisor sends `STOP_WORKER`.
"""

import asyncio
import os
import signal

STOP_WORKER = signal.SIGUSR1
"""Ends a worker: at once while it starts, later once its requests are answered."""

FOR_EVERYBODY = (signal.SIGINT, signal.SIGTERM)


def leave_to_supervisor() -> None:
    """Block the signals that every process gets, in this worker and the processes that it starts."""
    signal.pthread_sigmask(signal.SIG_BLOCK, FOR_EVERYBODY)


def stop_gracefully(loop: asyncio.AbstractEventLoop) -> None:
    """From now on let `STOP_WORKER` end this worker as granian does on SIGTERM."""
    loop.add_signal_handler(STOP_WORKER, _pass_on)


def _pass_on() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FOR_EVERYBODY)
    os.kill(os.getpid(), signal.SIGTERM)
