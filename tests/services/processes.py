"""Real processes for tests: started, waited for, and ended by their own id."""

import itertools
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

PORTS = range(10_000, 20_000)
"""Below the ports that outgoing connections take (from 32768): one of those may be taken again before it is used."""

_next_port = itertools.count(os.getpid() * 997)  # two workers of pytest begin far from each other


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on, and that this process is given once only."""
    for number in itertools.islice(_next_port, len(PORTS)):
        port = PORTS[number % len(PORTS)]
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError(f"no port between {PORTS.start} and {PORTS.stop} is free")


def listens(port: int) -> bool:
    """Whether something accepts connections on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(
    command: Sequence[str], port: int, environ: Mapping[str, str], seconds: float = 120.0
) -> Iterator[subprocess.Popen[str]]:
    """A process that listens on `port`; terminated on leaving, killed if it does not end.

    Its `stdout` reads what it has written to either stream: a file, as a pipe that nobody reads would fill and hang it.
    """
    with tempfile.NamedTemporaryFile("w") as written, open(written.name, encoding="utf-8") as said:
        process = subprocess.Popen(command, env=environ, text=True, stdout=written, stderr=subprocess.STDOUT)
        process.stdout = said
        try:
            wait_for_port(process, port, seconds)
            yield process
        finally:
            end(process)


SLOW_START_SECONDS = 240.0
"""Longest start of a server such as Kafka's or MLflow's on a machine with much else to do."""


def wait_for_port(process: subprocess.Popen[str], port: int, seconds: float = 120.0) -> None:
    """Return once the port accepts connections. Raises RuntimeError when the process ends or lags."""
    deadline = time.monotonic() + seconds
    while not listens(port):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode}: {_said(process)}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{process.args} does not listen on {port} after {seconds:g} s")
        time.sleep(0.02)


def end(process: subprocess.Popen[Any], seconds: float = 120.0) -> int:
    """End a process with SIGTERM. Returns its exit code. Raises RuntimeError for one that had to be killed."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise RuntimeError(f"{process.args} did not end within {seconds:g} s of SIGTERM, and was killed") from None


def _said(process: subprocess.Popen[str]) -> str:
    return process.stdout.read() if process.stdout else ""
