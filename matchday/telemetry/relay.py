"""Spans of a busy server, exported by a process of their own: `python -m matchday.telemetry`.

To make OpenTelemetry's spans and to encode them takes longer than a forecast, and would keep the interpreter from
requests. Here a request that is over costs one append to a bounded queue; a thread writes what is there to the
process, ten times a second. Where it cannot keep up, the oldest are dropped.
"""

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from matchday import telemetry

CAPACITY = 4096
"""Server spans that wait at most."""

EVERY_SECONDS = 0.1


class Stage(NamedTuple):
    """A part of a request. begun, ended: Unix nanoseconds."""

    name: str
    begun: int
    ended: int


class ServerSpan(NamedTuple):
    """A request that is over. caller: span id, 0 for none. begun, ended: Unix nanoseconds. failed: by our fault."""

    name: str
    trace_id: int
    span_id: int
    caller: int
    tracestate: str
    begun: int
    ended: int
    attributes: Mapping[str, str | int]
    stages: Sequence[Stage]
    failed: bool = False


class Relay:
    """The worker's side; its process is started with the first span."""

    def __init__(self, service: str, capacity: int = CAPACITY) -> None:
        """service: whose the spans are, as `telemetry.start` takes it."""
        self._command = (sys.executable, "-m", "matchday.telemetry", service, str(os.getpid()))
        self._queue: deque[ServerSpan] = deque(maxlen=capacity)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def record(self, span: ServerSpan) -> None:
        """Send a span on, in a moment. Never waits and never fails."""
        self._queue.append(span)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="span-relay", daemon=True)
            self._thread.start()

    def close(self, seconds: float = 5.0) -> None:
        """Send what is left, for at most this long."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            process = subprocess.Popen(self._command, stdin=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            telemetry.logger("telemetry").warning("spans are not recorded", reason=str(error))
            return
        try:
            over = False
            while not over:
                over = self._closing.wait(EVERY_SECONDS)
                self._write(process)
        except OSError:
            telemetry.logger("telemetry").warning("spans are not recorded any more", reason="their process ended")
        finally:
            with suppress(OSError):
                process.stdin.close()  # type: ignore[union-attr]
            process.wait()

    def _write(self, process: "subprocess.Popen[bytes]") -> None:
        spans = []
        with suppress(IndexError):
            while True:
                spans.append(self._queue.popleft())
        if spans:
            process.stdin.write(json.dumps(spans).encode() + b"\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
