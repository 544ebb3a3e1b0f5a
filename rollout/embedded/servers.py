"""The server processes of one service, by version: one is stable, another may stand beside it."""

import os
import random
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from rollout.embedded import files
from rollout.embedded.process import BackgroundProcess
from rollout.splitter import Readiness, SplitError
from serving.server import COMMAND, environment
from serving.settings import PREFIX
from serving.storage import StoredBundle

HOST = "127.0.0.1"
PORTS = range(20_000, 30_000)
"""Below those that a system gives to clients, so that no connection takes one before its server does."""
ASK_SECONDS = 2.0
STOP_SECONDS = 30.0


@dataclass(frozen=True)
class ServerTable:
    """Which versions have a server, and at which port; written down before a server is started."""

    stable: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)

    @property
    def candidate(self) -> str:
        """The version beside the stable one; empty when there is none."""
        return next((version for version in self.ports if version != self.stable), "")


class LocalServers:
    """Starts, finds again and ends the servers of a service. get: the bundle of a version."""

    def __init__(self, folder: Path, get: Callable[[str], StoredBundle]) -> None:
        """folder: where they are noted."""
        self._folder = folder
        self._get = get
        self._processes: dict[str, BackgroundProcess] = {}

    @property
    def roster(self) -> ServerTable:
        """Who is there."""
        return ServerTable(**files.read(self._folder / "servers.json"))

    def crown(self, version: str) -> None:
        """Note that a version is the stable one."""
        if self.roster.stable != version:
            self._note(replace(self.roster, stable=version))

    def running(self, version: str) -> bool:
        """Whether its server runs."""
        return version in self.roster.ports and self._process(version).pid is not None

    def ended(self, version: str) -> bool:
        """Whether its server ran, since the machine was started, and does no more."""
        return self._process(version).known and not self.running(version)

    def start(self, version: str, variant: str) -> None:
        """Start its server, unless it runs. Raises MatchdayError when its bundle cannot be had."""
        if self.running(version):
            return
        stored = self._get(version)
        port = self.roster.ports.get(version, 0)
        if not port or not _free(port):
            port = _port()
            self._note(replace(self.roster, ports={**self.roster.ports, version: port}))
        more = {"VARIANT": variant, "GRPC_PORT": "0"}
        change = environment(stored, HOST, port) | {f"{PREFIX}{name}": value for name, value in more.items()}
        self._process(version).start(COMMAND, {**os.environ, **change})

    def readiness(self, version: str) -> Readiness:
        """Whether its server can answer."""
        process = self._process(version)
        if version not in self.roster.ports or not process.known:
            return Readiness(False, f"the server of version {version} is not started yet")
        if process.pid is None:
            return Readiness(False, f"its server ended: {process.last_words()}", permanent=True)
        try:
            answer = httpx.get(f"{self.url(version)}/v2/health/ready", timeout=ASK_SECONDS)
        except httpx.HTTPError as error:
            return Readiness(False, f"its server does not answer: {error}")
        if answer.status_code == httpx.codes.OK:
            return Readiness(True)
        return Readiness(False, f"its server is not ready: {_said(answer)}")

    def url(self, version: str) -> str:
        """Base URL of its server. Raises SplitError when it has none."""
        if version not in self.roster.ports:
            raise SplitError(f"there is no server of version {version}")
        return f"http://{HOST}:{self.roster.ports[version]}"

    def end(self, version: str) -> None:
        """End its server, once nobody sends it requests, and forget it."""
        self._process(version).end(STOP_SECONDS)
        ports = {other: port for other, port in self.roster.ports.items() if other != version}
        self._note(replace(self.roster, ports=ports))

    def _process(self, version: str) -> BackgroundProcess:
        if version not in self._processes:
            name = f"server-{version}"
            self._processes[version] = BackgroundProcess(
                self._folder / f"{name}.pid.json", self._folder / f"{name}.log"
            )
        return self._processes[version]

    def _note(self, roster: ServerTable) -> None:
        files.write(self._folder / "servers.json", {"stable": roster.stable, "ports": dict(roster.ports)})


def _port() -> int:
    """A port that nothing listens on."""
    for port in random.sample(PORTS, 100):
        if _free(port):
            return port
    raise SplitError(f"no port between {PORTS.start} and {PORTS.stop} is free")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _said(answer: httpx.Response) -> Any:
    try:
        return answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
