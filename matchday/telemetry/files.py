"""Telemetry in files: one OTLP JSON object a line, appended by as many processes as there are."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import TypeVar

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from matchday.files import lock_descriptor
from matchday.telemetry.otlp import log_line, span_line

T = TypeVar("T")
MAX_BYTES = 64 * 2**20
"""A file that reaches this becomes `<name>.1`, in place of the one before: two of them at most."""


class LineFile:
    """A file that many processes append to: one `write` on an O_APPEND descriptor for all lines of a batch.

    A file that was deleted or rolled over by another process is opened again. The first failure is said on
    stderr; after it the file stays silent.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        """Open or make the file and its folder. Raises OSError."""
        self.path = path
        self.max_bytes = max_bytes
        self._lock = Lock()
        self._descriptor: int | None = self._open()

    def write(self, *lines: str) -> bool:
        """Append lines; False when they could not be."""
        data = "".join(f"{line}\n" for line in lines).encode()
        with self._lock:
            try:
                if self._descriptor is None:
                    return False
                self._descriptor = self._place(self._descriptor)
                return os.write(self._descriptor, data) == len(data)
            except OSError as error:
                print(f"telemetry is off: {self.path}: {error.strerror}", file=sys.stderr)
                self._release()
                return False

    def close(self) -> None:
        """Let go of the file; later lines are dropped."""
        with self._lock:
            self._release()

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def _release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None

    def _place(self, descriptor: int) -> int:
        """The descriptor to write to: of a new file when the open one is full or gone."""
        state = os.fstat(descriptor)
        if state.st_size >= self.max_bytes:
            self._roll(descriptor, state)
        elif state.st_nlink > 0:
            return descriptor
        fresh = self._open()
        os.close(descriptor)
        return fresh

    def _roll(self, descriptor: int, state: os.stat_result) -> None:
        """Move the full file aside, unless another process has done so."""
        lock_descriptor(descriptor, self.path)
        if self.path.exists() and os.path.samestat(self.path.stat(), state):
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))


class SpanFile(SpanExporter):
    """Spans, one a line."""

    def __init__(self, path: Path) -> None:
        """Raises OSError when the file cannot be opened."""
        self._file = LineFile(path)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append the spans."""
        return SpanExportResult.SUCCESS if _write(self._file, span_line, spans) else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Close the file."""
        self._file.close()


class LogFile(LogRecordExporter):
    """Log records, one a line."""

    def __init__(self, path: Path) -> None:
        """Raises OSError when the file cannot be opened."""
        self._file = LineFile(path)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Append the records."""
        return LogRecordExportResult.SUCCESS if _write(self._file, log_line, batch) else LogRecordExportResult.FAILURE

    def shutdown(self) -> None:
        """Close the file."""
        self._file.close()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here."""
        return True


def _write(file: LineFile, encode: Callable[[T], str], items: Sequence[T]) -> bool:
    return file.write(*map(encode, items))
