"""A real Redis for tests: on a free port, in a folder of its own, ended by its id."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.services.processes import end, free_port, wait_for_port
from tests.services.requirements import executable

PACKAGE = "redis-server"


@dataclass
class RedisServer:
    """A server that can be stopped, hung and started again on the same port, with what it held."""

    folder: Path
    port: int = field(default_factory=free_port)
    password: str | None = None
    options: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """As the model server is told."""
        secret = f":{quote(self.password, safe='')}@" if self.password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/0"

    @property
    def connection_string(self) -> str:
        """As Feast is told."""
        return f"127.0.0.1:{self.port}" + (f",password={self.password}" if self.password else "")

    def start(self) -> None:
        """Listen, with what was saved before."""
        command = [executable("redis-server", PACKAGE), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), "--save", "", "--daemonize", "no", *self.options]
        if self.password:
            command += ["--requirepass", self.password]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
        wait_for_port(self.process, self.port)

    def client(self) -> Any:
        """A client of it."""
        import redis

        return redis.Redis(port=self.port, password=self.password)

    def save(self) -> None:
        """Write what it holds to disk, for the next start."""
        self.client().save()

    def kill(self) -> None:
        """End at once, as a machine that is switched off."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def signal(self, number: int) -> None:
        """SIGSTOP hangs the server, SIGCONT lets it go on."""
        assert self.process is not None
        os.kill(self.process.pid, number)

    def stop(self) -> None:
        """End, gently at first."""
        if self.process is not None:
            end(self.process)
            self.process = None


@contextmanager
def redis_server(folder: Path, password: str | None = None, options: tuple[str, ...] = ()) -> Iterator[RedisServer]:
    """A server for the time of the block."""
    server = RedisServer(folder, password=password, options=options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server for the tests of a module."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server
