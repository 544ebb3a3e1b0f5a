"""A process that outlives who started it, and is found again by its record."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rollout.embedded import launch
from rollout.splitter import SplitError

RECORD_SECONDS = 10.0
"""Time that a new process has to note itself."""
POLL_SECONDS = 0.01
LAST_WORDS = 2000
"""Bytes at the end of a log among which the last line is looked for."""


class BackgroundProcess:
    """One process at a time under one record: a file with its id, and when it began."""

    def __init__(self, record: Path, log: Path) -> None:
        """record: where it is noted. log: what it prints."""
        self.record = record
        self.log = log
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start it, in a session of its own. Raises SplitError when it does not come to note itself."""
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
                raise SplitError(f"{command[0]} did not start: {self.last_words()}")
            time.sleep(POLL_SECONDS)

    @property
    def pid(self) -> int | None:
        """Its id, if it runs and is the one that was started here."""
        if self._child is not None:
            self._child.poll()
        noted = self._noted()
        return int(noted["pid"]) if noted and launch.born(noted["pid"]) == noted["born"] else None

    @property
    def known(self) -> bool:
        """Whether one was started, whatever became of it, since the machine was."""
        noted = self._noted()
        return bool(noted) and noted["boot"] == launch.boot()

    def end(self, seconds: float) -> None:
        """End it gently, by force after some seconds, and forget it. One that was not started here is left alone."""
        if self._signal(signal.SIGTERM) and not self._gone(seconds) and self._signal(signal.SIGKILL):
            self._gone(seconds)
        self.record.unlink(missing_ok=True)

    def last_words(self) -> str:
        """The last line that it printed."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - LAST_WORDS))
                lines = file.read().decode(errors="replace").split("\n")
        except OSError:
            return "it said nothing"
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")

    def _noted(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self.record.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}

    def _signal(self, number: signal.Signals) -> bool:
        """Whether there was one to be told."""
        if (pid := self.pid) is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def _gone(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.pid is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True
