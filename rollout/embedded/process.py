"""Background process that outlives its starter and is found again by its PID record."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rollout.embedded import launch
from rollout.splitter import SplitError

RECORD_SECONDS = 10.0
"""Time in which a new process must write its record."""
POLL_SECONDS = 0.01
LOG_TAIL = 2000
"""Bytes at the end of a log in which the last line is looked for."""


class PidRecord(NamedTuple):
    """Identity of a process. born: its start time. boot: identity of the machine's boot. log: where its output begins.

    log: an offset in bytes into the file of its output, which it shares with the processes before it.
    """

    pid: int
    born: str
    boot: str
    log: int = 0


class LineCount(NamedTuple):
    """Lines found in the output of a process so far, up to a position in its log."""

    record: PidRecord
    position: int
    found: int


class BackgroundProcess:
    """At most one process at a time for each record file."""

    def __init__(self, record: Path, log: Path) -> None:
        """record: file of the PID record. log: file for its output."""
        self.record = record
        self.log = log
        self._child: subprocess.Popen[bytes] | None = None
        self._counts: dict[str, LineCount] = {}

    def start(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start a command in a session of its own. Raises SplitError when no record is written."""
        self.record.unlink(missing_ok=True)
        launcher = [sys.executable, "-I", "-S", launch.__file__, str(self.record), *command]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                launcher,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + RECORD_SECONDS
        while not self.record.exists():
            if self._child.poll() is not None or time.monotonic() > deadline:
                raise SplitError(f"{command[0]} did not start: {self.last_line()}")
            time.sleep(POLL_SECONDS)

    @property
    def pid(self) -> int | None:
        """Its process id; None when it does not run. Another process that has the id by now does not count."""
        if self._child is not None:
            self._child.poll()
        record = self._read_record()
        return record.pid if record and launch.start_time(record.pid) == record.born else None

    @property
    def was_started(self) -> bool:
        """Whether it was started since the machine's boot, running or not."""
        record = self._read_record()
        return record is not None and record.boot == launch.boot_id()

    def end(self, seconds: float) -> None:
        """Terminate it, kill it after some seconds, and delete its record. Other processes are left alone."""
        if self._send(signal.SIGTERM) and not self._await_end(seconds) and self._send(signal.SIGKILL):
            self._await_end(seconds)
        self.record.unlink(missing_ok=True)

    def last_line(self) -> str:
        """The last line of its output."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_TAIL))
                lines = file.read().decode(errors="replace").split("\n")
        except OSError:
            return "no output"
        return next((line.strip() for line in reversed(lines) if line.strip()), "no output")

    def count_lines(self, part: str) -> int:
        """Lines of its output, since it was started, that have this part. Each call reads only what is new."""
        record = self._read_record()
        if record is None or not self.log.exists():
            return 0
        known = self._counts.get(part)
        if known is None or known.record != record:
            known = LineCount(record, record.log, 0)
        with self.log.open("rb") as file:
            file.seek(known.position)
            whole, newline, _ = file.read().rpartition(b"\n")
        found = known.found + sum(part.encode() in line for line in whole.split(b"\n"))
        self._counts[part] = LineCount(record, known.position + len(whole + newline), found)
        return found

    def _read_record(self) -> PidRecord | None:
        """The record; None when there is none. Raises SplitError for a file that is none."""
        try:
            saved = json.loads(self.record.read_text(encoding="utf-8"))
            return PidRecord(int(saved["pid"]), str(saved["born"]), str(saved["boot"]), int(saved.get("log", 0)))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            raise SplitError(
                f"{self.record} is no PID record: end the process that it belongs to by hand, then delete it"
            ) from None

    def _send(self, number: signal.Signals) -> bool:
        """Send a signal. Returns whether the process was there."""
        if (pid := self.pid) is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def _await_end(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.pid is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True
