"""A real MLflow server on a free port of the loopback, with its database and artifacts in a folder."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.processes import free_port, wait_for_port


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """The address of a running server that hands artifacts through. Its processes end with the block."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'server.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--uvicorn-opts", "--log-level warning"]
    environ = {
        **os.environ,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environ, text=True, stdout=log, stderr=log, start_new_session=True
        )
        try:
            wait_for_port(process, port, seconds=90)
            yield f"http://127.0.0.1:{port}"
        finally:
            end_with_children(process)


def end_with_children(process: subprocess.Popen[str], seconds: float = 10.0) -> None:
    """End a process that leads a session of its own, and what it started."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
