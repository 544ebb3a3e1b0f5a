"""The telemetry of this process: opened once by `start`, closed by `shutdown` or at exit."""

import atexit
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.trace import NoOpTracer, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

FLUSH_EVERY_MS = 1000
"""How long a finished span may wait in memory, unless OTEL_BSP_SCHEDULE_DELAY says otherwise."""

EXPORT_WITHIN_S = 2
"""How long an export may take, with its retries, unless OTEL_EXPORTER_OTLP_TIMEOUT says otherwise."""


@dataclass(frozen=True)
class Session:
    """Where spans and log records go. parent: the caller's span, from the environment, or empty.

    spans, resource: what takes finished spans, and whose they are; nothing when telemetry is off.
    """

    tracer: Tracer = field(default_factory=NoOpTracer)
    spans: "SpanProcessor | None" = None
    resource: "Resource | None" = None
    logs: "LoggerProvider | None" = None
    parent: Context = field(default_factory=Context)
    close: Callable[[], None] = lambda: None


_OFF = Session()
_session = _OFF
_lock = Lock()


def active() -> Session:
    """The session of this process; one that records nothing before `start`."""
    return _session


def start(service: str, process: int | None = None) -> None:
    """Send the spans and logs of this process on, as `service`. A second call changes nothing.

    process: id of another process, whose spans these are. `OTEL_SERVICE_NAME` wins over `service`. A folder that
    cannot be written is said once on stderr; the work goes on without telemetry.
    """
    global _session
    with _lock:
        if _session is not _OFF:
            return
        parent = remote_context(os.environ.get("TRACEPARENT"), os.environ.get("TRACESTATE"))
        if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            _session = Session(parent=parent)
            return
        try:
            _session = _open(service, parent, process or os.getpid())
        except OSError as error:
            print(f"telemetry is off: {error.filename}: {error.strerror}", file=sys.stderr)
            _session = Session(parent=parent)
        atexit.register(shutdown)


def shutdown() -> None:
    """Send what is still in memory and stop. `start` may follow again."""
    global _session
    with _lock:
        ended, _session = _session, _OFF
    ended.close()
    atexit.unregister(shutdown)


def remote_context(traceparent: str | None, tracestate: str | None = None) -> Context:
    """The caller's span as the W3C headers tell it; without or with broken ones, the root of a new trace."""
    carrier = {"traceparent": traceparent or "", "tracestate": tracestate or ""}
    return TraceContextTextMapPropagator().extract(carrier, context=Context())


def _open(service: str, parent: Context, process: int) -> Session:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    name = os.environ.get("OTEL_SERVICE_NAME") or service
    resource = Resource.create({"service.name": name, "service.namespace": "matchday", "process.pid": process})
    spans, logs = _to_collector() if _collector() else _to_files()
    traces = TracerProvider(resource=resource, shutdown_on_exit=False)
    traces.add_span_processor(spans)
    records = LoggerProvider(resource=resource, shutdown_on_exit=False)
    records.add_log_record_processor(logs)
    tracer = traces.get_tracer("matchday")
    return Session(tracer, spans, resource, records, parent, lambda: _close(traces, records))


def _close(traces: "TracerProvider", records: "LoggerProvider") -> None:
    traces.shutdown()
    records.shutdown()


def _collector() -> bool:
    return bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip())


def _to_files() -> tuple["SpanProcessor", "LogRecordProcessor"]:
    """Processors that append to the files. Raises OSError when they cannot be opened."""
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

    from matchday.settings import Settings
    from matchday.telemetry.files import LogFile, SpanFile

    folder = Path(Settings().home, "telemetry").resolve()
    logs = SimpleLogRecordProcessor(LogFile(folder / "logs.jsonl"))
    return _batched(SpanFile(folder / "traces.jsonl")), logs


def _to_collector() -> tuple["SpanProcessor", "LogRecordProcessor"]:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    _complain_once()
    timeout = None if "OTEL_EXPORTER_OTLP_TIMEOUT" in os.environ else EXPORT_WITHIN_S
    return _batched(OTLPSpanExporter(timeout=timeout)), BatchLogRecordProcessor(OTLPLogExporter(timeout=timeout))


def _batched(exporter: "SpanExporter") -> "SpanProcessor":
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    delay = None if "OTEL_BSP_SCHEDULE_DELAY" in os.environ else FLUSH_EVERY_MS
    return BatchSpanProcessor(exporter, schedule_delay_millis=delay)


def _complain_once() -> None:
    """Show the first complaint of the exporters, not one for every batch."""
    log = logging.getLogger("opentelemetry")
    if not any(isinstance(handler, _First) for handler in log.handlers):
        log.addHandler(_First())
    log.propagate = False


class _First(logging.Handler):
    said = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self.said:
            self.said = True
            print(f"telemetry does not arrive: {record.getMessage()}", file=sys.stderr)
