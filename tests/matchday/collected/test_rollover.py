"""A new season begins by itself, and one that is over is taken from the bundled history once that has it."""

from pathlib import Path

import pandas as pd

from console.demo.upstream.server import UpstreamServer
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Availability, Fixtures, Matches, Players, Teams
from matchday.tables.observed_rules import ObservedRules
from tests import league
from tests.matchday.collected.machine import small_history
from tests.services.upstream.bundled import small_season
from tests.services.upstream.living import LivingMachine

OVER, NEW = "2425", "2526"
PROMOTED = {"BUR", "LEE", "SUN"}
STANDARD = (Teams, Fixtures, Matches, Players, Appearances, Availability)


def test_a_season_rolls_over_by_itself(tmp_path: Path) -> None:
    """Promoted clubs, new players, another season's rules; the former season stays as it was observed."""
    with UpstreamServer(small_season(OVER)) as server:
        machine = LivingMachine(tmp_path, server, small_history(tmp_path / "before", "2324"))
        machine.update(small_season(OVER).deadlines[2])
        former = {table: machine.living(table, OVER) for table in STANDARD}
        assert len(former[Matches]) == 10 and len(former[Fixtures]) == 380
        server.reset(small_season(NEW), small_season(NEW).start)
        report = machine.update()
        assert not report.failed and report.seasons == (OVER, NEW)
        _check_new_season(machine)
        for table, rows in former.items():
            pd.testing.assert_frame_equal(machine.living(table, OVER), rows, obj=table.__name__)
        machine.snapshot = league.bundled(tmp_path / "after", [OVER])
        _check_bundled_takes_over(machine)


def _check_new_season(machine: LivingMachine) -> None:
    teams = set(machine.living(Teams, NEW)["team"])
    assert teams - set(league.some(Teams, [OVER])["team"]) == PROMOTED
    assert len(teams) == 20 and len(machine.living(Fixtures, NEW)) == 380 and machine.living(Matches, NEW).empty
    people = machine.living(Players, NEW)
    assert set(people["team"]) <= teams and set(people["player"]) - set(league.some(Players, [OVER])["player"])
    rules = machine.store.read(ObservedRules)
    contributions = rules[rules["name"] == "scoring.defensive_contribution.DEF"]
    assert contributions["season"].tolist() == [NEW]


def _check_bundled_takes_over(machine: LivingMachine) -> None:
    report = machine.update()
    assert report.seasons == (NEW,) and {"matches", "appearances", "players"} <= set(report.tables)
    for table in (Teams, Fixtures, Matches, Players, Appearances):
        bundled = league.some(table, [OVER])
        pd.testing.assert_frame_equal(machine.living(table, OVER), bundled, obj=table.__name__)
    assert machine.update().tables == ()


def test_a_new_club_and_a_player_without_a_code_are_no_reason_to_stop(tmp_path: Path, small_snapshot: Snapshot) -> None:
    """The club comes under its own short name, the player is refused, and the rest goes in."""
    past = small_season(NEW)
    with UpstreamServer(past) as server:
        server.now = past.start
        answer = server.answer("/api/bootstrap-static/", {})
        wrong = answer.body.replace(b'"Sunderland"', b'"Dulwich Hamlet"').replace(b'"SUN"', b'"DUL"')
        code = f'"code": {past.players[0].code}'.encode()
        assert code in wrong
        key = next(iter(server._bodies))
        server._bodies[key] = type(answer)(200, answer.kind, wrong.replace(code, b'"code": null', 1))
        machine = LivingMachine(tmp_path, server, small_snapshot)
        report = machine.update()
    assert [one.standing.source for one in report.failed] == []
    assert any("has code None" in row.reason for row in report.refused)
    teams = machine.living(Teams, NEW)
    assert dict(zip(teams["team"], teams["name"], strict=True))["DUL"] == "Dulwich Hamlet"
    assert len(machine.living(Players, NEW)) == len(past.registered(past.start)) - 1
