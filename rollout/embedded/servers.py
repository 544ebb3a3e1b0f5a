"""Server processes of one service on this machine: the stable version, and a candidate beside it."""

import os
import random
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from rollout.embedded.json_file import JsonFileError, read_json, write_json
from rollout.embedded.process import BackgroundProcess
from rollout.splitter import Readiness, SplitError
from serving.server import COMMAND, environment, token_headers
from serving.settings import PREFIX
from serving.storage import StoredBundle

HOST = "127.0.0.1"
PORTS = range(20_000, 30_000)
"""Below the ports that systems give to clients, so that no connection takes one before its server does."""
ASK_SECONDS = 2.0
WORKER_ENDED = "Unexpected exit from worker-"
"""In a line that granian logs for each worker process that ends by itself, before it starts another."""
STOP_SECONDS = 30.0


@dataclass(frozen=True)
class ServerTable:
    """Port of each version's server, and which version is stable. Saved before a server is started."""

    stable: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)

    @property
    def candidate(self) -> str:
        """The version beside the stable one; empty when there is none."""
        return next((version for version in self.ports if version != self.stable), "")


class LocalServers:
    """Starts, finds and ends the servers of a service."""

    def __init__(self, folder: Path, get_bundle: Callable[[str], StoredBundle]) -> None:
        """folder: for table, records and logs. get_bundle: the bundle of a version."""
        self._folder = folder
        self._get_bundle = get_bundle
        self._processes: dict[str, BackgroundProcess] = {}

    @property
    def table(self) -> ServerTable:
        """The saved table. Raises JsonFileError for one that this release cannot read."""
        file = self._folder / "servers.json"
        try:
            return ServerTable(**read_json(file))
        except TypeError:
            raise JsonFileError(f"{file} was not written by this release: end the servers, then delete it") from None

    def set_stable(self, version: str) -> None:
        """Save that a version is the stable one."""
        if self.table.stable != version:
            self._save(replace(self.table, stable=version))

    def is_running(self, version: str) -> bool:
        """Whether its server runs."""
        return version in self.table.ports and self._process(version).pid is not None

    def has_ended(self, version: str) -> bool:
        """Whether its server was started since the machine's boot and does not run any more."""
        return self._process(version).was_started and not self.is_running(version)

    def restarts(self, version: str) -> int:
        """Worker processes of its server that ended by themselves, and the server itself, since it was started."""
        return self._process(version).count_lines(WORKER_ENDED) + self.has_ended(version)

    def start(self, version: str, variant: str) -> None:
        """Start its server, unless it runs. variant: `stable` or `canary`. Raises MatchdayError without its bundle."""
        if self.is_running(version):
            return
        stored = self._get_bundle(version)
        port = self.table.ports.get(version, 0)
        if not port or not _is_free(port):
            port = _free_port()
            self._save(replace(self.table, ports={**self.table.ports, version: port}))
        more = {"VARIANT": variant, "GRPC_PORT": "0"}
        change = environment(stored, HOST, port) | {f"{PREFIX}{name}": value for name, value in more.items()}
        self._process(version).start(COMMAND, {**os.environ, **change})

    def readiness(self, version: str) -> Readiness:
        """Whether its server can answer."""
        process = self._process(version)
        if version not in self.table.ports or not process.was_started:
            return Readiness(False, f"the server of version {version} is not started yet")
        if process.pid is None:
            return Readiness(False, f"its server ended: {process.last_line()}", permanent=True)
        try:
            answer = httpx.get(f"{self.url(version)}/v2/health/ready", headers=token_headers(), timeout=ASK_SECONDS)
        except httpx.HTTPError as error:
            return Readiness(False, f"its server does not answer: {error}")
        if answer.status_code == httpx.codes.OK:
            return Readiness(True)
        return Readiness(False, f"its server is not ready: {_error_message(answer)}")

    def url(self, version: str) -> str:
        """Base URL of its server. Raises SplitError when it has none."""
        ports = self.table.ports
        if version not in ports:
            raise SplitError(f"there is no server of version {version}")
        return f"http://{HOST}:{ports[version]}"

    def end(self, version: str) -> None:
        """End its server and remove it from the table. Its requests must have been given to another before."""
        self._process(version).end(STOP_SECONDS)
        ports = {other: port for other, port in self.table.ports.items() if other != version}
        self._save(replace(self.table, ports=ports))

    def _process(self, version: str) -> BackgroundProcess:
        if version not in self._processes:
            name = f"server-{version}"
            record, log = self._folder / f"{name}.pid.json", self._folder / f"{name}.log"
            self._processes[version] = BackgroundProcess(record, log)
        return self._processes[version]

    def _save(self, table: ServerTable) -> None:
        write_json(self._folder / "servers.json", {"stable": table.stable, "ports": dict(table.ports)})


def _free_port() -> int:
    """A port that nothing listens on. Raises SplitError."""
    for port in random.sample(PORTS, 100):
        if _is_free(port):
            return port
    raise SplitError(f"no port between {PORTS.start} and {PORTS.stop} is free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _error_message(answer: httpx.Response) -> Any:
    try:
        return answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
