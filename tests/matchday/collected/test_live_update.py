"""Updates from the stand-in of all sources: what is asked for, and that nothing is lost."""

import copy
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from console.demo.upstream import server as standing_in
from console.demo.upstream.faults import Fault
from console.demo.upstream.server import UpstreamServer
from matchday.collected.report import UpdateReport
from matchday.sources.snapshot import Snapshot
from matchday.sources.upstream import TRIES
from matchday.storage import Storage
from matchday.tables import Appearances, Matches
from matchday.tables.observed import ObservedFixtures
from matchday.tables.observed_appearances import ObservedAppearances
from matchday.tables.observed_rules import ObservedRules
from tests import league
from tests.matchday.collected.machine import small_history
from tests.services.upstream.bundled import scoring_season
from tests.services.upstream.living import LivingMachine

SEASON = "2526"
REQUESTS = 5
"""Of an update when nothing is new."""

DOUBLE = 26
"""A gameweek in which ARS and WOL play twice."""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return small_history(tmp_path_factory.mktemp("data"), "2425")


@pytest.fixture(scope="module")
def listening() -> Iterator[UpstreamServer]:
    with UpstreamServer(scoring_season(SEASON)) as server:
        yield server


def _settle(server: UpstreamServer) -> None:
    past = scoring_season(SEASON)
    server.reset(past, past.deadlines[DOUBLE + 1] - timedelta(hours=3))


@pytest.fixture
def server(listening: UpstreamServer) -> UpstreamServer:
    """In week 26, after its last match."""
    _settle(listening)
    return listening


@pytest.fixture(scope="module")
def first(
    tmp_path_factory: pytest.TempPathFactory, listening: UpstreamServer, history: Snapshot
) -> tuple[Path, UpdateReport]:
    """The folder of a machine after its first update, and the report of it."""
    _settle(listening)
    folder = tmp_path_factory.mktemp("first")
    return folder, LivingMachine(folder, listening, history).update()


@pytest.fixture
def living(
    tmp_path: Path, first: tuple[Path, UpdateReport], server: UpstreamServer, history: Snapshot
) -> LivingMachine:
    """A machine that has updated once, at the server's instant."""
    shutil.copytree(first[0], tmp_path, dirs_exist_ok=True)
    return LivingMachine(tmp_path, server, history)


@pytest.fixture
def fresh(tmp_path: Path, server: UpstreamServer, history: Snapshot) -> LivingMachine:
    """A machine that never updated; two gameweeks have been played."""
    server.now = server.season.deadlines[3]
    return LivingMachine(tmp_path, server, history)


@pytest.fixture
def correct(monkeypatch: pytest.MonkeyPatch, server: UpstreamServer) -> Any:
    """Changes what an answer says, by a path that it holds."""
    real, changes = standing_in._json, dict[str, Any]()

    def changed(season: Any, path: str, query: Any, now: Any) -> Any:
        answer = real(season, path, query, now)
        for held, change in changes.items():
            if held in path:
                answer = copy.deepcopy(answer)
                change(answer)
        return answer

    monkeypatch.setattr(standing_in, "_json", changed)
    server._bodies.clear()
    yield lambda path, change: (changes.__setitem__(path, change), server._bodies.clear())
    server._bodies.clear()


def bundled(season_rows: pd.DataFrame, server: UpstreamServer) -> pd.DataFrame:
    """The bundled rows of the players that are served, of the matches of the frame."""
    rows = league.some(Appearances, [SEASON])
    served = rows["player"].isin([player.code for player in server.season.players])
    return rows[served & rows["match_id"].isin(season_rows["match_id"])].reset_index(drop=True)


def added(report: UpdateReport, table: type) -> int:
    return sum(one.added.get(table.__name__.replace("Observed", "observed_").lower(), 0) for one in report.sources)


def test_a_first_update_in_spring_takes_in_all_of_it_and_the_next_asks_for_little(living, first, server):
    """Twenty-six gameweeks; players with two matches in one, and those who moved, are asked for one by one."""
    assert not first[1].failed and not len(first[1].refused)
    found = living.living(Appearances, SEASON)
    assert set(found["match_id"]) == set(living.living(Matches, SEASON)["match_id"])
    same = [
        column for column in found if column not in ("value", "selected", "transfers_in", "transfers_out", "position")
    ]
    pd.testing.assert_frame_equal(found[same], bundled(found, server)[same])
    for _ in range(2):
        again = living.update(server.now + timedelta(hours=1))
        assert again.tables == () and added(again, ObservedAppearances) == 0
        assert len(living.asked) <= REQUESTS, living.asked
        assert f"/api/event/{DOUBLE}/live/" in living.asked, "the newest gameweek, for corrections"


def test_a_correction_of_the_newest_gameweek_comes_in(living, server, correct):
    before = living.living(Appearances, SEASON)
    number = next(one.number for one in server.season.players if one.rows[0]["team"] == "LIV" and one.since is None)
    code = next(one.code for one in server.season.players if one.number == number)

    def change(answer: Any) -> None:
        (row,) = (one for one in answer["elements"] if one["id"] == number)
        row["stats"]["bps"] += 3

    correct(f"/event/{DOUBLE}/live/", change)
    report = living.update(server.now + timedelta(hours=1))
    assert added(report, ObservedAppearances) == 1 and report.tables == ("appearances",)
    rows = living.living(Appearances, SEASON)
    changed = rows[rows["bps"] != before["bps"]]
    assert changed["player"].tolist() == [code] and changed["gameweek"].tolist() == [DOUBLE]


def test_a_result_that_is_corrected_brings_its_appearances_anew(living, server, correct):
    """Of an old gameweek; until its players make the new score, they wait in quarantine and the old rows stay."""
    match = next(one for one in server.season.matches if one.gameweek == 3)
    correct("/api/fixtures/", lambda answer: _set_score(answer, match.number, match.home_goals + 1))
    report = living.update(server.now + timedelta(hours=1))
    assert "/api/event/3/live/" in living.asked
    assert {row.rule for row in report.refused} == {"goals-make-the-score"}
    assert {row.key[:12] for row in report.refused} == {match.match_id}
    assert match.match_id in set(living.living(Appearances, SEASON)["match_id"])


def _set_score(answer: Any, number: int, goals: int) -> None:
    (row,) = (one for one in answer if one["id"] == number)
    row["team_h_score"] = goals


@pytest.mark.parametrize("fault", [Fault.FORBIDDEN, Fault.HTML])
def test_without_the_appearances_the_rest_goes_in_and_the_next_update_brings_them(fresh, server, fault):
    server.faults.plan(fault, "/live/")
    report = fresh.update()
    (failed,) = report.failed
    assert failed.standing.source == "fpl" and "/event/1/live/" in failed.error
    assert failed.added["observed_fixtures"] == 380
    assert fresh.living(Appearances, SEASON).empty and len(fresh.living(Matches, SEASON)) == 20
    report = fresh.update(server.now + timedelta(hours=1))
    assert not report.failed and "appearances" in report.tables


FAULTS = [
    ("/api/bootstrap-static/", Fault.HALF, "fpl"),
    ("/api/fixtures/", Fault.HTML, "fpl"),
    ("/live/", Fault.FAILS, "fpl"),
    (f"/mmz4281/{SEASON}/E0.csv", Fault.RENAMED, "football_data_uk"),
    ("/v4/competitions/PL/matches", Fault.FORBIDDEN, "football_data_org"),
]


def test_a_fault_of_any_request_leaves_the_last_good_data_and_the_next_update_mends_it(fresh, server):
    """Day by day another request of the update is broken, as often as it is asked."""
    fresh.update()
    good = {table: fresh.living(table, SEASON) for table in (Matches, Appearances)}
    for path, fault, source in FAULTS:
        server.now += timedelta(days=1)
        server.faults.plan(fault, path, times=TRIES, column="FTHG")
        report = fresh.update()
        (failed,) = report.failed
        assert failed.standing.source == source and failed.standing.failing_since
        assert re.fullmatch(rf"{source}: [^\n]+", failed.error), failed.error
        for table, rows in good.items():
            now = fresh.living(table, SEASON)
            assert set(rows["match_id"]) <= set(now["match_id"])
        server.faults.clear()
        mended = fresh.update(server.now + timedelta(hours=1))
        assert not mended.failed and not mended.refused
        good = {table: fresh.living(table, SEASON) for table in good}
        assert set(good[Appearances]["match_id"]) == set(good[Matches]["match_id"])


def test_answers_that_were_kept_before_a_kill_are_read_by_the_next_update(fresh, server, monkeypatch):
    """Killed as the first table of observations is written: the answers are there, and asked for as unchanged."""

    def die(self: Storage, path: str, content: bytes) -> None:
        if path.startswith("observed_"):
            raise KeyboardInterrupt
        write(self, path, content)

    write = Storage.write
    with monkeypatch.context() as patch:
        patch.setattr(Storage, "write", die)
        with pytest.raises(KeyboardInterrupt):
            fresh.update()
    assert fresh.store.read(ObservedFixtures).empty
    fresh.update(server.now + timedelta(minutes=1))
    assert len(fresh.store.read(ObservedFixtures)) >= 380
    found = fresh.living(Appearances, SEASON)
    assert len(found) == len(bundled(found, server)) > 400


def test_rules_are_versions(fresh, server, correct):
    fresh.update(server.season.start)
    first = fresh.store.read(ObservedRules)

    def change(answer: Any) -> None:
        answer["game_config"]["scoring"]["assists"] = 4

    correct("/bootstrap-static/", change)
    report = fresh.update(server.season.start + timedelta(days=1))
    assert added(report, ObservedRules) == 1 and report.tables == ()
    rows = fresh.store.read(ObservedRules)
    assert len(rows) == len(first) + 1
    assert rows.loc[rows["name"] == "scoring.assists", "value"].tolist() == ["3", "4"]
