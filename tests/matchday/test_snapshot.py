"""What the bundled history must say, because it happened, and which files are refused."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from matchday.settings import Settings
from matchday.sources.snapshot import SUMS, TABLES, Snapshot, SnapshotError, file
from matchday.tables import (
    Appearances,
    Availability,
    Fixtures,
    Matches,
    Players,
    TableError,
    Teams,
    columns,
    key,
    name,
)
from matchday.tables.availability import flag_changes

LARGEST = 6_000_000
SEASONS = ["1415", "1516", "1617", "1718", "1819", "1920", "2021", "2122", "2223", "2324", "2425", "2526"]
PUBLISHED_ROWS = 253_839
TWICE = 36
"""Rows of 23/24 that are published under two spellings of the player's name."""

CHAMPIONS = {
    "1415": ("CHE", 87),
    "1516": ("LEI", 81),
    "1617": ("CHE", 93),
    "1718": ("MCI", 100),
    "1819": ("MCI", 98),
    "1920": ("LIV", 99),
    "2021": ("MCI", 86),
    "2122": ("MCI", 93),
    "2223": ("MCI", 89),
    "2324": ("MCI", 91),
    "2425": ("LIV", 84),
    "2526": ("ARS", 85),
}

CLOSE = 0.97
"""Correlation of a count at the last daily snapshot before the deadline with that at the deadline."""


@pytest.fixture(scope="module")
def data() -> Snapshot:
    return Snapshot(Settings().snapshot)


@pytest.fixture(scope="module")
def matches(data) -> pd.DataFrame:
    return data.load(Matches)


@pytest.fixture(scope="module")
def appearances(data) -> pd.DataFrame:
    return data.load(Appearances)


@pytest.fixture(scope="module")
def players(data) -> pd.DataFrame:
    return data.load(Players)


def sides(matches: pd.DataFrame) -> pd.DataFrame:
    """season, match_id, team, scored, conceded: two rows a match."""
    there = {"home": "team", "home_goals": "scored", "away_goals": "conceded"}
    back = {"away": "team", "away_goals": "scored", "home_goals": "conceded"}
    both = pd.concat([matches.rename(columns=there), matches.rename(columns=back)])
    return both[["season", "match_id", "team", "scored", "conceded"]]


def test_the_files_are_the_committed_ones_and_small(data):
    assert set(data.verify()) == {file(table) for table in TABLES}
    assert sum(path.stat().st_size for path in data.folder.iterdir()) <= LARGEST


def test_every_season_has_380_matches_each_pair_once_at_home(matches):
    assert list(matches.groupby("season").size().items()) == [(season, 380) for season in SEASONS]
    assert not matches.duplicated(["season", "home", "away"]).any()
    assert (matches.groupby("season")["home"].nunique() == 20).all()


def test_champions_and_their_points(matches):
    games = sides(matches)
    won, drawn = games["scored"] > games["conceded"], games["scored"] == games["conceded"]
    table = games.assign(points=3 * won + drawn).groupby(["season", "team"])["points"].sum().reset_index()
    first = table.sort_values("points").groupby("season").tail(1)
    assert {season: (team, points) for season, team, points in first.itertuples(index=False)} == CHAMPIONS


def test_goals_of_players_and_own_goals_of_opponents_are_the_score(matches, appearances):
    goals = appearances.groupby(["match_id", "team"])["goals"].sum()
    given = appearances.groupby(["match_id", "opponent"])["own_goals"].sum().rename_axis(["match_id", "team"])
    games = sides(matches[matches["season"] >= "1617"]).set_index(["match_id", "team"])
    same = (goals + given).reindex(games.index) == games["scored"]
    assert same.groupby(games["season"]).agg(["sum", "size"]).to_numpy().tolist() == [[760, 760]] * 10


def test_expected_goals_of_each_season(appearances):
    sums = appearances.groupby("season")["xg"].sum(min_count=1)
    expected = {"2223": 1097, "2324": 1199, "2425": 1101, "2526": 1068}
    assert sums[sums.notna()].to_dict() == pytest.approx(expected, abs=0.75)


def test_every_appearance_belongs_to_its_match(matches, appearances):
    assert len(appearances) == PUBLISHED_ROWS - TWICE
    joined = appearances.merge(matches, on="match_id", how="left", suffixes=("", "_of_match"), validate="many_to_one")
    for column in ("season", "gameweek", "kickoff"):
        assert (joined[column] == joined[f"{column}_of_match"]).all()
    assert (joined["team"] == joined["home_of_match"].where(joined["home"], joined["away"])).all()
    assert appearances["match_id"].nunique() == 10 * 380


def test_eleven_to_seventeen_players_of_a_side_took_part(appearances):
    took = appearances[appearances["minutes"] > 0].groupby(["match_id", "team"]).size()
    assert len(took) == 10 * 760
    assert took.between(11, 17).all()


def test_gameweeks_are_whole_but_for_the_one_not_played(matches):
    weeks = matches.groupby("season")["gameweek"].agg(lambda week: sorted(week.dropna().unique()))
    whole = list(range(1, 39))
    assert weeks["1415"] == []
    assert weeks["2223"] == [week for week in whole if week != 7]
    assert all(weeks[season] == whole for season in SEASONS if season not in ("1415", "2223"))


@pytest.mark.parametrize(
    ("match", "gameweek"),
    [
        ("1516-ARS-AVL", 38),
        ("1516-AVL-TOT", 30),
        ("1516-LEI-NEW", 30),
        ("1516-SUN-CHE", 37),
        ("1516-WHU-SWA", 37),
    ],
)
def test_return_legs_of_1516_are_in_their_own_gameweek(matches, match, gameweek):
    assert matches.set_index("match_id").loc[match, "gameweek"] == gameweek


def test_1516_teams_play_a_gameweek_at_most_twice(matches):
    games = sides(matches).merge(matches[["match_id", "gameweek"]], on="match_id")
    assert games[games["season"] == "1516"].groupby(["team", "gameweek"]).size().max() <= 2


def test_only_the_first_two_seasons_guess_the_time_of_day(matches):
    guessed = matches[~matches["kickoff_exact"]]
    assert set(guessed["season"]) == {"1415", "1516"}
    assert set(guessed["kickoff"].dt.strftime("%H:%M")) == {"15:00"}
    assert len(guessed) == 2 * 380


def test_fixtures_are_the_matches_without_their_results(data, matches):
    pd.testing.assert_frame_equal(data.load(Fixtures), matches[columns(Fixtures)])


def test_teams_of_every_season_to_the_next(data, matches):
    teams = data.load(Teams)
    assert list(teams.groupby("season").size().items()) == [(season, 20) for season in [*SEASONS, "2627"]]
    played = {(season, team) for season, team in matches[["season", "home"]].itertuples(index=False)}
    assert played == {(s, t) for s, t, _ in teams.itertuples(index=False) if s != "2627"}
    assert dict(zip(teams["team"], teams["name"], strict=True))["TOT"] == "Tottenham Hotspur"


def test_players_keep_their_code_over_the_seasons(appearances, players):
    assert not players.duplicated(key(Players)).any()
    seen = appearances[["season", "player"]].drop_duplicates()
    assert len(seen) == len(seen.merge(players, on=["season", "player"])) == len(players)
    raya = players[players["player"] == 154561]
    assert list(raya["season"]) == ["2122", "2223", "2324", "2425", "2526"]
    assert set(raya["position"]) == {"GK"}


def test_players_of_one_name_in_one_season_are_two(players):
    named = players[players["name"].isin(["Danny Ward", "Ben Davies"])]
    codes = named.groupby(["season", "name"])["player"].agg(sorted).to_dict()
    assert codes["1819", "Danny Ward"] == [75826, 95463]
    assert codes["2021", "Ben Davies"] == codes["2122", "Ben Davies"] == [115556, 152898]
    assert codes["2223", "Ben Davies"] == [115556]


def test_only_players_gone_before_1718_and_one_manager_have_no_code(players):
    unknown = players[players["player"] < 0]
    assert unknown.groupby("season").size().to_dict() == {"1617": 216, "2425": 1}
    assert list(unknown.loc[unknown["season"] == "2425", "position"]) == ["MNG"]
    assert unknown["player"].is_unique


def test_later_columns_are_there_from_their_season_on_and_never_before(appearances):
    for column, first in {
        "xg": "2223",
        "xgc": "2223",
        "tackles": "2526",
        "defensive_contribution": "2526",
    }.items():
        there = appearances[column].notna().groupby(appearances["season"]).mean()
        assert there.to_dict() == {season: float(season >= first) for season in SEASONS[2:]}


def test_assistant_managers_are_marked(appearances):
    managers = appearances[appearances["position"] == "MNG"]
    assert managers.groupby("season").size().to_dict() == {"2425": 331}
    assert managers["minutes"].sum() == 0


def test_availability_tells_changes_alone(data, players):
    rows = data.load(Availability)
    told = ["price", "chance", "reason", "return_gameweek"]
    assert len(rows) == 187_092
    assert 4000 < len(flag_changes(rows)) < 5635
    assert set(rows["season"]) == {"2526"}
    assert set(rows["player"]) <= set(players.loc[players["season"] == "2526", "player"])
    assert rows.sort_values(["player", "seen_at"]).index.is_monotonic_increasing
    assert (rows["reason"].notna() | rows["chance"].isna() | (rows["chance"] == 100)).all()
    assert rows[told[1]].isin([0, 25, 50, 75, 100]).sum() > 1000


def test_ownership_and_transfers_at_a_deadline_are_those_of_the_appearance(data, matches, appearances):
    """The daily record counts in the same units; it does not know when gameweek 4 began to count."""
    seen = data.load(Availability)[["seen_at", "player", "price", "selected", "transfers_in", "transfers_out"]]
    played = appearances[(appearances["season"] == "2526") & (appearances["gameweek"] > 4)]
    moments = matches[matches["season"] == "2526"].groupby("gameweek")["kickoff"].min() - pd.Timedelta(minutes=90)
    played = played.assign(deadline=played["gameweek"].map(moments).astype("datetime64[us, UTC]"))
    played = played.sort_values("deadline").rename(columns={"value": "price"})
    both = pd.merge_asof(
        played,
        seen.sort_values("seen_at"),
        left_on="deadline",
        right_on="seen_at",
        by="player",
        suffixes=("", "_seen"),
    ).dropna(subset=["seen_at"])
    assert len(both) > 25_000
    assert (both["price"] == both["price_seen"]).mean() > 0.99
    for column in ("selected", "transfers_in", "transfers_out"):
        assert both[column].astype(float).corr(both[f"{column}_seen"].astype(float)) > CLOSE, column
    first = data.load(Availability)
    unknown = first[first["transfers_in"].isna()]
    assert set(unknown["gameweek"]) == {4}
    assert first["selected"].notna().all()


@pytest.mark.parametrize("table", TABLES, ids=name)
def test_rows_are_in_the_documented_order(data, table):
    order = {
        Matches: ["kickoff", "match_id"],
        Fixtures: ["kickoff", "match_id"],
        Appearances: ["season", "player", "kickoff"],
    }
    rows = data.load(table)
    by = order.get(table, key(table))
    pd.testing.assert_frame_equal(rows, rows.sort_values(by, kind="stable", ignore_index=True))


@pytest.fixture
def copy(data, tmp_path) -> Snapshot:
    return Snapshot(Path(shutil.copytree(data.folder, tmp_path / "data")))


DAMAGE = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "altered": lambda path: path.write_bytes(path.read_bytes()[:-9] + b"x" + path.read_bytes()[-8:]),
    "empty": lambda path: path.write_bytes(b""),
    "missing": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("table", [Matches, Teams], ids=name)
def test_a_damaged_file_is_refused_by_name(copy, table, damage):
    DAMAGE[damage](copy.folder / file(table))
    for refuses in (copy.verify, lambda: copy.load(table)):
        with pytest.raises(SnapshotError, match=rf"{file(table)}: .*matchday data build") as refused:
            refuses()
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("damage", ["truncated", "empty", "missing"])
def test_a_damaged_list_of_checksums_is_refused(copy, damage):
    DAMAGE[damage](copy.folder / SUMS)
    with pytest.raises(SnapshotError, match="matchday data build"):
        copy.verify()


def test_a_table_that_is_not_bundled_is_refused(data):
    class Odds(Teams):
        pass

    with pytest.raises(SnapshotError, match="no table odds"):
        data.load(Odds)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SnapshotError, match=r"nowhere/SHA256SUMS: cannot be read"):
        Snapshot(tmp_path / "nowhere").verify()


def test_a_bad_table_is_refused_before_a_byte_is_written(tmp_path, matches):
    from matchday.sources.snapshot import write

    with pytest.raises(TableError, match="column home_goals"):
        write(tmp_path / "data", {Matches: matches.assign(home_goals=-1)})
    assert not (tmp_path / "data").exists()
