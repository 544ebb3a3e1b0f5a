"""`matchday forecast next`: what is printed and recorded, as JSON too, and how it ends."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from console.operations import coming_forecasts
from matchday.forecasts.record import ForecastRecord
from matchday.settings import REPOSITORY
from matchday.sources.upstream import SourceError
from serving.storage import StoredBundle
from tests.console.conftest import RunCommand
from tests.matchday.collected.machine import Machine, game, small_history
from tests.matchday.collected.observations import SATURDAY, at
from tests.matchday.forecasts.league_ahead import outcome_bundle
from tests.matchday.forecasts.test_living_season import CLUBS, schedule


class Clock:
    def __init__(self) -> None:
        self.now = at(20)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("champion") / "bundle"
    outcome_bundle(folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_history(tmp_path_factory.mktemp("data")).folder


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(coming_forecasts, "read_clock", made)
    return made


@pytest.fixture
def machine(home: Path, data: Path, champion: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A home with a champion and two gameweeks to come."""
    from matchday.sources.snapshot import Snapshot

    monkeypatch.setenv("MATCHDAY_SNAPSHOT", str(data))
    monkeypatch.setattr(coming_forecasts, "fetch", lambda *_: StoredBundle(champion, "match-outcome", "7"))
    made = Machine(home, Snapshot(data))
    made.update(1, fpl=game(1, *schedule(1), clubs=CLUBS))
    return made


def test_the_coming_gameweek_is_printed_and_recorded(matchday: RunCommand, machine: Machine) -> None:
    first = matchday("forecast", "next")
    assert first.code == 0, first
    lines = first.stdout.splitlines()
    assert lines[0] == "gameweek 1 of 2026/27: 2 matches, by match-outcome version 7"
    assert lines[1].split() == ["match", "kick-off", "(UTC)", "gameweek", "home", "draw", "away"]
    assert lines[2].startswith("ARS - LIV  Sat 22 Aug 14:00")
    assert lines[4] == "data fetched 2026-08-02 09:00 UTC, 19 days ago"
    (row, _) = ForecastRecord(machine.url).read()
    assert lines[-1] == f"recorded as batch sha256 {row.batch}; locked at each kick-off"
    assert matchday("forecast", "next").stdout.splitlines()[-1] == f"recorded before, in batch sha256 {row.batch}"


def test_as_json_it_says_all(matchday: RunCommand, machine: Machine) -> None:
    told = json.loads(matchday("forecast", "next", "--weeks", "2", "--json").stdout)
    assert (told["model_version"], told["gameweeks"], told["as_of"]) == ("7", [1, 2], "2026-08-21T09:00:00+00:00")
    assert told["data"]["fetched_at"] == "2026-08-02T09:00:00+00:00" and told["data"]["age_seconds"] == 19 * 86400
    assert len(told["forecasts"]) == 4
    first = told["forecasts"][0]
    assert (first["match_id"], first["gameweek"], first["kickoff"]) == ("2627-ARS-LIV", 1, "2026-08-22T14:00:00+00:00")
    assert list(first["probabilities"]) == ["home", "draw", "away"]
    assert sum(first["probabilities"].values()) == pytest.approx(1, abs=2e-6)
    assert told["batches"] == [told["new_batch"]] == [first["batch"]]
    assert first["model_version"] == "7"


def test_a_kick_off_locks_what_was_said(matchday: RunCommand, machine: Machine, clock: Clock) -> None:
    matchday("forecast", "next", "--weeks", "2")
    before = ForecastRecord(machine.url).read()
    clock.now = SATURDAY + timedelta(hours=1)
    told = json.loads(matchday("forecast", "next", "--weeks", "2", "--json").stdout)
    assert {one["gameweek"] for one in told["forecasts"]} == {2}
    assert ForecastRecord(machine.url).read()[:2] == before[:2]


def test_an_earlier_moment_is_forecast_and_not_recorded(matchday: RunCommand, machine: Machine) -> None:
    told = matchday("forecast", "next", "--as-of", "2026-08-10")
    assert told.stdout.splitlines()[-1] == "not recorded: made as of 2026-08-10 00:00 UTC, and not then"
    assert ForecastRecord(machine.url).read() == []
    assert "choose a moment until now" in matchday("forecast", "next", "--as-of", "2026-08-25").refusal
    assert "is not a date" in matchday("forecast", "next", "--as-of", "tomorrow").refusal


def test_a_source_that_is_silent_is_one_line(matchday: RunCommand, machine: Machine) -> None:
    machine.update(19, fpl=SourceError("fpl: no answer", reachable=False))
    said = matchday("forecast", "next").stdout.splitlines()
    wanted = "fpl could not be reached since 2026-08-20T09:00 UTC, its data are of 2026-08-02T09:00"
    assert said.count(wanted) == 1 and "data fetched 2026-08-02 09:00 UTC, 19 days ago" in said


def test_no_coming_gameweek_is_a_sentence(matchday: RunCommand, machine: Machine, clock: Clock) -> None:
    clock.now = at(60)
    ended = matchday("forecast", "next")
    assert (ended.code, ended.stdout.splitlines()[0]) == (
        0,
        "no coming gameweek is known at 2026-09-30 09:00 UTC: 'matchday data update' fetches "
        "the schedule of a new season",
    )
    told = json.loads(matchday("forecast", "next", "--json").stdout)
    assert (told["forecasts"], told["gameweeks"], told["batches"]) == ([], [], [])
    assert told["summary"].startswith("no coming gameweek")


def test_the_record_stands_beside_the_results_and_a_changed_one_is_found_out(
    matchday: RunCommand, machine: Machine, clock: Clock
) -> None:
    assert matchday("forecast", "record").stdout.startswith("no forecast is recorded")
    matchday("forecast", "next")
    machine.update(30, fpl=game(30, *schedule(30, status="finished", home_goals=2, away_goals=1), clubs=CLUBS))
    shown = matchday("forecast", "record")
    assert shown.code == 0 and "every forecast is what its batch says" in shown.stdout
    told = json.loads(matchday("forecast", "record", "--json").stdout)
    home, draw, away = told["forecasts"][0]["probabilities"].values()
    assert told["forecasts"][0]["goals"] == [2, 1] and told["forecasts"][1]["goals"] is None
    assert told["rps"] == pytest.approx(((1 - home) ** 2 + away**2) / 2)
    assert draw == pytest.approx(1 - home - away, abs=2e-6)
    (batch,) = Path(machine.url).glob("forecast_batches/*.json")
    batch.write_bytes(batch.read_bytes() + b" ")
    assert matchday("forecast", "record").code == 1
    assert len(json.loads(matchday("forecast", "record", "--json").stdout)["wrong"]) == 2


@pytest.mark.parametrize("weeks", ["0", "5", "many"])
def test_weeks_are_one_to_four(matchday: RunCommand, weeks: str) -> None:
    assert matchday("forecast", "next", "--weeks", weeks).code == 2


def test_a_match_is_asked_as_before(matchday: RunCommand) -> None:
    for words in (("ARS", "LIV", "--url", "http://127.0.0.1:9"), ("--url", "http://127.0.0.1:9", "ARS", "LIV")):
        assert "start a server with 'matchday serve'" in matchday("forecast", *words).refusal
        assert "start a server with 'matchday serve'" in matchday("forecast", "match", *words).refusal


def test_it_imports_nothing_that_takes_long() -> None:
    """That it is quick is for `make bench-season`: what is not imported is not waited for."""
    heavy = (
        "pandas",
        "pandera",
        "mlflow",
        "feast",
        "kfp",
        "sklearn",
        "scipy",
        "onnx",
        "boto3",
        "s3fs",
        "httpx",
        "yaml",
    )
    script = (
        "import sys, console.cli, console.operations.coming_forecasts, onnxruntime;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert said.stdout.strip() == "[]"
