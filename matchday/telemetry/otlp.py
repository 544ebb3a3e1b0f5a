"""Spans and log records as lines of OTLP JSON.

Follows opentelemetry.io/docs/specs/otel/protocol/file-exporter: ids in hex, 64-bit integers as text.
"""

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, format_span_id, format_trace_id

_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""As protobuf's JSON writes numbers that JSON does not have."""


def span_line(span: ReadableSpan) -> str:
    """One finished span as a `TracesData` line."""
    context = span.context
    body = {
        "traceId": format_trace_id(context.trace_id),
        "spanId": format_span_id(context.span_id),
        **({"parentSpanId": format_span_id(span.parent.span_id)} if span.parent else {}),
        "name": span.name,
        "kind": span.kind.value + 1,
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes),
        "events": [_event(event) for event in span.events],
        "links": [_link(link) for link in span.links],
        "status": _status(span),
    }
    scoped = {"scopeSpans": [{"scope": _scope(span.instrumentation_scope), "spans": [body]}]}
    return _line("resourceSpans", span.resource, scoped)


def log_line(item: ReadableLogRecord) -> str:
    """One log record as a `LogsData` line."""
    record = item.log_record
    body = {
        "timeUnixNano": str(record.timestamp or record.observed_timestamp),
        "observedTimeUnixNano": str(record.observed_timestamp),
        "severityNumber": record.severity_number.value if record.severity_number else 0,
        "severityText": record.severity_text or "",
        "body": _value(record.body),
        "attributes": _attributes(record.attributes),
    }
    if record.trace_id:
        body |= {"traceId": format_trace_id(record.trace_id), "spanId": format_span_id(record.span_id or 0)}
    scoped = {"scopeLogs": [{"scope": _scope(item.instrumentation_scope), "logRecords": [body]}]}
    return _line("resourceLogs", item.resource, scoped)


def _line(kind: str, resource: Resource, scoped: dict[str, Any]) -> str:
    described = {"attributes": _resource(resource)}
    return json.dumps({kind: [{"resource": described, **scoped}]}, separators=(",", ":"), ensure_ascii=False)


@lru_cache(maxsize=4)
def _resource(resource: Resource) -> list[dict[str, Any]]:
    return _attributes(resource.attributes)


def _scope(scope: InstrumentationScope | None) -> dict[str, str]:
    return {"name": scope.name} if scope else {}


def _status(span: ReadableSpan) -> dict[str, Any]:
    said = {"message": span.status.description} if span.status.description else {}
    return {"code": span.status.status_code.value, **said} if span.status.status_code.value else {}


def _event(event: Event) -> dict[str, Any]:
    return {
        "timeUnixNano": str(event.timestamp),
        "name": event.name,
        "attributes": _attributes(event.attributes),
    }


def _link(link: Link) -> dict[str, Any]:
    return {"traceId": format_trace_id(link.context.trace_id), "spanId": format_span_id(link.context.span_id)}


def _attributes(attributes: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in (attributes or {}).items()]


def _value(value: Any) -> dict[str, Any]:
    """An `AnyValue` of the protocol."""
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value if math.isfinite(value) else _NOT_FINITE[str(value)]}
        case Mapping():
            return {"kvlistValue": {"values": _attributes(value)}}
        case str():
            return {"stringValue": value}
        case Sequence():
            return {"arrayValue": {"values": [_value(item) for item in value]}}
        case _:
            return {"stringValue": str(value)}
