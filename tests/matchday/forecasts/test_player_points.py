"""Points of all players in the coming gameweeks: those of the model for what was known, and nothing known later."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from matchday.bundle import Bundle, read_bundle, write_bundle
from matchday.calendar import CalendarError
from matchday.deadlines import deadlines
from matchday.features.known import known_vectors
from matchday.features.player_vectors import points_rows
from matchday.features.tables import TABLES
from matchday.forecasts.next_matches import NoForecastError
from matchday.forecasts.player_points import forecast_points
from matchday.lake import Lake
from matchday.models.packaging import describe
from matchday.models.player_points.export import export
from matchday.models.player_points.inputs import vectors_of
from matchday.models.player_points.kind import PLAYER_POINTS
from matchday.settings import Settings
from matchday.tables import Appearances, Fixtures, name
from tests import players
from tests.matchday.forecasts.league_ahead import outcome_bundle

NOW = datetime(2026, 11, 29, tzinfo=UTC)
DOUBLE = 33
"""A gameweek in which some clubs play twice."""


@pytest.fixture(scope="module")
def bundle(bundle_folder: Path) -> Bundle:
    signature = describe(PLAYER_POINTS, "f00d", "2026-02-01T00:00:00+00:00")
    write_bundle(bundle_folder, export(players.model()), signature, {}, "# a card\n")
    return read_bundle(bundle_folder)


@pytest.fixture(scope="module")
def deadline(two_seasons: Settings) -> datetime:
    moment: datetime = deadlines(Lake(two_seasons.lake).read(Fixtures))["2526", DOUBLE].to_pydatetime()
    return moment


def test_at_the_deadline_points_are_those_of_the_model_for_the_rows_that_it_learns_from(
    two_seasons: Settings, bundle: Bundle, deadline: datetime
) -> None:
    made = forecast_points(two_seasons, bundle, deadline, 1, NOW)
    lake = Lake(two_seasons.lake)
    rows = lake.read(Appearances)
    week = points_rows(rows, {name(table): lake.read(table) for table in TABLES})
    week = week[(week["season"] == "2526") & (week["gameweek"] == DOUBLE)]
    wanted = week.assign(forecast=players.model().predict(vectors_of(week)).points)
    wanted = wanted.groupby("player")["forecast"].agg(["sum", "size"])
    found = made.players.set_index("player")
    assert made.coming.gameweeks == (DOUBLE,) and len(wanted) > 700
    assert found.loc[wanted.index, "points"].to_numpy() == pytest.approx(wanted["sum"].to_numpy(), abs=1e-4)
    twice = wanted.index[wanted["size"] == 2]
    assert len(twice) > 100
    assert found.loc[twice, "matches"].str.contains(", ").all() and found.loc[twice, ["low", "high"]].isna().all(None)
    once = found[~found["matches"].str.contains(", ")]
    assert (once["low"] <= once["high"]).all() and once["plays"].between(0, 1).all()
    assert found["points"].is_monotonic_decreasing


def test_before_the_deadline_prices_and_transfers_of_the_gameweek_are_not_known(
    two_seasons: Settings, bundle: Bundle, deadline: datetime
) -> None:
    moment = deadline - timedelta(hours=10)
    found = forecast_points(two_seasons, bundle, moment, 1, NOW).players.set_index("player")["points"]
    lake = Lake(two_seasons.lake)
    tables = {name(table): lake.read(table) for table in TABLES}
    week = lake.read(Appearances).query("season == '2526' and gameweek == @DOUBLE and position != 'MNG'")
    rows = week.assign(event_time=moment)
    vectors = known_vectors(PLAYER_POINTS.features, rows, tables).assign(home=rows["home"].to_numpy(float))
    rows, vectors = rows[vectors.notna().all(axis=1).to_numpy()], vectors.dropna()
    assert (vectors["gameweek"] < DOUBLE).all(), "their newest deadline is an earlier one"
    alone = rows.assign(forecast=players.model().predict(vectors_of(vectors)).points).groupby("player")["forecast"]
    same = alone.sum()[alone.size() == 1]
    assert found.loc[same.index].to_numpy() == pytest.approx(same.to_numpy(), abs=1e-4)


def test_later_gameweeks_are_forecast_as_far_as_eight(
    two_seasons: Settings, bundle: Bundle, deadline: datetime
) -> None:
    moment = deadline - timedelta(weeks=4)
    found = forecast_points(two_seasons, bundle, moment, 8, NOW)
    assert found.coming.gameweeks == tuple(range(31, 39))
    assert sorted(found.players["gameweek"].unique()) == sorted(found.coming.gameweeks)
    with pytest.raises(CalendarError, match="choose 1 to 8"):
        forecast_points(two_seasons, bundle, moment, 9, NOW)


def test_after_the_season_there_is_nothing_to_forecast(two_seasons: Settings, bundle: Bundle) -> None:
    found = forecast_points(two_seasons, bundle, datetime(2026, 6, 3, tzinfo=UTC), 1, NOW)
    assert found.players.empty and "no coming gameweek is known" in found.sentence


def test_other_models_and_models_of_later_are_refused(two_seasons: Settings, bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(NoForecastError, match="has learnt from after 2026-01-05"):
        forecast_points(two_seasons, bundle, datetime(2026, 1, 5, tzinfo=UTC), 1, NOW)
    other = outcome_bundle(tmp_path / "b", trained_until="2025-06-01T00:00:00+00:00")
    with pytest.raises(NoForecastError, match="reads other features"):
        forecast_points(two_seasons, other, datetime(2026, 3, 5, tzinfo=UTC), 1, NOW)
