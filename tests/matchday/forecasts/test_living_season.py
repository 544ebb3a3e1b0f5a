"""Forecasts in a season under way: promoted teams, postponed matches, and nothing of what became known later."""

from datetime import timedelta
from pathlib import Path

import pytest

from matchday.bundle import Bundle
from matchday.forecasts.next_matches import NextForecasts, forecast_next
from matchday.settings import Settings
from matchday.sources.snapshot import Snapshot
from matchday.sources.upstream import SourceError
from tests.matchday.collected.machine import Machine, game, small_history
from tests.matchday.collected.observations import SATURDAY, at, match
from tests.matchday.forecasts.league_ahead import outcome_bundle

CLUBS = ("ARS", "LIV", "CHE", "COV")
"""Coventry never played in the league before."""


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return small_history(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def bundle(bundle_folder: Path) -> Bundle:
    return outcome_bundle(bundle_folder)


@pytest.fixture
def machine(tmp_path: Path, snapshot: Snapshot) -> Machine:
    return Machine(tmp_path, snapshot)


def forecast(machine: Machine, bundle: Bundle, day: float, as_of: float | None = None, weeks: int = 1) -> NextForecasts:
    """On a day; as_of: another day that is asked about."""
    settings = Settings(
        home=Path(machine.url).parent,
        snapshot=machine.snapshot.folder,
        MATCHDAY_COLLECTED=machine.url,
        MATCHDAY_LAKE=machine.lake.storage.url,
    )
    return forecast_next(settings, bundle, None if as_of is None else at(as_of), weeks, at(day))


def said(made: NextForecasts) -> dict[str, tuple[float, ...]]:
    return {one.match.match_id: one.probabilities for one in made.batch.forecasts}


def schedule(day: float, **changes: object) -> list[dict[str, object]]:
    """Two gameweeks as a source says them on a day."""
    second = {"gameweek": 2, "kickoff": SATURDAY + timedelta(weeks=1)}
    return [
        match(day, "ARS-LIV") | changes,
        match(day, "CHE-COV"),
        match(day, "LIV-CHE", **second),
        match(day, "COV-ARS", **second),
    ]


def test_a_new_season_and_its_new_team_are_forecast(machine: Machine, bundle: Bundle) -> None:
    machine.update(1, fpl=game(1, *schedule(1), clubs=CLUBS))
    made = forecast(machine, bundle, 20)
    assert made.sentence == "gameweek 1 of 2026/27: 2 matches"
    assert set(said(made)) == {"2627-ARS-LIV", "2627-CHE-COV"}
    assert len(said(forecast(machine, bundle, 20, weeks=2))) == 4
    assert made.data.sentences == ["data fetched 2026-08-02 09:00 UTC, 19 days ago"]


def test_a_postponed_match_is_not_forecast_and_said(machine: Machine, bundle: Bundle) -> None:
    gone = {"status": "postponed", "kickoff": None, "gameweek": None}
    machine.update(1, fpl=game(1, *schedule(1), clubs=CLUBS))
    machine.update(5, fpl=game(5, *schedule(5, **gone), clubs=CLUBS))
    made = forecast(machine, bundle, 20)
    assert set(said(made)) == {"2627-CHE-COV"}
    assert made.notes == (
        "gameweek 1: no match of ARS, LIV",
        "ARS - LIV is not forecast: it is postponed and has no kick-off",
    )
    machine.update(8, fpl=game(8, *schedule(8, gameweek=2, kickoff=SATURDAY + timedelta(days=9)), clubs=CLUBS))
    again = forecast(machine, bundle, 20, weeks=2)
    assert "2627-ARS-LIV" in said(again)
    assert again.notes == ("gameweek 1: no match of ARS, LIV", "gameweek 2: ARS, LIV play more than once")


def test_a_past_day_knows_nothing_of_what_came_later(machine: Machine, bundle: Bundle) -> None:
    """A result, a moved kick-off, and a correction: what was forecast on the day is forecast of the day for ever."""
    machine.update(1, fpl=game(1, *schedule(1), clubs=CLUBS))
    then = forecast(machine, bundle, 20, weeks=2)
    moved = {"gameweek": 2, "kickoff": SATURDAY + timedelta(days=8)}
    later = [*schedule(30, status="finished", home_goals=5, away_goals=0)[:3], match(30, "COV-ARS", **moved)]
    machine.update(30, fpl=game(30, *later, clubs=CLUBS))
    assert forecast(machine, bundle, 30, as_of=20, weeks=2).batch == then.batch
    assert forecast(machine, bundle, 30, as_of=20, weeks=2).coming == then.coming
    middle = forecast(machine, bundle, 26, weeks=1)
    assert said(middle)["2627-COV-ARS"] != said(then)["2627-COV-ARS"], "Arsenal's five goals are known"
    machine.update(40, fpl=game(40, *schedule(40, status="finished", home_goals=0, away_goals=5), clubs=CLUBS))
    assert forecast(machine, bundle, 40, as_of=20, weeks=2).batch == then.batch
    assert said(forecast(machine, bundle, 40, as_of=35)) == {}


def test_without_a_network_forecasts_go_on(machine: Machine, bundle: Bundle) -> None:
    machine.update(1, fpl=game(1, *schedule(1), clubs=CLUBS))
    before = forecast(machine, bundle, 20)
    machine.update(19, fpl=SourceError("fpl: no answer", reachable=False))
    after = forecast(machine, bundle, 20)
    assert said(after) == said(before)
    assert after.data.sentences[1:] == [
        "fpl could not be reached since 2026-08-20T09:00 UTC, its data are of 2026-08-02T09:00"
    ]
