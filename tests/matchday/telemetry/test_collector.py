"""Spans and logs sent to a collector over OTLP."""

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from matchday import telemetry
from tests.matchday.telemetry.written import child


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[Any]]]:
    """A collector that speaks OTLP/HTTP; what arrives, by path."""
    arrived: dict[str, list[Any]] = {"/v1/traces": [], "/v1/logs": []}
    messages: dict[str, Any] = {"/v1/traces": ExportTraceServiceRequest, "/v1/logs": ExportLogsServiceRequest}

    class Receive(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            arrived[self.path].append(messages[self.path].FromString(body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receive)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield arrived
    server.shutdown()
    server.server_close()


def test_the_trace_and_the_logs_of_both_processes_arrive_over_otlp(collector: dict[str, list[Any]], home: Path) -> None:
    telemetry.start("demo")
    with telemetry.span("pipeline"):
        telemetry.logger("demo").info("begun", season="2526")
        child(TRACEPARENT=telemetry.traceparent() or "")
    telemetry.shutdown()
    spans = {
        span.name: span
        for request in collector["/v1/traces"]
        for scope in request.resource_spans[0].scope_spans
        for span in scope.spans
    }
    records = {
        record.body.string_value: record
        for request in collector["/v1/logs"]
        for scope in request.resource_logs[0].scope_logs
        for record in scope.log_records
    }
    step, pipeline = spans["work in the child"], spans["pipeline"]
    assert (step.trace_id, step.parent_span_id) == (pipeline.trace_id, pipeline.span_id)
    assert (records["begun"].trace_id, records["begun"].span_id) == (pipeline.trace_id, pipeline.span_id)
    assert (records["half way"].trace_id, records["half way"].span_id) == (step.trace_id, step.span_id)
    assert records["begun"].attributes[0].value.string_value == "2526"
    assert not home.exists()


def test_a_collector_that_is_not_there_costs_a_line_and_little_time() -> None:
    began = time.perf_counter()
    done = child(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert time.perf_counter() - began < 40
    assert len(done.stderr.splitlines()) == 1
    assert "telemetry does not arrive" in done.stderr
