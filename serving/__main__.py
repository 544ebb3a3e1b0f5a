"""The server process: `python -m serving`, configured by `MATCHDAY_SERVING_*`.

A supervisor that holds no model; each worker it forks holds them all. SIGTERM stops it gracefully: not ready any
more, a pause in which requests still come and are answered, then no new connection, requests in flight answered,
exit 0. SIGINT, or a second SIGTERM, stops it without the pause.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from matchday.bundle import verify_bundle
from matchday.errors import MatchdayError
from serving.application import create
from serving.features import open_store
from serving.log import check_log
from serving.server import check_port
from serving.settings import PREFIX, ServingSettings
from serving.worker import DRAINING


def main() -> int:
    """Serve until told to stop. Returns the exit code: 2 for a failure that a person can mend."""
    try:
        settings = ServingSettings()
        check_port(settings.host, settings.port)
        if settings.grpc_port:
            check_port(settings.host, settings.grpc_port)
        for folder in settings.bundles:
            verify_bundle(folder)
        open_store(settings.online_store, settings.project).close()
        check_log(settings)
        settings.read_token()
    except ValidationError as error:
        problems = "; ".join(f"{PREFIX}{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        return _refuse(f"settings: {problems}")
    except (SettingsError, MatchdayError, OSError) as error:
        return _refuse(str(error))
    with TemporaryDirectory(prefix="matchday-serving-") as run_folder:
        os.environ[f"{PREFIX}RUN_FOLDER"] = run_folder
        _server(settings, Path(run_folder)).serve(target_loader=_load, wrap_loader=False)
    return 0


class Server(MPServer):
    """Granian's supervisor, with a pause between the word that the server will stop and its stop."""

    def __init__(self, run_folder: Path, drain_seconds: float, **options: Any) -> None:
        super().__init__("serving.application:create", **options)
        self._run_folder = run_folder
        self._drain_seconds = drain_seconds

    def signal_handler_interrupt(self, signum: int, frame: object) -> None:
        """Stop; without a pause when a person asks, or when asked twice."""
        if signum == signal.SIGINT or self.interrupt_signal:
            self._drain_seconds = 0.0
        super().signal_handler_interrupt(signum, frame)  # type: ignore[no-untyped-call]

    def shutdown(self, exit_code: int = 0) -> None:
        """Let go of the workers, once nobody sends requests any more."""
        if self.interrupt_signal and self._drain_seconds:
            (self._run_folder / DRAINING).touch()
            self.main_loop_interrupt.clear()
            self.main_loop_interrupt.wait(self._drain_seconds)
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]


def _server(settings: ServingSettings, run_folder: Path) -> Server:
    return Server(
        run_folder,
        settings.drain_seconds,
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


def _load() -> Callable[..., Any]:
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


def _refuse(message: str) -> int:
    print(f"matchday serving: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
