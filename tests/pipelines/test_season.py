"""The pipelines of a season under way: what runs when something is new, and when nothing is."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from components.forecast import forecast
from components.report_unchanged import report_unchanged
from components.update_data import update_data
from console.operations import training
from console.operations.events import StepMessage, StepStarted
from feature_repo import verification
from feature_repo.error import FeatureStoreError
from matchday import telemetry
from matchday.features.freshness import downstream_is_current
from matchday.features.tables import TABLES
from matchday.forecasts import run
from matchday.forecasts.record import ForecastRecord
from matchday.history import fingerprint
from matchday.lake import Lake
from matchday.lake.reader import LakeReader
from matchday.settings import Settings
from matchday.sources.snapshot import Snapshot
from pipelines import compilation
from tests.matchday.collected.machine import Machine, game, small_history
from tests.matchday.collected.observations import at, match
from tests.matchday.forecasts.league_ahead import outcome_bundle
from tests.matchday.forecasts.test_living_season import CLUBS
from tests.registries import prepare


def tasks(name: str) -> dict[str, dict[str, object]]:
    """Tasks of a compiled pipeline by name, with the display name of the branch that they are in."""
    spec, *_ = yaml.safe_load_all((compilation.COMPILED / f"{name}.yaml").read_text(encoding="utf-8"))
    dags = [spec["root"]["dag"], *(one["dag"] for one in spec["components"].values() if "dag" in one)]
    return {task: made for dag in dags for task, made in dag["tasks"].items() if not task.startswith("condition")}


@pytest.mark.parametrize("name", ["ingest", "materialise", "forecast"])
def test_no_step_is_ever_taken_from_a_cache(name: str) -> None:
    assert not [task for task, made in tasks(name).items() if made.get("cachingOptions", {}).get("enableCache")]


@pytest.mark.parametrize("name", ["ingest", "materialise", "forecast"])
def test_it_can_be_scheduled(name: str) -> None:
    """Kubeflow fills in nothing in a recurring run: each parameter may be left out."""
    spec, *_ = yaml.safe_load_all((compilation.COMPILED / f"{name}.yaml").read_text(encoding="utf-8"))
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert {"as_of", "traceparent"} <= set(parameters)
    assert {each for each, given in parameters.items() if not given.get("isOptional")} == set()


def test_downstream_of_ingest_runs_behind_news_alone() -> None:
    spec, *_ = yaml.safe_load_all((compilation.COMPILED / "ingest.yaml").read_text(encoding="utf-8"))
    assert set(spec["root"]["dag"]["tasks"]) == {"update-data", "condition-branches-1"}
    dags = [one["dag"] for one in spec["components"].values() if "dag" in one]
    branches = {
        task["taskInfo"]["name"]: (
            task["triggerPolicy"]["condition"],
            set(spec["components"][task["componentRef"]["name"]]["dag"]["tasks"]),
        )
        for dag in dags
        for task in dag["tasks"].values()
        if "triggerPolicy" in task
    }
    new = "inputs.parameter_values['pipelinechannel--update-data-Output'] == 'new'"
    assert branches == {
        "new": (new, {"build-features", "materialise", "verify-online"}),
        "unchanged": (f"!({new})", {"report-unchanged"}),
    }


def test_materialise_is_what_runs_behind_news() -> None:
    assert set(tasks("materialise")) == set(tasks("ingest")) - {"update-data", "report-unchanged"}
    assert {str(made["componentRef"]["name"]) for made in tasks("forecast").values()} == {"comp-forecast"}


class Home:
    """A home with sources that are files of invented observations, and a champion."""

    def __init__(self, folder: Path, snapshot: Snapshot) -> None:
        self.machine = Machine(folder, snapshot)

    def run(self, name: str, as_of: str | None = None) -> tuple[list[str], list[str]]:
        """The steps that ran and what they said."""
        events: list[object] = []
        training.run_pipeline(name, as_of, events.append)
        steps = [one.step for one in events if isinstance(one, StepStarted)]
        return steps, [one.text for one in events if isinstance(one, StepMessage)]


@pytest.fixture
def a_home(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    snapshot = small_history(tmp_path / "data")
    monkeypatch.setenv("MATCHDAY_SNAPSHOT", str(snapshot.folder))
    monkeypatch.setenv("MATCHDAY_SOURCES", "")
    yield Home(home, snapshot)
    telemetry.shutdown()


@pytest.mark.slow
def test_ingest_runs_the_rest_when_something_is_new_and_nothing_after_that(
    a_home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """A machine without sources: the bundled history is new the first time. The second run is in this process."""
    steps, said = a_home.run("ingest")
    assert steps == ["update-data", "build-features", "materialise", "verify-online"]
    assert said[-1].endswith("rows of entities are equal online and offline")
    capsys.readouterr()
    assert report_unchanged.python_func(news=update_data.python_func()) == "unchanged", "and with that the others wait"
    assert capsys.readouterr().out.splitlines() == ["» nothing is new", "» features and online store stay as they are"]
    reader, now = LakeReader(Settings().lake), datetime.now(UTC)
    assert downstream_is_current(reader, now)
    assert not downstream_is_current(reader, datetime(2026, 8, 19, tzinfo=UTC)), "it knows of later"
    with pytest.raises(FeatureStoreError, match=r"another .* for .* than the lake: .*run 'matchday pipeline run mat"):
        verify_of_another_day(Settings())
    a_home.machine.update(1, fpl=game(1, match(1), match(1, "CHE-COV"), clubs=CLUBS))
    assert not downstream_is_current(reader, now), "an update that was stopped before the rest ran"


def verify_of_another_day(settings: Settings) -> None:
    """Compare the store, which holds what is known now, with what was known of a day in August 2025."""
    lake = Lake(settings.lake)
    verification.verify(settings, lake, fingerprint(lake, TABLES), datetime(2025, 8, 20, tzinfo=UTC))


@pytest.fixture
def champion(home: Path, tmp_path: Path) -> None:
    """Version 1 of match-outcome in the registry of the home."""
    outcome_bundle(tmp_path / "bundle", version=None)
    registry = prepare(Settings().tracking_uri)
    registry.log_run("tests", {}, {"rps": 0.2}, {}, tmp_path / "bundle", "match-outcome")
    registry.promote("match-outcome", "1")


def test_forecasts_are_recorded_once_and_as_of_another_moment_never(
    a_home: Home, champion: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, which can be told the date."""

    def said(**arguments: str) -> list[str]:
        forecast.python_func(**arguments)
        return [line.removeprefix("» ") for line in capsys.readouterr().out.splitlines()]

    monkeypatch.setattr(run, "read_clock", lambda: at(20))
    a_home.machine.update(1, fpl=game(1, match(1), match(1, "CHE-COV"), clubs=CLUBS))
    first = said()
    assert first[0] == "gameweek 1 of 2026/27: 2 matches"
    (sha256,) = re.findall(r"recorded as batch sha256 ([0-9a-f]{64})", first[-1])
    record = ForecastRecord(Settings().collected)
    before = record.read()
    assert {row.batch for row in before} == {sha256} and record.check() == []
    assert said()[-1] == f"recorded before, in batch sha256 {sha256}" and record.read() == before
    assert said(as_of="2026-08-10")[-1] == "not recorded: made as of 2026-08-10 00:00 UTC, and not then"
    assert record.read() == before


@pytest.mark.slow
def test_the_forecast_pipeline_says_that_there_is_no_coming_gameweek(a_home: Home, champion: None) -> None:
    steps, said = a_home.run("forecast")
    assert steps == ["forecast"] and said[0].startswith("no coming gameweek is known at ")


@pytest.mark.slow
def test_sources_that_give_nothing_stop_the_run_with_a_sentence(a_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from matchday.errors import MatchdayError

    monkeypatch.setenv("MATCHDAY_SOURCES", "fpl")
    monkeypatch.setenv("MATCHDAY_FPL_URL", "http://127.0.0.1:9")
    with pytest.raises(MatchdayError, match=r"^no source gave anything; the last good data stay$"):
        a_home.run("ingest")


def test_a_name_that_is_no_pipeline_and_no_model_is_refused() -> None:
    from matchday.models.catalogue import UnknownModelError

    with pytest.raises(UnknownModelError, match="no model 'ingets'"):
        training.run_pipeline("ingets", None, [].append)
