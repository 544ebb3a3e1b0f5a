"""Processes that run the processor and can be killed: each a fork of one that has imported everything already.

`python -m benchmarks.stream.lives` reads lines of JSON, the environment of a life, and answers with its process id.
Importing takes seconds, and a proof ends hundreds of lives.
"""

import faulthandler
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

ENDS_SECONDS = 120.0
"""Longest wait for a process that was told to end."""


class Lives:
    """Starts and kills processes that process a stream."""

    def __init__(self, parent: subprocess.Popen[str]) -> None:
        self._parent, self._answers = parent, cast(IO[str], parent.stdout)
        self.alive: set[int] = set()

    def start(self, environment: Mapping[str, str]) -> int:
        """A new process; its id."""
        print(json.dumps(dict(environment)), file=self._parent.stdin, flush=True)
        process = int(self._answers.readline())
        self.alive.add(process)
        return process

    def kill(self, process: int, number: int = signal.SIGKILL) -> None:
        """End it, at once by default, and return when it is gone. Raises TimeoutError when it does not go."""
        with suppress(ProcessLookupError):
            os.kill(process, number)
        self.alive.discard(process)
        until = time.monotonic() + ENDS_SECONDS
        while runs(process):
            if time.monotonic() > until:
                raise TimeoutError(f"process {process} was sent signal {number}, and runs on")
            time.sleep(0.005)


def runs(process: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def lives(log: Path) -> Iterator[Lives]:
    """The parent of lives; all of them end with the block. log: what they say."""
    with log.open("a") as err:
        parent = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.stream.lives"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        )
    found = Lives(parent)
    try:
        yield found
    finally:
        for process in list(found.alive):
            found.kill(process)
        parent.kill()
        parent.wait()


def serve() -> None:
    """Read environments, start lives."""
    import kafka  # noqa: F401

    import console.operations.streaming  # noqa: F401  imported once, for all lives
    import matchday.events.group_consumer
    import matchday.events.topic_producer  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.environ.update(json.loads(line))
            live()
        print(process, flush=True)


def live() -> None:
    """Process until SIGTERM; PROBES_PORT of the environment: of probes and metrics, by default a free one."""
    import threading

    from console.operations import streaming
    from matchday import telemetry

    stop = threading.Event()
    faulthandler.register(signal.SIGUSR1)  # where it hangs, should it hang
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    status = 1
    try:
        streaming.process(int(os.environ.get("PROBES_PORT", "0")), stop.is_set, lambda port: None)
        telemetry.shutdown()
        status = 0
    except BaseException as error:  # noqa: BLE001  whatever it is, the child must end here
        print(repr(error), file=sys.stderr, flush=True)
    os._exit(status)


if __name__ == "__main__":
    serve()
