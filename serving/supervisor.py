"""Supervisor of the worker processes: starts them, starts them again when they fail, and drains them at the end.

It holds no model; each worker that it forks holds them all.
"""

import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer
from granian.server.mp import WorkerProcess

from serving.application import create
from serving.server import resolve_host
from serving.settings import ServingSettings
from serving.signals import STOP_WORKER, hold, release
from serving.worker import DRAINING, LISTENING

BACKLOG = 4096
MOST_CONNECTIONS = 16_384
"""Connections of a worker, idle ones too, that are read at once: far above `max_concurrent`, beyond which it is 429."""

OWN_FILES = 128
"""Open files that a worker needs besides its connections, each of which is one."""

STOP_AGAIN_SECONDS = 1.0
HEALTHY_SECONDS = 10.0
"""A worker that fails sooner waits before it is started again: `RESPAWN_SECONDS`, doubled each time."""

RESPAWN_SECONDS = 0.2
MOST_RESPAWN_SECONDS = 10.0


class Supervisor(MPServer):
    """Granian's supervisor, which here drains before it stops: not ready any more, but still answering."""

    def __init__(self, settings: ServingSettings, run_folder: Path) -> None:
        """run_folder: what the workers share."""
        files = raise_file_limit()
        super().__init__(
            "serving.application:create",
            address=resolve_host(settings.host),
            port=settings.port,
            interface=Interfaces.RSGI,
            workers=settings.workers,
            loop=Loops.uvloop,
            http=HTTPModes.http1,
            websockets=False,
            backlog=BACKLOG,
            backpressure=max(1, min(MOST_CONNECTIONS, files - OWN_FILES)),
            http1_settings=HTTP1Settings(header_read_timeout=round(settings.keep_alive_seconds * 1000)),
            log_level=LogLevels.warning,
            workers_kill_timeout=settings.stop_seconds,
            respawn_failed_workers=True,
        )
        self._run_folder = run_folder
        self._drain_seconds = settings.drain_seconds
        self._stop_seconds = settings.stop_seconds
        self._crashes: dict[int, int] = {}
        self.on_startup(release)
        self.on_shutdown(self._forgive)

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
            self._wait(self._drain_seconds)
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]

    def _wait(self, seconds: float) -> None:
        """Wait for the next signal, whatever workers do meanwhile."""
        until = time.monotonic() + seconds
        while self._drain_seconds and (left := until - time.monotonic()) > 0:
            self.main_loop_interrupt.wait(left)
            self.main_loop_interrupt.clear()

    def _stop_workers(self) -> None:
        """Tell every worker to stop, and tell it again: one that is only just starting may miss it once."""
        until = time.monotonic() + self._stop_seconds
        while time.monotonic() < until and any(worker.inner.is_alive() for worker in self.wrks):
            for worker in self.wrks:
                worker.terminate()  # type: ignore[no-untyped-call]
            for worker in self.wrks:
                worker.inner.join(STOP_AGAIN_SECONDS)
        super()._stop_workers()  # type: ignore[no-untyped-call]

    def _forgive(self) -> None:
        """A worker that ended while the server was being stopped is no failure of the server."""
        if self.interrupt_signal:
            self.interrupt_children.clear()

    def _spawn_worker(  # type: ignore[override]
        self, idx: int, target: object, callback_loader: object
    ) -> WorkerProcess:
        """A worker that is ended by `STOP_WORKER`: signals that everybody gets are for the supervisor alone."""
        worker = super()._spawn_worker(idx, target, callback_loader)

        def terminate() -> None:
            worker.interrupt_by_parent = True
            with suppress(ProcessLookupError):  # it has ended, and another thread has waited for it
                if worker.inner.is_alive():
                    os.kill(worker.inner.pid, STOP_WORKER)

        worker.terminate = terminate  # type: ignore[method-assign]
        return worker

    def _respawn_workers(
        self, workers: Sequence[int], spawn_target: object, target_loader: object, delay: float = 0
    ) -> None:
        """Start workers again; one that keeps failing waits longer each time, and those that answer go on.

        Where none answers, granian ends the server when a worker fails again within seconds.
        """
        for index in workers:
            lived = time.monotonic() - self.wrks[index].birth
            self._crashes[index] = self._crashes.get(index, 0) + 1 if lived < HEALTHY_SECONDS else 0
            self.main_loop_interrupt.wait(min(RESPAWN_SECONDS * (2 ** self._crashes[index] - 1), MOST_RESPAWN_SECONDS))
        super()._respawn_workers(workers, spawn_target, target_loader, delay)
        if any(map(self._answers, self.wrks)):
            self.respawned_wrks.clear()

    def _answers(self, worker: WorkerProcess) -> bool:
        """Whether a worker runs and has started."""
        return worker.inner.is_alive() and (self._run_folder / f"{worker.inner.pid}{LISTENING}").exists()


def _load_application() -> Callable[..., Any]:
    """The application of a worker, called in the worker: granian finds its `__rsgi__`."""
    hold()
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


def raise_file_limit() -> int:
    """Allow as many open files as this process may. Returns how many; as many as `MOST_CONNECTIONS` where unlimited."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else MOST_CONNECTIONS + OWN_FILES
