"""The one door to OpenTelemetry: spans, structured logs, and where both go.

By default every process of Matchday appends to `<home>/telemetry/traces.jsonl` and `logs.jsonl`, one OTLP
JSON object a line, as the collector's `otlpjsonfile` receiver reads them. With `OTEL_EXPORTER_OTLP_ENDPOINT`
set they go there over OTLP/HTTP instead. `OTEL_SDK_DISABLED=true` turns both off. The environment's
`TRACEPARENT` makes a process part of its caller's trace.

Importing this costs no more than the OpenTelemetry API; the SDK, the exporters and structlog are imported
when they are first needed. Before `start`, and when telemetry is off, everything here works and records
nothing.
"""

from matchday.telemetry.logs import logger
from matchday.telemetry.sampling import Caller, Sampling, read_tracestate
from matchday.telemetry.session import remote_context, shutdown, start
from matchday.telemetry.spans import inject, span, traceparent, within

__all__ = [
    "Caller",
    "Sampling",
    "inject",
    "logger",
    "read_tracestate",
    "remote_context",
    "shutdown",
    "span",
    "start",
    "traceparent",
    "within",
]
