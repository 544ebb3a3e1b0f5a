"""The history in the lake."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from matchday import history
from matchday.deductions import deducted
from matchday.history import HistoryError, league_table
from matchday.lake import Lake
from matchday.sources.snapshot import Snapshot, SnapshotError
from matchday.storage import Storage
from matchday.tables import Appearances, Matches, Teams
from tests import league


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return league.bundled(tmp_path / "data", ["2425", "2526"])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*") if path.is_file()}


def test_taken_in_twice_is_taken_in_once(snapshot: Snapshot, lake: Lake, tmp_path: Path) -> None:
    first = history.ingest(snapshot, lake)
    before = everything(tmp_path / "lake")
    second = history.ingest(snapshot, lake)
    assert (first.unchanged, second.unchanged) == (False, True)
    assert first.history == second.history == history.fingerprint(lake)
    assert everything(tmp_path / "lake") == before, "not one file was touched"


def test_what_is_in_the_lake_is_what_was_bundled(snapshot: Snapshot, lake: Lake) -> None:
    history.ingest(snapshot, lake)
    for table in history.TABLES:
        pd.testing.assert_frame_equal(lake.read(table), snapshot.load(table))


@pytest.mark.parametrize("harm", ["truncate", "alter", "delete", "list"])
def test_an_altered_snapshot_is_refused_by_name_before_the_lake_is_touched(snapshot, lake: Lake, harm: str) -> None:
    file = snapshot.folder / ("SHA256SUMS" if harm == "list" else "appearances.parquet")
    content = file.read_bytes()
    if harm == "delete":
        file.unlink()
    else:
        file.write_bytes(content[:-1] if harm == "truncate" else b"0" + content[1:] if harm == "alter" else b"nothing")
    with pytest.raises(SnapshotError, match=file.name):
        history.ingest(snapshot, lake)
    assert lake.fingerprint(Matches) is None


def test_a_snapshot_that_is_altered_later_leaves_the_lake_as_it_was(snapshot: Snapshot, lake: Lake) -> None:
    taken = history.ingest(snapshot, lake)
    (snapshot.folder / "matches.parquet").write_bytes(b"")
    with pytest.raises(SnapshotError, match=r"matches\.parquet"):
        history.ingest(snapshot, lake)
    assert history.fingerprint(lake) == taken.history


def test_taking_in_that_is_cut_off_is_finished_by_the_next_one(snapshot, lake: Lake, monkeypatch) -> None:
    real, written = Storage.write, []

    def cut_off(self: Storage, path: str, content: bytes) -> None:
        if len(written) == 4:
            raise KeyboardInterrupt
        written.append(path)
        real(self, path, content)

    monkeypatch.setattr(Storage, "write", cut_off)
    with pytest.raises(KeyboardInterrupt):
        history.ingest(snapshot, lake)
    monkeypatch.setattr(Storage, "write", real)
    with pytest.raises(HistoryError, match="lacks some of matches, appearances, teams, fixtures, players"):
        history.fingerprint(lake)
    assert not history.ingest(snapshot, lake).unchanged
    assert len(lake.read(Matches)) == 760


def test_a_lake_that_changed_since_is_noticed(snapshot: Snapshot, lake: Lake) -> None:
    taken = history.ingest(snapshot, lake)
    history.expect(lake, taken.history)
    lake.write(Matches, lake.read(Matches).iloc[:-1])
    with pytest.raises(HistoryError, match="has changed since this run began; start the run again"):
        history.expect(lake, taken.history)
    assert not history.ingest(snapshot, lake).unchanged, "and put right by taking it in again"


class Frames:
    """A lake of two tables, as `history.check` reads it."""

    def __init__(self, matches: pd.DataFrame, appearances: pd.DataFrame) -> None:
        self.tables = {Matches: matches, Appearances: appearances}

    def read(self, table: type) -> pd.DataFrame:
        return self.tables[table]


@pytest.fixture
def frames() -> Frames:
    return Frames(league.some(Matches, ["2526"]), league.some(Appearances, ["2526"]))


def test_the_bundled_history_keeps_every_rule() -> None:
    checks = history.check(Frames(league.whole(Matches), league.whole(Appearances)))
    assert len(checks) == 7
    assert all(not one.broken for one in checks)


def test_a_missing_match_breaks_a_rule(frames: Frames) -> None:
    frames.tables[Matches] = frames.tables[Matches].iloc[1:]
    with pytest.raises(HistoryError, match="19 times at home"):
        history.check(frames)


def test_a_season_that_has_ended_has_all_its_matches_and_one_under_way_at_most_as_many(frames: Frames) -> None:
    matches = frames.tables[Matches]
    rule = history._incomplete_seasons
    later = matches.iloc[:10].assign(season="2627")
    assert rule(matches.iloc[1:], matches) == []
    assert rule(pd.concat([matches.iloc[1:], later]), matches) == ["2526 has 379"]
    assert rule(pd.concat([matches, matches.iloc[:1]]), matches) == ["2526 has 381"]


@pytest.mark.parametrize("played", [1, 57, 300, 379])
@pytest.mark.parametrize("players", ["all", "of the first half", "none"])
def test_a_season_under_way_keeps_every_rule(frames: Frames, played: int, players: str) -> None:
    """Matches come one by one, some weeks late, and their player rows later still."""
    matches = frames.tables[Matches].drop(index=3).iloc[:played] if played < 379 else frames.tables[Matches].iloc[:379]
    there = matches.iloc[: {"all": played, "of the first half": played // 2, "none": 0}[players]]
    rows = frames.tables[Appearances]
    whole = league.some(Matches, ["2425"]), league.some(Appearances, ["2425"])
    living = rows[rows["match_id"].isin(there["match_id"])]
    frames.tables = {Matches: pd.concat([whole[0], matches]), Appearances: pd.concat([whole[1], living])}
    assert history.season_under_way(frames.tables[Matches]) == "2526"
    assert all(not one.broken for one in history.check(frames))


def test_a_score_that_the_players_of_a_season_under_way_did_not_make_breaks_a_rule(frames: Frames) -> None:
    frames.tables[Matches] = frames.tables[Matches].iloc[:100].reset_index(drop=True)
    rows = frames.tables[Appearances]
    frames.tables[Appearances] = rows[rows["match_id"].isin(frames.tables[Matches]["match_id"])]
    frames.tables[Matches].loc[0, "home_goals"] += 1
    with pytest.raises(HistoryError, match=r"make the score: 2526-LIV-BOU \(home\)$"):
        history.check(frames)


def test_a_team_that_plays_too_often_at_home_breaks_a_rule_while_the_season_is_under_way(frames: Frames) -> None:
    home = frames.tables[Matches][frames.tables[Matches]["home"] == "ARS"]
    matches = pd.concat([home, home.iloc[:1]], ignore_index=True)
    with pytest.raises(HistoryError, match="19 times at home: ARS in 2526: 20"):
        history.check(Frames(matches, frames.tables[Appearances].iloc[:0]))


def test_taking_in_the_history_keeps_the_seasons_that_were_observed(snapshot: Snapshot, lake: Lake) -> None:
    """A season of the bundled history that is observed stays as it was observed, until it is no longer named."""
    history.ingest(snapshot, lake)
    half = lake.read(Matches, ["2526"]).iloc[:100].reset_index(drop=True)
    history.ingest(snapshot, lake, ["2526", "2627"])
    lake.write_seasons(Matches, half)
    new = half.assign(season="2627", match_id="2627" + half["match_id"].str[4:])
    new["kickoff"] = (new["kickoff"] + pd.Timedelta(days=364)).astype(half["kickoff"].dtype)
    lake.write_seasons(Matches, new)
    first = history.ingest(snapshot, lake)
    assert not first.unchanged
    assert history.ingest(snapshot, lake) == history.Ingested(first.history, unchanged=True)
    assert lake.read(Matches).groupby("season").size().to_dict() == {"2425": 380, "2526": 100, "2627": 100}
    assert len(lake.read(Appearances, ["2425"])) == len(snapshot.load(Appearances, ["2425"]))
    history.ingest(snapshot, lake, [])
    pd.testing.assert_frame_equal(lake.read(Matches), snapshot.load(Matches))


def test_a_season_that_another_bundled_history_does_not_have_goes(snapshot: Snapshot, lake: Lake, tmp_path) -> None:
    history.ingest(snapshot, lake)
    history.ingest(league.bundled(tmp_path / "older", ["2425"]), lake)
    assert set(lake.read(Matches)["season"]) == {"2425"}


def test_a_match_at_the_wrong_ground_breaks_a_rule(frames: Frames) -> None:
    matches = frames.tables[Matches]
    matches.loc[0, ["home", "away"]] = matches.loc[0, ["away", "home"]].to_numpy()
    with pytest.raises(HistoryError, match=r"19 times at home: \w{3} in 2526: (18|20); \w{3} in 2526: (18|20)$"):
        history.check(frames)


def test_a_player_row_of_no_match_breaks_a_rule(frames: Frames) -> None:
    frames.tables[Appearances].loc[0, "match_id"] = "2526-XXX-YYY"
    with pytest.raises(HistoryError, match="every player row belongs to a match: 2526-XXX-YYY"):
        history.check(frames)


def test_a_player_with_the_code_of_a_later_namesake_breaks_a_rule() -> None:
    """16/17 has no dump of codes: James Wilson of Manchester United is not the one who came to Tottenham in 25/26."""
    matches, rows = (league.some(table, ["1617", "1718", "2526"]) for table in (Matches, Appearances))
    wilson = (rows["season"] == "1617") & (rows["name"] == "James Wilson")
    assert wilson.any()
    rows.loc[wilson, "player"] = 613232
    with pytest.raises(HistoryError, match=r"newer than the season after: James Wilson in 1617: 613232$"):
        history.check(Frames(matches, rows))


def test_codes_are_not_held_against_those_of_a_season_that_was_observed_in_part() -> None:
    matches, rows = (league.some(table, ["2425", "2526"]) for table in (Matches, Appearances))
    few = rows["player"] < 200_000
    assert history._codes_too_new(matches, rows[(rows["season"] == "2425") | few]) == []


def test_codes_are_not_held_against_those_of_a_season_under_way_nor_of_managers(frames: Frames) -> None:
    matches, rows = frames.tables[Matches], frames.tables[Appearances]
    first = matches["gameweek"] == 1
    new = matches[first].assign(season="2627"), rows[rows["player"] < 200_000].head(50).assign(season="2627")
    assert history._codes_too_new(pd.concat([matches, new[0]]), pd.concat([rows, new[1]])) == []
    both = league.some(Matches, ["2425", "2526"]), league.some(Appearances, ["2425", "2526"])
    assert (both[1].groupby("season")["player"].max() > 100_000_000).to_dict() == {"2425": True, "2526": False}
    assert history._codes_too_new(*both) == []


@pytest.mark.parametrize("side", ["home", "away"])
def test_a_score_that_nobody_made_breaks_a_rule(frames: Frames, side: str) -> None:
    match = frames.tables[Matches].loc[0, "match_id"]
    frames.tables[Matches].loc[0, f"{side}_goals"] += 1
    with pytest.raises(HistoryError, match=rf"make the score: {match} \({side}\)$"):
        history.check(frames)


def test_no_more_than_five_breaks_are_named(frames: Frames) -> None:
    frames.tables[Matches]["home_goals"] += 1
    with pytest.raises(HistoryError) as caught:
        history.check(frames)
    assert str(caught.value).count("(home)") == 5


def test_seasons_are_told_with_their_champions() -> None:
    seasons = {one.season: one for one in history.describe(league.whole(Matches), league.whole(Appearances))}
    assert len(seasons) == 12
    assert (seasons["1516"].champion, seasons["1516"].points) == ("LEI", 81)
    assert (seasons["1718"].champion, seasons["1718"].points) == ("MCI", 100)
    assert (seasons["2324"].champion, seasons["2324"].points, seasons["2324"].goals) == ("MCI", 91, 1246)
    assert seasons["1415"].player_rows == 0
    assert seasons["2122"].xg is None
    assert seasons["2324"].xg == pytest.approx(1246, rel=0.15)


def test_the_table_is_ordered_by_points_then_difference_then_goals() -> None:
    matches = pd.DataFrame(
        [("AAA", "BBB", 1, 0), ("CCC", "BBB", 2, 0), ("BBB", "DDD", 1, 1), ("DDD", "AAA", 3, 3)],
        columns=["home", "away", "home_goals", "away_goals"],
    )
    table = league_table(matches)
    assert table.index.tolist() == ["AAA", "CCC", "DDD", "BBB"]
    assert table["points"].tolist() == [4, 3, 2, 1]
    assert table["difference"].tolist() == [1, 2, 0, -3]


def test_every_team_of_a_season_is_in_its_table() -> None:
    table = league_table(league.some(Matches, ["2526"]))
    assert set(table.index) == set(league.some(Teams, ["2526"])["team"])


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "everton", "forest"),
    [
        ("2023-11-17", 0, 0),
        ("2023-11-18", 10, 0),
        ("2024-02-26", 10, 0),
        ("2024-02-27", 6, 0),
        ("2024-03-19", 6, 4),
        ("2024-04-08", 6, 4),
        ("2024-04-09", 8, 4),
        ("2024-07-01", 8, 4),
    ],
)
def test_points_are_deducted_from_the_end_of_the_day_of_the_decision(moment: str, everton: int, forest: int) -> None:
    matches = league.some(Matches, ["2324"])
    known = matches[matches["kickoff"] < day(moment)]
    with_deductions = league_table(matches, day(moment))["points"]
    taken = league_table(known.drop(columns="season"))["points"] - with_deductions
    assert taken[taken != 0].to_dict() == {team: lost for team, lost in (("EVE", everton), ("NFO", forest)) if lost}


def test_a_table_as_of_a_moment_counts_matches_that_are_over() -> None:
    matches = league.some(Matches, ["2425"])
    first = matches.iloc[0]
    over = (first["kickoff"] + pd.Timedelta(hours=2)).to_pydatetime()
    assert league_table(matches, over - pd.Timedelta(seconds=1)).empty
    assert set(league_table(matches, over).index) == {first["home"], first["away"]}


def test_the_final_tables_of_clubs_that_lost_points() -> None:
    table = league_table(league.some(Matches, ["2324"]))
    assert table.loc[["EVE", "NFO"], "points"].to_dict() == {"EVE": 40, "NFO": 32}
    assert list(table.index[-6:]) == ["EVE", "BRE", "NFO", "LUT", "BUR", "SHU"]
    assert deducted("2425") == {} == deducted("2223")
