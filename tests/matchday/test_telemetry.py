"""One trace through all processes, logs that name it, and work that never fails for want of either."""

import gzip
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from matchday import telemetry
from matchday.telemetry.files import LineFile
from matchday.telemetry.redaction import HIDDEN, redacted
from matchday.telemetry.relay import Relay, ServerSpan, Stage

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CHILD = """
from matchday import telemetry
telemetry.start("step")
with telemetry.span("work in the child"):
    telemetry.logger("steps.child").info("half way", rows=3)
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home, no telemetry settings, and no session left open."""
    for name in [key for key in os.environ if key.startswith("OTEL_") or key in ("TRACEPARENT", "TRACESTATE")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MATCHDAY_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MATCHDAY_LOG_LEVEL", raising=False)
    monkeypatch.delenv("MATCHDAY_LOG_FORMAT", raising=False)
    yield tmp_path / "home"
    telemetry.shutdown()


def lines(home: Path, name: str) -> list[dict[str, Any]]:
    """The spans or log records of a telemetry file, flattened to a dictionary each."""
    telemetry.shutdown()
    kind, scopes, items = {
        "traces": ("resourceSpans", "scopeSpans", "spans"),
        "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    }[name]
    flat = []
    for line in (home / "telemetry" / f"{name}.jsonl").read_text().splitlines():
        (resource,) = json.loads(line)[kind]
        (scope,) = resource[scopes]
        (item,) = scope[items]
        flat.append(item | {"attributes": attributes(item), "resource": attributes(resource["resource"])})
    return flat


def attributes(item: dict[str, Any]) -> dict[str, Any]:
    """OTLP attributes as a dictionary of their plain values."""
    return {pair["key"]: next(iter(pair["value"].values())) for pair in item["attributes"]}


def child(code: str = CHILD, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    environ = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)


def test_importing_it_is_quick_and_brings_no_sdk_exporter_or_structlog() -> None:
    code = """
import sys, time
began = time.process_time()
import matchday.telemetry
print(time.process_time() - began, *{"opentelemetry.sdk", "structlog", "pydantic"} & set(sys.modules))
"""
    seconds = [child(code).stdout.split() for _ in range(3)]
    assert all(len(found) == 1 for found in seconds)
    assert min(float(found[0]) for found in seconds) < 0.25


def test_a_span_and_its_child_are_written_with_service_and_attributes(home: Path) -> None:
    telemetry.start("demo")
    with (
        telemetry.span("outer", season="2526", rows=380, share=0.5, final=True, nothing=None),
        telemetry.span("inner", kind="client", teams=["ARS", "LIV"]),
    ):
        pass
    inner, outer = lines(home, "traces")
    assert outer["name"] == "outer"
    assert outer["attributes"] == {"season": "2526", "rows": "380", "share": 0.5, "final": True}
    assert "parentSpanId" not in outer
    assert (inner["traceId"], inner["parentSpanId"]) == (outer["traceId"], outer["spanId"])
    assert (outer["kind"], inner["kind"]) == (1, 3)
    assert int(outer["startTimeUnixNano"]) <= int(inner["startTimeUnixNano"]) <= int(inner["endTimeUnixNano"])
    assert outer["resource"]["service.name"] == "demo"
    assert outer["status"] == {}


def test_an_exception_fails_the_span_and_goes_on(home: Path) -> None:
    telemetry.start("demo")
    with pytest.raises(ValueError, match="no such team"), telemetry.span("predict"):
        raise ValueError("no such team")
    (span,) = lines(home, "traces")
    assert span["status"] == {"code": 2, "message": "ValueError: no such team"}
    assert attributes(span["events"][0])["exception.message"] == "no such team"


def test_a_child_process_continues_the_trace_that_traceparent_names(home: Path) -> None:
    telemetry.start("demo")
    with telemetry.span("pipeline"):
        child(TRACEPARENT=telemetry.traceparent() or "")
    spans = {span["name"]: span for span in lines(home, "traces")}
    step, pipeline = spans["work in the child"], spans["pipeline"]
    assert (step["traceId"], step["parentSpanId"]) == (pipeline["traceId"], pipeline["spanId"])
    assert step["resource"]["service.name"] == "step"
    (record,) = lines(home, "logs")
    assert (record["traceId"], record["spanId"]) == (step["traceId"], step["spanId"])


def test_the_callers_span_is_the_parent_in_every_thread(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEPARENT", CALLER)
    telemetry.start("demo")

    def work() -> None:
        with telemetry.span("in a thread"):
            pass

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert telemetry.traceparent() == CALLER
    (span,) = lines(home, "traces")
    assert f"00-{span['traceId']}-{span['parentSpanId']}-01" == CALLER


def test_a_request_continues_the_trace_of_its_header_and_not_of_the_process(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", "00-" + "1" * 32 + "-" + "2" * 16 + "-01")
    telemetry.start("server")
    for header in (CALLER, None, "nonsense"):
        with telemetry.span("infer", parent=telemetry.remote_context(header), kind="server"):
            pass
    asked, alone, broken = lines(home, "traces")
    assert f"00-{asked['traceId']}-{asked['parentSpanId']}-01" == CALLER
    assert "parentSpanId" not in alone
    assert "parentSpanId" not in broken
    assert len({asked["traceId"], alone["traceId"], broken["traceId"], "1" * 32}) == 4


def test_inject_adds_the_current_span_and_leaves_the_headers_alone() -> None:
    telemetry.start("client")
    headers = {"accept": "application/json"}
    with telemetry.span("ask") as span:
        sent = telemetry.inject(headers)
    assert headers == {"accept": "application/json"}
    assert sent["accept"] == "application/json"
    assert int(sent["traceparent"].split("-")[2], 16) == span.get_span_context().span_id
    assert telemetry.traceparent() is None
    assert telemetry.inject({}) == {}


def test_start_twice_is_start_once(home: Path) -> None:
    telemetry.start("first")
    telemetry.start("second")
    with telemetry.span("only"):
        pass
    (span,) = lines(home, "traces")
    assert span["resource"]["service.name"] == "first"


def test_the_service_name_of_the_environment_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "chosen")
    telemetry.start("first")
    with telemetry.span("only"):
        pass
    assert lines(home, "traces")[0]["resource"]["service.name"] == "chosen"


def test_many_processes_append_whole_lines(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from matchday.telemetry.files import LineFile
file = LineFile(Path({str(tmp_path)!r}) / "all.jsonl")
for n in range(200):
    assert file.write(sys.argv[1] * 5000)
"""
    running = [subprocess.Popen([sys.executable, "-c", code, letter]) for letter in "abc"]
    assert [process.wait(30) for process in running] == [0, 0, 0]
    written = (tmp_path / "all.jsonl").read_text().splitlines()
    assert sorted(written) == [letter * 5000 for letter in "abc" for _ in range(200)]


def test_a_full_file_steps_aside_once_for_all_its_writers(tmp_path: Path) -> None:
    one, other = (LineFile(tmp_path / "t.jsonl", max_bytes=10) for _ in range(2))
    assert one.write("0123456789")
    assert other.write("from the other")
    assert one.write("from the one")
    assert (tmp_path / "t.jsonl.1").read_text() == "0123456789\n"
    assert (tmp_path / "t.jsonl").read_text() == "from the other\nfrom the one\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.jsonl", "t.jsonl.1"]


def test_a_home_deleted_under_a_running_process_comes_back(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "telemetry" / "t.jsonl")
    (tmp_path / "telemetry" / "t.jsonl").unlink()
    (tmp_path / "telemetry").rmdir()
    assert file.write("again")
    assert (tmp_path / "telemetry" / "t.jsonl").read_text() == "again\n"


def test_an_unwritable_home_is_said_once_and_the_work_goes_on(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.write_text("a file where the folder should be")
    telemetry.start("demo")
    telemetry.start("demo")
    with telemetry.span("work"):
        telemetry.logger("t").info("unheard")
    telemetry.shutdown()
    said = capsys.readouterr().err
    assert said.count("telemetry is off") == 1
    assert str(home) in said


def test_a_disk_that_fills_up_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = LineFile(Path("/dev/full"))
    assert [file.write("lost"), file.write("lost")] == [False, False]
    assert capsys.readouterr().err == "telemetry is off: /dev/full: No space left on device\n"


def test_disabled_by_the_standard_switch_it_writes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("TRACEPARENT", CALLER)
    telemetry.start("demo")
    with telemetry.span("work"):
        telemetry.logger("t").info("unheard")
        assert telemetry.traceparent() == CALLER
    assert not home.exists()


# Logs


def test_an_event_goes_to_stderr_and_on_with_the_ids_of_its_span(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    telemetry.start("demo")
    with telemetry.span("gate"):
        telemetry.logger("gate").warning("close call", rps=0.201, teams=["ARS"])
    shown = json.loads(capsys.readouterr().err)
    (span,) = lines(home, "traces")
    (record,) = lines(home, "logs")
    assert (shown["event"], shown["level"], shown["logger"], shown["rps"]) == (
        "close call",
        "warning",
        "gate",
        0.201,
    )
    assert (shown["trace_id"], shown["span_id"]) == (span["traceId"], span["spanId"])
    assert (record["traceId"], record["spanId"]) == (span["traceId"], span["spanId"])
    assert record["body"] == {"stringValue": "close call"}
    assert (record["severityText"], record["severityNumber"]) == ("WARNING", 13)
    assert record["attributes"]["rps"] == 0.201


@pytest.mark.parametrize(
    ("level", "shown", "sent"),
    [
        (None, ["warning", "error"], ["info", "warning", "error"]),
        ("error", ["error"], ["info", "warning", "error"]),
        ("debug", ["debug", "info", "warning", "error"], ["debug", "info", "warning", "error"]),
        ("shouting", ["warning", "error"], ["info", "warning", "error"]),
    ],
)
def test_the_level_holds_for_the_person_and_never_hides_from_the_record(
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    level: str | None,
    shown: list[str],
    sent: list[str],
) -> None:
    telemetry.start("demo")
    log = telemetry.logger("demo")
    if level:
        monkeypatch.setenv("MATCHDAY_LOG_LEVEL", level)
    for method in ("debug", "info", "warning", "error"):
        getattr(log, method)("said")
    assert [json.loads(line)["level"] for line in capsys.readouterr().err.splitlines()] == shown
    assert [record["severityText"].lower() for record in lines(home, "logs")] == sent


def test_a_person_reads_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHDAY_LOG_FORMAT", "console")
    telemetry.logger("demo").bind(season="2526").warning("thin data")
    assert re.search(r"warning +\] thin data .*season=2526", capsys.readouterr().err)


def test_an_exception_is_logged_with_its_traceback(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.start("demo")
    try:
        raise ValueError("no such team")
    except ValueError:
        telemetry.logger("demo").exception("failed")
    assert "ValueError: no such team" in json.loads(capsys.readouterr().err)["exception"]
    assert "ValueError: no such team" in lines(home, "logs")[0]["attributes"]["exception.stacktrace"]


def test_no_secret_leaves_in_a_log_or_a_span(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.start("demo")
    with telemetry.span("ask", api_token="hunter2", url="https://me:hunter2@host/path"):
        telemetry.logger("demo").warning(
            "sent",
            Authorization="Bearer hunter2",
            headers={"x-api-key": "hunter2"},
            urls=["s3://k:hunter2@b"],
        )
    telemetry.shutdown()
    everything = "".join(path.read_text() for path in (home / "telemetry").iterdir()) + capsys.readouterr().err
    assert "hunter2" not in everything
    assert everything.count(HIDDEN) == 8


@given(
    key=st.sampled_from(["token", "DB_PASSWORD", "clientSecret", "Authorization", "Set-Cookie"]),
    depth=st.integers(0, 4),
)
def test_a_telling_key_hides_its_value_at_any_depth(key: str, depth: int) -> None:
    value: dict[str, Any] = {key: "hunter2", "kept": 1}
    for _ in range(depth):
        value = {"inner": [value]}
    text = json.dumps(redacted(value))
    assert "hunter2" not in text
    assert '"kept": 1' in text


# OTLP


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
    assert time.perf_counter() - began < 8
    assert len(done.stderr.splitlines()) == 1
    assert "telemetry does not arrive" in done.stderr


def server_span(number: int, **changes: Any) -> ServerSpan:
    """A request of 10 ms with one stage, the caller's trace."""
    fields: dict[str, Any] = {
        "name": "POST /it",
        "trace_id": int(CALLER[3:35], 16),
        "span_id": number,
        "caller": int(CALLER[36:52], 16),
        "tracestate": "vendor=1",
        "begun": 10**18,
        "ended": 10**18 + 10**7,
        "attributes": {"model": "m", "http.response.status_code": 200},
        "stages": [Stage("inference", 10**18 + 1, 10**18 + 2)],
    }
    return ServerSpan(**(fields | changes))


def test_relayed_spans_are_the_servers_own(home: Path) -> None:
    relay = Relay("server")
    relay.record(server_span(2**64 - 1))
    relay.record(server_span(5, caller=0, failed=True))
    relay.close(30)
    spans = {span["spanId"]: span for span in lines(home, "traces")}
    traced, root = spans["f" * 16], spans[f"{5:016x}"]
    stages = {span["parentSpanId"]: span for span in spans.values() if span["name"] == "inference"}
    assert len(spans) == 4
    assert stages.keys() == {"f" * 16, f"{5:016x}"}
    assert {span["traceId"] for span in spans.values()} == {CALLER[3:35]}
    assert {span["resource"]["service.name"] for span in spans.values()} == {"server"}
    assert {span["resource"]["process.pid"] for span in spans.values()} == {str(os.getpid())}
    assert (traced["parentSpanId"], traced["kind"], traced["status"]) == (CALLER[36:52], 2, {})
    assert traced["attributes"] == {"model": "m", "http.response.status_code": "200"}
    assert int(traced["endTimeUnixNano"]) - int(traced["startTimeUnixNano"]) == 10**7
    assert "parentSpanId" not in root
    assert root["status"]["code"] == 2


def test_a_relay_whose_process_ended_fails_nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = Relay("server")
    monkeypatch.setattr(relay, "_command", (sys.executable, "-c", "pass"))
    for number in range(1, 200):
        relay.record(server_span(number))
        time.sleep(0.005)
    relay.close(10)
    assert relay._thread is not None
    assert not relay._thread.is_alive()


def test_a_relay_keeps_the_newest_within_its_bound(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = Relay("server", capacity=10)
    monkeypatch.setattr(relay, "_run", lambda: None)
    for number in range(100):
        relay.record(server_span(number))
    assert [span.span_id for span in relay._queue] == list(range(90, 100))
