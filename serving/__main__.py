"""The server process: `python -m serving`, configured by `MATCHDAY_SERVING_*`.

A supervisor that holds no model; each worker it forks holds them all. SIGTERM and SIGINT stop it gracefully:
no new connection, requests in flight answered, exit 0.
"""

import signal
import sys
from collections.abc import Callable
from typing import Any, cast

from granian.constants import Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from matchday.bundle import verify_bundle
from matchday.errors import MatchdayError
from serving.app import create
from serving.server import check_port
from serving.settings import PREFIX, ServingSettings


def main() -> int:
    """Serve until told to stop. Returns the exit code: 2 for a failure that a person can mend."""
    try:
        settings = ServingSettings()
        check_port(settings.host, settings.port)
        for folder in settings.bundles:
            verify_bundle(folder)
    except ValidationError as error:
        problems = "; ".join(f"{PREFIX}{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        return _refuse(f"settings: {problems}")
    except (SettingsError, MatchdayError) as error:
        return _refuse(str(error))
    _server(settings).serve(target_loader=_load, wrap_loader=False)
    return 0


def _server(settings: ServingSettings) -> MPServer:
    return MPServer(
        "serving.app:create",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.RSGI,
        workers=settings.workers,
        loop=Loops.asyncio,
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
    """Have the kernel stop this worker when its supervisor is killed, so that no orphan keeps the port."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


def _refuse(message: str) -> int:
    print(f"matchday serving: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
