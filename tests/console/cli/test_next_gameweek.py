"""`matchday next`, which `make next` runs: with and without a network, with and without a champion."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.operations import coming_forecasts, data, next_gameweek
from matchday.forecasts.record import ForecastRecord
from matchday.registry import RegistryError
from matchday.settings import Settings
from matchday.sources.upstream import SourceError
from serving.storage import StoredBundle
from tests.console.conftest import RunCommand
from tests.matchday.collected.invented import InventedSources
from tests.matchday.collected.machine import game, small_history
from tests.matchday.collected.observations import at, match
from tests.matchday.forecasts.league_ahead import outcome_bundle
from tests.registries import prepare

DAY = 20
"""The machine's date, as days of the invented observations are counted."""


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_history(tmp_path_factory.mktemp("data")).folder


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> StoredBundle:
    folder = tmp_path_factory.mktemp("champion") / "bundle"
    outcome_bundle(folder)
    return StoredBundle(folder, "match-outcome", "7")


def coming(day: float) -> list[dict[str, object]]:
    """A gameweek that begins two days later."""
    return [match(day, teams) for teams in ("ARS-LIV", "CHE-COV")]


@pytest.mark.slow
def test_it_fetches_makes_features_and_forecasts_and_goes_on_without_a_network(
    matchday: RunCommand, snapshot: Path, champion: StoredBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    fpl = game(DAY, *coming(DAY), clubs=("ARS", "LIV", "CHE", "COV"))
    sources = InventedSources(monkeypatch, {"fpl": fpl})
    monkeypatch.setattr(data, "_now", lambda: at(DAY))
    monkeypatch.setattr(coming_forecasts, "read_clock", lambda: at(DAY) + timedelta(hours=1))
    monkeypatch.setattr(coming_forecasts, "fetch", lambda *_: champion)
    monkeypatch.setattr(next_gameweek, "ensure_champion", lambda _: False)
    first = matchday("next", MATCHDAY_SNAPSHOT=str(snapshot)).stdout.splitlines()
    assert first[0] == "fpl: new: 2 fixtures, 4 teams"
    assert first[1].startswith("features and online store hold all that is known at ")
    assert first[2] == "gameweek 1 of 2026/27: 2 matches, by match-outcome version 7"
    (row, _) = ForecastRecord(Settings().collected).read()
    assert first[-1] == f"recorded as batch sha256 {row.batch}; locked at each kick-off"
    assert Settings().online_file is not None and Settings().online_file.exists()
    sources.given["fpl"] = SourceError("fpl: no answer", reachable=False)
    offline = matchday("next")
    assert offline.code == 0
    assert offline.stdout.splitlines()[0].startswith("features and online store are up to date at ")
    assert offline.stdout.count("fpl could not be reached since ") == 1
    assert offline.stdout.splitlines()[-1] == f"recorded before, in batch sha256 {row.batch}"


def test_a_champion_is_trained_where_there_is_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the demonstration trains one; that this promotes one is for the test of the main job."""
    prepare(Settings().tracking_uri)
    asked: list[tuple[str, datetime]] = []
    monkeypatch.setattr(next_gameweek.training, "train", lambda model, as_of, _: asked.append((model, as_of)))
    with pytest.raises(RegistryError, match="no model match-outcome"):
        next_gameweek.ensure_champion(lambda _: None)
    assert asked == [("match-outcome", datetime(2026, 5, 24, 17, tzinfo=UTC))]


def test_a_champion_that_is_there_is_kept(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = prepare(Settings().tracking_uri)
    outcome_bundle(tmp_path / "bundle", version=None)
    registry.log_run("tests", {}, {"rps": 0.2}, {}, tmp_path / "bundle", "match-outcome")
    registry.promote("match-outcome", "1")
    monkeypatch.setattr(next_gameweek.training, "train", lambda *_: pytest.fail("trained"))
    assert next_gameweek.ensure_champion(lambda _: None) is False
