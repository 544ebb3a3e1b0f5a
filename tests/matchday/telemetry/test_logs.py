"""Logs for a person and for the record, with the ids of their trace."""

import json
import re
from pathlib import Path

import pytest

from matchday import telemetry
from tests.matchday.telemetry.written import lines


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
