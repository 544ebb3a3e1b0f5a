"""A Redis of its own for a benchmark."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.serving.process import free_port, listens, program, running, wait


@contextmanager
def running_redis(folder: Path) -> Iterator[int]:
    """The port of a Redis that saves nothing, for the time of the block. Raises BenchError without redis-server."""
    server = program("redis-server", "redis-server")
    port, log = free_port(), folder / "redis.log"
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with running(command, log) as process:
        wait(process, lambda: listens(port), 10, log)
        yield port
