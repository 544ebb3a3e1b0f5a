"""One trace through all processes and threads."""

import threading
from pathlib import Path

import pytest

from matchday import telemetry
from tests.matchday.telemetry.written import CALLER, attributes, child, lines


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
