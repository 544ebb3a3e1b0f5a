"""A request that is not answered is logged once, in its trace; a flood of refusals is counted."""

import json
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from matchday.telemetry import Caller
from serving.failure_log import LINES_PER_SECOND, FailureLog
from serving.features.store import StoreError
from serving.protocol.errors import Refusal
from serving.statuses import to_refusal
from tests.lines import whole_lines
from tests.services.processes import free_port, running
from tests.serving.conftest import COMMAND, Online, environ, match

TRACE = "0af7651916cd43dd8448eb211c80319c"


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.fixture(autouse=True)
def _verbose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHDAY_LOG_LEVEL", "info")
    monkeypatch.setenv("MATCHDAY_LOG_FORMAT", "json")


def test_a_refusal_is_logged_once_with_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    failures, refusal = FailureLog(), Refusal("too much", HTTPStatus.TOO_MANY_REQUESTS)
    failures.write(refusal, refusal, Caller(int(TRACE, 16), 7, 1), model="m")
    failures.write(refusal, refusal, None)
    [line] = logged(capsys)
    assert (line["event"], line["status"], line["reason"]) == ("request refused", 429, "too much")
    assert (line["trace_id"], line["model"], line["level"]) == (TRACE, "m", "info")


def test_a_flood_of_refusals_is_a_few_lines_and_a_count(capsys: pytest.CaptureFixture[str]) -> None:
    now = [100.0]
    failures = FailureLog(clock=lambda: now[0])

    def refuse(times: int) -> None:
        for _ in range(times):
            refusal = Refusal("no")
            failures.write(refusal, refusal, None)

    refuse(1000)
    assert len(logged(capsys)) == LINES_PER_SECOND
    now[0] += 1
    refuse(2)
    first, second = logged(capsys)
    assert first["suppressed_before"] == 1000 - LINES_PER_SECOND
    assert "suppressed_before" not in second


def test_failures_of_the_server_are_told_from_refusals(capsys: pytest.CaptureFixture[str]) -> None:
    failures = FailureLog()
    for error in (StoreError("the store is away"), ZeroDivisionError("a fault")):
        failures.write(to_refusal(error), error, Caller(int(TRACE, 16), 7, 1), id="x")
    away, fault = logged(capsys)
    assert (away["event"], away["level"], away["status"]) == ("request not answered", "warning", 503)
    assert away["reason"] == "the store is away"
    assert (fault["event"], fault["level"], fault["status"]) == ("request failed", "error", 500)
    assert "ZeroDivisionError: a fault" in str(fault["exception"])


def test_the_server_logs_each_refusal_once(online: Online, bundle: Path, tmp_path: Path) -> None:
    port = free_port()
    variables = environ(tmp_path, bundle, online.path, port)
    with running(COMMAND, port, variables), httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-00"}
        assert client.get("/nowhere", headers=headers).status_code == 404
        assert client.post("/v2/models/match-outcome/infer", json=match("XXX"), headers=headers).status_code == 400
        assert client.post("/v2/models/match-outcome/infer", json=match()).status_code == 200
    lines = whole_lines(tmp_path / "telemetry" / "logs.jsonl")
    records = [json.loads(line)["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0] for line in lines]
    refused = [record for record in records if record["body"]["stringValue"] == "request refused"]
    assert [record["traceId"] for record in refused] == [TRACE, TRACE]
