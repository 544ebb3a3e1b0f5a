"""A real MLflow server on a free port of the loopback, with its database and artifacts in a folder."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.processes import SLOW_START_SECONDS, free_port, wait_for_port


@contextmanager
def mlflow_server(
    folder: Path, database: str | None = None, artifacts: str | None = None, admin: tuple[str, str] | None = None
) -> Iterator[str]:
    """The address of a running server that hands artifacts through. Its processes end with the block.

    database, artifacts: where it keeps them; in the folder by default. admin: name and password (12 characters and
    more) of its first user; without one it asks nobody who they are.
    """
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", database or f"sqlite:///{folder / 'server.db'}"]
    command += ["--serve-artifacts", "--artifacts-destination", artifacts or str(folder / "artifacts")]
    command += ["--uvicorn-opts", "--log-level warning"]
    environ = {
        **os.environ,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    if admin:
        command += ["--app-name", "basic-auth"]
        environ |= {
            "MLFLOW_AUTH_CONFIG_PATH": str(users(folder, database, *admin)),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "test",
        }
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environ, text=True, stdout=log, stderr=log, start_new_session=True
        )
        try:
            wait_for_port(process, port, seconds=SLOW_START_SECONDS)
            yield f"http://127.0.0.1:{port}"
        finally:
            end_with_children(process)


def users(folder: Path, database: str | None, name: str, password: str) -> Path:
    """The settings of MLflow's basic-auth app: one administrator, and others see nothing."""
    file = folder / "auth.ini"
    settings = {
        "default_permission": "NO_PERMISSIONS",
        "database_uri": database or f"sqlite:///{folder / 'users.db'}",
        "admin_username": name,
        "admin_password": password,
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
    }
    lines = [f"{key} = {value.replace('%', '%%')}" for key, value in settings.items()]
    file.write_text("\n".join(["[mlflow]", *lines, ""]))
    return file


def end_with_children(process: subprocess.Popen[str], seconds: float = 3.0) -> None:
    """End a process that leads a session of its own, and what it started; MLflow waits for kept connections."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
