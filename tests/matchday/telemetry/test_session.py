"""Telemetry is opened once, and work never fails for want of it."""

from pathlib import Path

import pytest

from matchday import telemetry
from tests.matchday.telemetry.written import CALLER, child, lines


def test_importing_it_is_quick_and_brings_no_sdk_exporter_or_structlog() -> None:
    code = """
import sys, time
began = time.process_time()
import matchday.telemetry
print(time.process_time() - began, *{"opentelemetry.sdk", "structlog", "pydantic"} & set(sys.modules))
"""
    seconds = [child(code).stdout.split() for _ in range(3)]
    assert all(len(found) == 1 for found in seconds)
    assert min(float(found[0]) for found in seconds) < 1


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


def test_disabled_by_the_standard_switch_it_writes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("TRACEPARENT", CALLER)
    telemetry.start("demo")
    with telemetry.span("work"):
        telemetry.logger("t").info("unheard")
        assert telemetry.traceparent() == CALLER
    assert not home.exists()
