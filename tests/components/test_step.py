"""The context of pipeline steps."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from components import step as module
from components.step import FAILED, PROGRESS, SAID, StepContext, step, write_metadata
from matchday.errors import MatchdayError
from matchday.lake import Lake
from matchday.settings import Settings


@pytest.fixture(autouse=True)
def _untraced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")


def test_a_known_failure_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end, step("ingest"):
        raise MatchdayError("the file is not there")
    assert end.value.code == 1
    assert capsys.readouterr().out == f"{FAILED}the file is not there\n"


def test_an_unknown_failure_is_shown_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), step("ingest"):
        _ = 1 / 0


def test_a_step_works_in_the_home_of_the_settings(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with step("ingest") as here:
        assert here.lake.storage.url == str(home / "lake")
        here.say("done")
    assert capsys.readouterr().out == f"{SAID}done\n"


def test_progress_is_told_four_times_a_second_and_at_the_end(monkeypatch, capsys, tmp_path: Path) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 10 + next(clock) / 100))
    here = StepContext("walk-forward", Settings(), Lake(str(tmp_path)))
    for done in range(1, 101):
        here.progress("matches", done, 100)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{PROGRESS}matches 1/100"
    assert told[-1] == f"{PROGRESS}matches 100/100"
    assert len(told) == 5


def test_metrics_are_written_to_files(tmp_path: Path) -> None:
    write_metadata(SimpleNamespace(path=str(tmp_path / "scores"), metadata={"rps": 0.2}))
    assert '"rps": 0.2' in (tmp_path / "scores").read_text(encoding="utf-8")


def test_a_step_joins_the_trace_that_it_is_given_else_that_of_its_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, around = ("00-" + digit * 32 + "-" + digit * 16 + "-01" for digit in "12")
    monkeypatch.delenv("OTEL_SDK_DISABLED")
    monkeypatch.setenv("TRACEPARENT", around)
    for traceparent in (given, ""):
        with step("ingest", traceparent):
            pass
    lines = (home / "telemetry" / "traces.jsonl").read_text().splitlines()
    spans = [json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0] for line in lines]
    assert [(span["traceId"], span["parentSpanId"]) for span in spans] == [("1" * 32, "1" * 16), ("2" * 32, "2" * 16)]
