"""Every refused request is said once, in its trace; a flood of them is a number."""

import json
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from matchday.telemetry import Caller
from serving.protocol.errors import Refusal
from serving.refusals import MOST_PER_SECOND, Refusals
from tests.services.processes import free_port, running
from tests.serving.conftest import COMMAND, Online, environ, match

TRACE = "0af7651916cd43dd8448eb211c80319c"


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.fixture(autouse=True)
def _shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHDAY_LOG_LEVEL", "info")
    monkeypatch.setenv("MATCHDAY_LOG_FORMAT", "json")


def test_a_refusal_is_said_once_with_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    refusals, refusal = Refusals(), Refusal("too much", HTTPStatus.TOO_MANY_REQUESTS)
    refusals.tell(refusal, Caller(int(TRACE, 16), 7, 1), model="m")
    refusals.tell(refusal, None)
    [line] = said(capsys)
    assert (line["event"], line["status"], line["reason"]) == ("request refused", 429, "too much")
    assert (line["trace_id"], line["model"], line["level"]) == (TRACE, "m", "info")


def test_a_flood_is_a_few_lines_and_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    now = [100.0]
    refusals = Refusals(clock=lambda: now[0])
    for _ in range(1000):
        refusals.tell(Refusal("no"), None)
    assert len(said(capsys)) == MOST_PER_SECOND
    now[0] += 1
    for _ in range(2):
        refusals.tell(Refusal("no"), None)
    first, second = said(capsys)
    assert first["unsaid_before"] == 1000 - MOST_PER_SECOND
    assert "unsaid_before" not in second


def test_the_server_says_each_refusal_once(online: Online, bundle: Path, tmp_path: Path) -> None:
    port = free_port()
    variables = environ(tmp_path, bundle, online.path, port)
    with running(COMMAND, port, variables), httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-00"}
        assert client.get("/nowhere", headers=headers).status_code == 404
        assert client.post("/v2/models/match-outcome/infer", json=match("XXX"), headers=headers).status_code == 400
        assert client.post("/v2/models/match-outcome/infer", json=match()).status_code == 200
    lines = (tmp_path / "telemetry" / "logs.jsonl").read_text().splitlines()
    records = [json.loads(line)["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0] for line in lines]
    refused = [record for record in records if record["body"]["stringValue"] == "request refused"]
    assert [record["traceId"] for record in refused] == [TRACE, TRACE]
