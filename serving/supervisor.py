"""Supervisor of the worker processes: starts them, starts them again when they fail, and drains them at the end.

It holds no model; each worker that it forks holds them all.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

from serving.application import create
from serving.settings import ServingSettings
from serving.worker import DRAINING


class Supervisor(MPServer):
    """Granian's supervisor, which here drains before it stops: not ready any more, but still answering."""

    def __init__(self, settings: ServingSettings, run_folder: Path) -> None:
        """run_folder: what the workers share."""
        super().__init__(
            "serving.application:create",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.RSGI,
            workers=settings.workers,
            loop=Loops.uvloop,
            http=HTTPModes.http1,
            websockets=False,
            http1_settings=HTTP1Settings(header_read_timeout=int(settings.body_seconds * 1000)),
            log_level=LogLevels.warning,
            workers_kill_timeout=settings.stop_seconds,
            respawn_failed_workers=True,
        )
        self._run_folder = run_folder
        self._drain_seconds = settings.drain_seconds

    def run(self) -> None:
        """Serve until a signal comes."""
        self.serve(target_loader=_load_application, wrap_loader=False)

    def signal_handler_interrupt(self, signum: int, frame: object) -> None:
        """Stop; without draining on SIGINT, or when a second signal comes."""
        if signum == signal.SIGINT or self.interrupt_signal:
            self._drain_seconds = 0.0
        super().signal_handler_interrupt(signum, frame)  # type: ignore[no-untyped-call]

    def shutdown(self, exit_code: int = 0) -> None:
        """Drain, then stop the workers."""
        if self.interrupt_signal and self._drain_seconds:
            (self._run_folder / DRAINING).touch()
            self.main_loop_interrupt.clear()
            self.main_loop_interrupt.wait(self._drain_seconds)
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]


def _load_application() -> Callable[..., Any]:
    """The application of a worker, called in the worker: granian finds its `__rsgi__`."""
    _end_with_parent()
    return cast("Callable[..., Any]", create())


def _end_with_parent() -> None:
    """Have the kernel kill this worker when its supervisor is killed, so that no orphan keeps the port.

    A gentler signal would be lost on a worker that is only starting and has the supervisor's handlers still.
    """
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    supervisor = multiprocessing.parent_process()
    if supervisor and os.getppid() != supervisor.pid:
        raise SystemExit("the supervisor was gone before this worker began")
