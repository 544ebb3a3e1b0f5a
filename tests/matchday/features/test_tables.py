"""Feature tables in the lake."""

from pathlib import Path

import pytest

from matchday import history
from matchday.features import tables
from matchday.features.entities import PLAYER, TEAM
from matchday.history import HistoryError
from matchday.lake import Lake
from matchday.sources.snapshot import Snapshot
from matchday.tables import TeamForm, TeamRatings
from matchday.tables.player_form import PlayerForm
from matchday.tables.player_market import PlayerMarket
from tests import league


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, Snapshot]:
    root = tmp_path_factory.mktemp("snapshots")
    return league.bundled(root / "one", ["2526"]), league.bundled(root / "two", ["2425", "2526"])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_tables_that_are_there_are_left_alone(snapshots, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = history.ingest(snapshots[0], lake)
    first = tables.build(lake, taken.history)
    monkeypatch.setattr(tables, "team_tables", None)
    second = tables.build(lake, taken.history)
    assert (first.unchanged, second.unchanged) == (False, True)
    assert first.features == second.features == history.fingerprint(lake, tables.TABLES)


def test_a_history_that_comes_back_gets_its_features_back(snapshots, lake: Lake) -> None:
    one, two = (tables.build(lake, history.ingest(snapshot, lake).history) for snapshot in snapshots)
    again = tables.build(lake, history.ingest(snapshots[0], lake).history)
    assert one.features == again.features == history.fingerprint(lake, tables.TABLES) != two.features
    assert not again.unchanged


@pytest.mark.parametrize("lost", ["team_form/current.json", "built.json"])
def test_what_is_lost_is_built_again(snapshots, lake: Lake, lost: str) -> None:
    taken = history.ingest(snapshots[0], lake)
    before = tables.build(lake, taken.history).features
    lake.storage.delete([lost])
    assert tables.build(lake, taken.history) == tables.Built(before, unchanged=False)
    assert len(lake.read(TeamForm)) == 20 + 2 * 380


def test_other_code_builds_again(snapshots, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = history.ingest(snapshots[0], lake)
    before = tables.build(lake, taken.history)
    monkeypatch.setattr(tables, "code", lambda: "changed")
    assert tables.build(lake, taken.history) == tables.Built(before.features, unchanged=False)


def test_a_build_that_is_cut_off_leaves_nothing_that_passes_for_whole(snapshots, lake: Lake, monkeypatch) -> None:
    old, new = (history.ingest(snapshot, lake).history for snapshot in snapshots)
    history.ingest(snapshots[0], lake)
    former = tables.build(lake, old).features
    history.ingest(snapshots[1], lake)
    real = Lake.write_seasons

    def cut_off(self: Lake, table, frame) -> str:
        if table is TeamRatings:
            raise KeyboardInterrupt
        return real(self, table, frame)

    monkeypatch.setattr(Lake, "write_seasons", cut_off)
    with pytest.raises(KeyboardInterrupt):
        tables.build(lake, new)
    monkeypatch.setattr(Lake, "write_seasons", real)
    with pytest.raises(HistoryError, match="changed since this run began"):
        history.expect(lake, former, tables.TABLES)
    assert not tables.build(lake, new).unchanged


def test_features_of_another_history_than_the_lake_holds_are_refused(snapshots, lake: Lake) -> None:
    history.ingest(snapshots[0], lake)
    with pytest.raises(HistoryError, match="start the run again"):
        tables.build(lake, "0123456789abcdef")


def test_a_feature_table_is_of_whom_its_key_names_and_its_features_are_numbers() -> None:
    assert [tables.entity_of(one) for one in (TeamForm, TeamRatings, PlayerForm, PlayerMarket)] == [TEAM] * 2 + [
        PLAYER
    ] * 2
    assert tables.features_of(TeamRatings) == dict.fromkeys(
        ("elo", "attack", "defence", "level", "home_edge", "low_score"), "float64"
    )
    assert tables.features_of(TeamForm)["last_kickoff"] == "int64"
    of_players = tables.features_of(PlayerForm) | tables.features_of(PlayerMarket)
    assert {"points_90", "price"} <= of_players.keys()
    assert not {"player", "team", "position", "season", "event_time"} & of_players.keys()
