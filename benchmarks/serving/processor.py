"""Processor time of a server's processes, and pinning them and the load generator to a core each."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.serving.process import family

TICKS = os.sysconf("SC_CLK_TCK")
"""Clock ticks per second in `/proc/PID/stat`."""


def cpu_seconds(root: int) -> float:
    """User and system time, in seconds, of a process, its children that are alive and those it has waited for."""
    return sum(_ticks(pid) for pid in family(root)) / TICKS


@contextmanager
def pinned(root: int) -> Iterator[bool]:
    """Hold a process and its children to one core and this process, with what it starts, to another.

    Yields whether that was possible: it takes two cores. Undone on leaving.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        yield False
        return
    server, generator = cores[0], cores[1]
    _hold(_threads(root), {server})
    os.sched_setaffinity(0, {generator})
    try:
        yield True
    finally:
        os.sched_setaffinity(0, cores)
        _hold(_threads(root), set(cores))


def _hold(threads: list[int], cores: set[int]) -> None:
    for thread in threads:
        with suppress(ProcessLookupError):
            os.sched_setaffinity(thread, cores)


def _threads(root: int) -> list[int]:
    return [int(task.name) for pid in family(root) for task in Path(f"/proc/{pid}/task").glob("*")]


def _ticks(pid: int) -> int:
    """The four times of `/proc/PID/stat`: utime, stime, cutime, cstime. 0 when the process has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    fields = text.rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15])
