"""The first step of a pipeline: the history in the lake, and the one moment that all later steps take."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.ingest import ingest
from matchday import telemetry
from tests import league


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    league.bundled(tmp_path / "data", ("2021", "2122", "2223"))
    monkeypatch.setenv("MATCHDAY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MATCHDAY_SNAPSHOT", str(tmp_path / "data"))
    yield
    telemetry.shutdown()


def test_without_a_moment_it_is_the_time_of_the_run() -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    taken = ingest.python_func(as_of="")
    moment = datetime.fromisoformat(taken.as_of)
    assert moment.utcoffset() == timedelta(0)
    assert before <= moment <= datetime.now(UTC)
    assert ingest.python_func(as_of=taken.as_of) == taken


@pytest.mark.parametrize("given", ["2023-06-01", "2023-06-01T00:00:00Z", "2023-06-01T02:00:00+02:00"])
def test_a_moment_that_is_given_is_handed_on_in_one_form(given: str) -> None:
    assert ingest.python_func(as_of=given).as_of == "2023-06-01T00:00:00+00:00"


def test_a_moment_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        ingest.python_func(as_of="{{schedule}}")
    assert "✗ '{{schedule}}' is not a date: write it as 2026-03-01" in capsys.readouterr().out
