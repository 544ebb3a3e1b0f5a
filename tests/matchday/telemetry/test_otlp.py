"""Lines of OTLP JSON mean what OpenTelemetry's own encoder sends for the same span or log record."""

import base64
import json
import re
from typing import Any

from google.protobuf.json_format import Parse
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as some
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from matchday.telemetry.otlp import log_line, span_line

ID = re.compile(r'"(traceId|spanId|parentSpanId)":"([0-9a-f]+)"')

texts = some.text(some.characters(exclude_categories=["Cs"]), max_size=20)
scalars = some.booleans() | some.integers(-(2**63), 2**63 - 1) | some.floats(allow_nan=False) | texts
same_kind = some.one_of(*(some.lists(kind, max_size=4) for kind in (texts, some.booleans(), some.integers(0, 9))))
attributes = some.dictionaries(texts.filter(bool), scalars | same_kind, max_size=5)


def parsed(line: str, kind: Message) -> Any:
    """The line as a message of the protocol. Its ids are hexadecimal, where protobuf's JSON has base64."""
    assert "\n" not in line
    return Parse(ID.sub(lambda it: f'"{it[1]}":"{base64.b64encode(bytes.fromhex(it[2])).decode()}"', line), kind)


@given(texts, attributes, attributes, some.sampled_from(SpanKind), some.sampled_from(StatusCode), some.booleans())
def test_a_span(
    name: str, own: dict[str, Any], of_event: dict[str, Any], kind: SpanKind, status: StatusCode, linked: bool
) -> None:
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("tests")
    with tracer.start_as_current_span("outer") as outer:
        links = [Link(outer.get_span_context())] if linked else []
        with tracer.start_as_current_span(name, kind=kind, attributes=own, links=links) as span:
            span.add_event("seen", of_event)
            span.set_status(Status(status, "why" if status is StatusCode.ERROR else None))
    for finished in kept.get_finished_spans():
        ours, official = parsed(span_line(finished), TracesData()), encode_spans([finished])
        [[sent]] = [[span for scope in each.scope_spans for span in scope.spans] for each in official.resource_spans]
        sent.flags = 0
        for link in sent.links:
            link.flags = 0
        assert list(ours.resource_spans) == list(official.resource_spans)


@given(texts | scalars, attributes)
def test_a_log_record(body: Any, own: dict[str, Any]) -> None:
    kept, provider = InMemoryLogRecordExporter(), LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    provider.get_logger("tests").emit(timestamp=1, observed_timestamp=2, body=body, attributes=own)
    [record] = kept.get_finished_logs()
    assert list(parsed(log_line(record), LogsData()).resource_logs) == list(encode_logs([record]).resource_logs)


def test_numbers_that_json_does_not_have_are_written_as_protobuf_writes_them() -> None:
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    provider.get_tracer("tests").start_span(
        "x", attributes={"n": float("nan"), "i": float("inf"), "m": float("-inf")}
    ).end()
    [span] = kept.get_finished_spans()
    [scope] = json.loads(span_line(span))["resourceSpans"][0]["scopeSpans"]
    values = [each["value"]["doubleValue"] for each in scope["spans"][0]["attributes"]]
    assert values == ["NaN", "Infinity", "-Infinity"]
