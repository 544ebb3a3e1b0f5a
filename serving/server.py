"""Starting the model server: in place of this process, or as a child process."""

import errno
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn
from uuid import uuid4

from pydantic import ValidationError
from pydantic_settings import SettingsError

from matchday import telemetry
from matchday.errors import MatchdayError
from matchday.http import HttpClient, HttpError
from matchday.settings import Settings
from serving.settings import PREFIX, ServingSettings
from serving.storage import StoredBundle, fetch, open_registry

COMMAND = (sys.executable, "-m", "serving")
START_SECONDS = 60.0
STOP_SECONDS = 30.0
ASK_SECONDS = 5.0
PAUSE_SECONDS = 0.05


class ServerError(MatchdayError):
    """The server cannot start, or did not become ready."""


def serve(model_uri: str, host: str = "127.0.0.1", port: int = 8080, workers: int = 1) -> NoReturn:
    """Fetch a model and replace this process by its server.

    Raises ServerError when the port is taken, before anything else is done, and what `fetch` raises.
    """
    check_port(host, port)
    stored = _fetch(model_uri)
    print(f"serving {_title(stored)} at http://{_netloc(host, port)} (Ctrl-C stops it)", flush=True)
    change = environment(stored, host, port, workers)
    telemetry.shutdown()
    os.execve(COMMAND[0], COMMAND, {**os.environ, **change})  # noqa: S606


@contextmanager
def running(
    model_uri: str, host: str = "127.0.0.1", port: int = 8080, workers: int = 1
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the server of a model as a child process, ready to answer; stopped at the end of the block.

    Raises ServerError when the port is taken or the server does not become ready, with its reason.
    """
    check_port(host, port)
    change = environment(_fetch(model_uri), host, port, workers)
    with started(change) as process:
        wait_ready(process, host, port)
        yield process


@contextmanager
def started(change: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server process with changed environment variables, in the current trace; stop it at the end."""
    environ = {**os.environ, **change}
    if parent := telemetry.traceparent():
        environ["TRACEPARENT"] = parent
    process = subprocess.Popen(COMMAND, env=environ)
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> int:
    """Stop a server gracefully, by force after 30 s. Returns its exit code."""
    process.terminate()
    try:
        return process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def environment(stored: StoredBundle, host: str, port: int, workers: int = 1) -> dict[str, str]:
    """Environment variables that tell a server process what to serve and where."""
    change = {
        "BUNDLES": json.dumps([str(stored.folder)]),
        "HOST": host,
        "PORT": str(port),
        "WORKERS": str(workers),
        "DRAIN_SECONDS": "0",
        "START": uuid4().hex,
    }
    if stored.version is not None:
        change["VERSIONS"] = json.dumps([stored.version])
    if stored.uri:
        change["SOURCES"] = json.dumps([stored.uri])
    return {PREFIX + name: value for name, value in change.items()}


def check_port(host: str, port: int) -> None:
    """Raises ServerError unless the address can be listened on."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ServerError(f"port {port} on {host} is in use: free it or choose another") from None
        raise ServerError(f"cannot listen on {_netloc(host, port)}: {error.strerror or error}") from None


def resolve_host(host: str) -> str:
    """The IP address of a host that is given by name: granian takes no names. Raises ServerError for an unknown one."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise ServerError(f"cannot listen on {host}: {error.strerror or error}") from None


def wait_ready(process: subprocess.Popen[bytes], host: str, port: int, seconds: float = START_SECONDS) -> None:
    """Wait until the server is ready. Raises ServerError when it ends first or never is, saying why."""
    address = f"http://{_netloc(host, port)}"
    client = HttpClient(address, headers=token_headers(), silence_seconds=ASK_SECONDS, direct=True)
    reason = "it does not listen"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerError(f"the server ended with exit code {process.returncode} before it was ready")
        try:
            status, reason = _ask_ready(client)
        except (HttpError, ValueError):
            status = 0
        if status == 200:
            return
        time.sleep(PAUSE_SECONDS)
    raise ServerError(f"the server was not ready after {seconds:g} s: {reason}")


def token_headers() -> dict[str, str]:
    """The token that servers of this environment ask for, as a header: without it a probe is told no reason."""
    try:
        token = ServingSettings().read_token()
    except (ValidationError, SettingsError, MatchdayError, OSError):
        return {}  # the server says what is wrong with it, and ends
    return {"authorization": f"Bearer {token}"} if token else {}


def _ask_ready(client: HttpClient) -> tuple[int, str]:
    """Status of the readiness probe, and the reason when it is not 200. Raises HttpError, or ValueError for no JSON."""
    answer = client.get("/v2/health/ready")
    return answer.status, str(answer.json().get("error", ""))


def _fetch(model_uri: str) -> StoredBundle:
    settings = Settings()
    return fetch(model_uri, settings.home, open_registry(settings.tracking_uri))


def _title(stored: StoredBundle) -> str:
    return f"{stored.name} {stored.version or ''}".strip()


def _netloc(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
