"""Spans of a server, exported by a process of their own."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from matchday.telemetry.relay import RESTART_SECONDS, Relay, ServerSpan, Stage
from tests.matchday.telemetry.written import CALLER, lines
from tests.waiting import eventually


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


def test_a_process_that_was_killed_is_started_again(home: Path) -> None:
    """What is recorded afterwards is exported; the thread and the requests go on meanwhile."""
    relay = Relay("server")
    relay.record(server_span(1))
    eventually(lambda: relay._process is not None)
    first = relay._process
    assert first is not None
    first.kill()
    first.wait()
    relay.record(server_span(2))
    eventually(lambda: relay._process not in (None, first) and not relay._queue)
    relay.close(60)
    assert f"{2:016x}" in {span["spanId"] for span in lines(home, "traces")}


def test_a_process_that_never_lasts_is_not_started_in_a_loop(home: Path, tmp_path: Path, monkeypatch: Any) -> None:
    starts = tmp_path / "starts"
    relay = Relay("server")
    script = f"open({str(starts)!r}, 'a').write('x')"
    monkeypatch.setattr(relay, "_command", (sys.executable, "-S", "-c", script))
    begun = time.monotonic()
    for number in range(1, 60):
        relay.record(server_span(number))
        time.sleep(0.05)
    relay.close(60)
    assert 1 <= len(starts.read_text()) <= (time.monotonic() - begun) / RESTART_SECONDS + 1


def test_a_relay_keeps_the_newest_within_its_bound(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = Relay("server", capacity=10)
    monkeypatch.setattr(relay, "_run", lambda: None)
    for number in range(100):
        relay.record(server_span(number))
    assert [span.span_id for span in relay._queue] == list(range(90, 100))
