"""Processes of the benchmark: started, waited for, weighed, and ended by their own id."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.serving.error import BenchError

MIB = 2**20
POLL_S = 0.01
PAGE = os.sysconf("SC_PAGE_SIZE")


def stop_when_told() -> None:
    """Have SIGTERM leave every block, so that what was started is ended, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


@contextmanager
def running(
    command: Sequence[str], log: Path, environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with its children, ended on leaving. What it prints goes to `log`."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            env={**os.environ, **(environ or {})},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes], seconds: float = 15.0) -> None:
    """End a process that leads a session, gently and then by force, and what it has left behind."""
    if process.poll() is None:
        process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait(process: subprocess.Popen[bytes], done: Callable[[], bool], seconds: float, log: Path) -> float:
    """Seconds until `done`, from now. Raises BenchError, with the end of the log, when it ends or lags."""
    begun = time.monotonic()
    while not done():
        if process.poll() is not None:
            raise BenchError(f"{_name(process)} ended with exit code {process.returncode}: {tail(log)}")
        if time.monotonic() - begun > seconds:
            raise BenchError(f"{_name(process)} was not ready after {seconds:g} s: {tail(log)}")
        time.sleep(POLL_S)
    return time.monotonic() - begun


PORTS = range(10_000, 20_000)
"""Below the ports that outgoing connections take (from 32768): one of those may be taken again before it is used."""


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    return next(port for port in random.sample(PORTS, len(PORTS)) if not listens(port))


def listens(port: int) -> bool:
    """Whether something accepts connections on the port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def program(name: str, package: str) -> str:
    """Path of a program of this machine. Raises BenchError that says how to install it."""
    found = shutil.which(name)
    if found is None:
        raise BenchError(f"{name} is missing. On Debian and Ubuntu: apt-get install {package}. Then run this again.")
    return found


def worker_mib(root: int) -> float:
    """Resident memory, in MiB, of the largest of a process and its children: the worker, which holds the model."""
    return max(resident_bytes(pid) for pid in family(root)) / MIB


def all_mib(root: int) -> float:
    """Memory, in MiB, of a process and its children, what they share counted once (the sum of their PSS)."""
    return sum(proportional_bytes(pid) for pid in family(root)) / MIB


def family(root: int) -> list[int]:
    """A process and all its children that are alive. The root is given even when it has ended."""
    found = [root]
    for pid in found:
        for file in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                found.extend(int(child) for child in file.read_text().split())
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def resident_bytes(pid: int) -> int:
    """Resident set of a process; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (FileNotFoundError, ProcessLookupError):
        return 0


def proportional_bytes(pid: int) -> int:
    """Proportional set of a process; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def tail(log: Path, lines: int = 6) -> str:
    """The end of a log, on one line."""
    try:
        text = log.read_text(errors="replace")
    except FileNotFoundError:
        return "it said nothing"
    return " | ".join(text.strip().splitlines()[-lines:]) or "it said nothing"


def _name(process: subprocess.Popen[bytes]) -> str:
    return " ".join(Path(part).name for part in list(process.args)[:4])  # type: ignore[arg-type]
