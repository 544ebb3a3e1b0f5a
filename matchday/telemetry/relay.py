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
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from matchday import telemetry

CAPACITY = 4096
"""Server spans that wait at most."""

EVERY_SECONDS = 0.1

RESTART_SECONDS = 1.0
"""Least time from a start of the process to the next one, when it ended."""


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
    """The worker's side; its process is started with the first span, and again when it ends."""

    def __init__(self, service: str, capacity: int = CAPACITY) -> None:
        """service: whose the spans are, as `telemetry.start` takes it."""
        self._command = (sys.executable, "-m", "matchday.telemetry", service, str(os.getpid()))
        self._queue: deque[ServerSpan] = deque(maxlen=capacity)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._start_at = 0.0

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
        over = False
        while not over:
            over = self._closing.wait(EVERY_SECONDS)
            if not self._queue:
                continue
            try:
                if process := self._running():
                    self._write(process)
            except OSError as error:
                telemetry.logger("telemetry").warning("spans were lost", reason=f"their process: {error.strerror}")
                self._end()
        self._end()

    def _running(self) -> "subprocess.Popen[bytes] | None":
        """The process, started anew where it has ended; None while it is too early for that. Raises OSError."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        if time.monotonic() < self._start_at:
            return None
        self._end()
        self._start_at = time.monotonic() + RESTART_SECONDS
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, start_new_session=True)
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        process.wait()

    def _write(self, process: "subprocess.Popen[bytes]") -> None:
        spans = []
        with suppress(IndexError):
            while True:
                spans.append(self._queue.popleft())
        process.stdin.write(json.dumps(spans).encode() + b"\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
