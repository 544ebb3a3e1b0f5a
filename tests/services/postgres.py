"""A real PostgreSQL for tests: on a free port, in a folder of its own, run by somebody who is not root.

from tests.services.postgres import postgres  # the fixture: a server; `database()` gives a new, empty database
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from tests.services.processes import end, free_port, wait_for_port
from tests.services.requirements import require
from tests.waiting import eventually

PACKAGE = "postgresql"
FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
"""Debian keeps the server's programs of each version apart from PATH."""

NOBODY = 65534
PASSWORD = "a-p%40ss"


@dataclass
class PostgresServer:
    """A server that can be stopped and started again on the same port, with what it held."""

    folder: Path
    programs: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    _names: Iterator[int] = field(default_factory=count)

    def make(self) -> None:
        """Make its files, with one user, `mlflow`, who has to give a password."""
        secret = self.folder / "password"
        secret.write_text("a-p@ss")
        self._run("initdb", "-U", "mlflow", "-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync", "-E", "UTF8")

    def start(self) -> None:
        """Listen."""
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
        self.process = subprocess.Popen(command, **self._quiet())
        wait_for_port(self.process, self.port)
        eventually(self._accepts)

    def _accepts(self) -> bool:
        """Whether it takes connections: it listens before it has started up."""
        command = [str(self.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False, **self._quiet()).returncode == 0

    def stop(self) -> None:
        """End at once (PostgreSQL's fast shutdown), though clients are connected: on SIGTERM it waits for them."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            end(self.process)
            self.process = None

    def url(self, database: str = "postgres") -> str:
        """As MLflow is told."""
        return f"postgresql://mlflow:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"test{next(self._names)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, statement: str, url: str | None = None) -> list[tuple[object, ...]]:
        """What a statement gives."""
        import psycopg

        with psycopg.connect(url or self.url(), autocommit=True) as connection:
            answer = connection.execute(statement)
            return answer.fetchall() if answer.description else []

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
        subprocess.run(command, check=True, timeout=60, **self._quiet())

    def _quiet(self) -> dict[str, object]:
        """It refuses to run as root."""
        log = (self.folder / "server.log").open("a")
        who = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        return {"stdout": log, "stderr": log, "text": True, "cwd": self.folder, "env": {"LC_ALL": "C.UTF-8"}, **who}


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server for the time of the block."""
    require(FOLDERS, f"no PostgreSQL server on this machine; install {PACKAGE}")
    folder = Path(tempfile.mkdtemp(prefix="matchday-postgres-"))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    server = PostgresServer(folder, FOLDERS[0])
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server for the tests of a module."""
    with postgres_server() as server:
        yield server
