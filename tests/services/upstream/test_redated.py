"""The last bundled season as the season under way: what the adapters read of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from matchday.settings import Settings
from matchday.sources import fpl
from matchday.sources.raw import RawAnswers
from matchday.sources.snapshot import Snapshot
from matchday.sources.upstream import Upstream
from matchday.storage import Storage
from matchday.tables import Fixtures, Matches, Teams, validate
from matchday.tables.observed import ObservedFixtures, ObservedTeams
from tests.services.upstream.__main__ import serve
from tests.services.upstream.redated import RedatedSnapshot

NOW = datetime(2026, 11, 29, 20, tzinfo=UTC)
FOLDER = Settings().snapshot


@pytest.fixture(scope="module")
def moved() -> RedatedSnapshot:
    return RedatedSnapshot(FOLDER, "2627")


def test_the_tables_are_valid_and_the_clubs_are_those_of_the_season(moved: RedatedSnapshot) -> None:
    for table in (Matches, Fixtures, Teams):
        assert set(validate(table, moved.load(table))["season"]) == {"2627"}
    teams = Snapshot(FOLDER).load(Teams, ["2627"])
    assert set(moved.load(Teams, ["2627"])["team"]) == set(teams["team"])
    matches = moved.load(Matches)
    assert len(matches) == 380
    assert set(matches["home"]) == set(matches["away"]) == set(teams["team"])
    assert (matches["match_id"] == "2627-" + matches["home"] + "-" + matches["away"]).all()


def test_matches_are_on_the_same_weekday_a_year_later(moved: RedatedSnapshot) -> None:
    before, after = Snapshot(FOLDER).load(Matches, ["2526"])["kickoff"], moved.load(Matches)["kickoff"]
    assert set(after - before.reset_index(drop=True)) == {pd.Timedelta(weeks=52)}


@pytest.mark.parametrize("seasons", [["2526"], ["2526", "2627"]])
def test_no_other_season_is_there(moved: RedatedSnapshot, seasons: list[str]) -> None:
    with pytest.raises(ValueError, match="only season 2627 is here"):
        moved.load(Matches, seasons)


def test_a_season_before_the_last_one_is_refused() -> None:
    with pytest.raises(ValueError, match="season 2425 lies before 2526"):
        RedatedSnapshot(FOLDER, "2425")


def test_the_game_of_now_is_read_from_the_stand_in(tmp_path: Path) -> None:
    with serve(0, NOW) as server:
        source = Upstream(fpl.SOURCE, f"{server.url}/api", RawAnswers(Storage(tmp_path.as_uri())), now=lambda: NOW)
        given = fpl.collect(source)
    assert (given.season, given.refused) == ("2627", ())
    fixtures = given.tables[ObservedFixtures]
    played = fixtures[fixtures["status"] == "finished"]
    assert len(fixtures) == 380
    assert 100 < len(played) < 200
    assert played["kickoff"].max() < pd.Timestamp(NOW)
    assert fixtures.loc[fixtures["status"] == "scheduled", "kickoff"].min() > pd.Timestamp(NOW - timedelta(hours=4))
    assert {"COV", "HUL", "IPS"} <= set(given.tables[ObservedTeams]["team"])
