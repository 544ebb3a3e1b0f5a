"""Feature tables are made anew from the season on that changed, and are the same as when all is made."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from matchday import history
from matchday.features import tables
from matchday.features.tables import TABLES
from matchday.lake import Lake
from matchday.tables import Appearances, Matches, TeamForm
from tests import league

SEASONS = ("2122", "2223", "2324")


@pytest.fixture(scope="module")
def small_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first sixty matches of each season, with their features."""
    folder = tmp_path_factory.mktemp("small") / "lake"
    made = Lake(str(folder))
    matches = league.some(Matches, SEASONS).groupby("season").head(60).reset_index(drop=True)
    played = league.some(Appearances, SEASONS)
    frames = {Matches: matches, Appearances: played[played["match_id"].isin(matches["match_id"])]}
    for table in history.TABLES:
        made.write(table, frames.get(table, league.some(table, SEASONS)).reset_index(drop=True))
    tables.build(made, history.fingerprint(made))
    return folder


@pytest.fixture
def lake(tmp_path: Path, small_lake: Path) -> Lake:
    shutil.copytree(small_lake, tmp_path / "lake")
    return Lake(str(tmp_path / "lake"))


def turn(lake: Lake, season: str) -> None:
    """Turn the scores of the last twenty matches of a season around."""
    rows = lake.read(Matches)
    last = rows.index[rows["season"] == season][-20:]
    rows.loc[last, ["home_goals", "away_goals"]] = rows.loc[last, ["away_goals", "home_goals"]].to_numpy()
    lake.write(Matches, rows)


def made_whole(lake: Lake, folder: Path) -> list[pd.DataFrame]:
    """The tables of the same history, made in an empty lake."""
    other = Lake(str(folder))
    for table in history.TABLES:
        other.write(table, lake.read(table))
    tables.build(other, history.fingerprint(other))
    return [other.read(table) for table in TABLES]


@pytest.mark.parametrize("season", SEASONS)
def test_a_season_that_changed_is_made_anew_with_all_after_it(
    lake: Lake, tmp_path: Path, season: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn(lake, season)
    asked: list[str] = []
    made = tables.team_tables

    def note(matches: pd.DataFrame, teams: pd.DataFrame, since: str = "") -> tuple[pd.DataFrame, pd.DataFrame]:
        asked.append(since)
        return made(matches, teams, since)

    monkeypatch.setattr(tables, "team_tables", note)
    assert not tables.build(lake, history.fingerprint(lake)).unchanged
    assert tables.build(lake, history.fingerprint(lake)).unchanged
    assert asked == [season]
    for ours, whole in zip([lake.read(table) for table in TABLES], made_whole(lake, tmp_path / "other"), strict=True):
        pd.testing.assert_frame_equal(ours, whole)


def test_rows_that_somebody_else_wrote_are_made_anew(lake: Lake, tmp_path: Path) -> None:
    rows = lake.read(TeamForm)
    rows.loc[0, "points_5"] = 2.5
    lake.write(TeamForm, rows)
    turn(lake, "2324")
    tables.build(lake, history.fingerprint(lake))
    for ours, whole in zip([lake.read(table) for table in TABLES], made_whole(lake, tmp_path / "other"), strict=True):
        pd.testing.assert_frame_equal(ours, whole)


@pytest.mark.parametrize(
    ("before", "now", "since"),
    [
        ({"2122": ["a"], "2223": ["b"]}, {"2122": ["a"], "2223": ["c"]}, "2223"),
        ({"2122": ["a"], "2223": ["b"]}, {"2122": ["x"], "2223": ["c"]}, "2122"),
        ({"2122": ["a"]}, {"2122": ["a"], "2223": ["c"]}, "2223"),
        ({"2122": ["a"], "2223": ["b"]}, {"2122": ["a"]}, ""),
        ({"2122": ["a"]}, {"2122": ["a"]}, ""),
    ],
)
def test_the_first_season_that_changed(before: dict[str, list[str]], now: dict[str, list[str]], since: str) -> None:
    written = {season: ["f"] for season in before}
    features = {season: ["f"] for season in before}
    assert tables.first_change({"inputs": before, "features": written}, now, features) == since
    assert tables.first_change(None, now, features) == ""
