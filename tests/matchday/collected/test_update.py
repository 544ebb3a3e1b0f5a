"""An update: what it takes in, what it says, and that a failing source stops no other one."""

from datetime import datetime, timedelta

import pytest

from matchday.collected.errors import ClockError
from matchday.collected.quarantine import Quarantine
from matchday.collected.store import ObservationStore
from matchday.collected.update import update
from matchday.sources.collected import Collected
from matchday.sources.upstream import SourceError
from matchday.storage import StorageError
from matchday.tables import Availability, Fixtures, Matches, Players, Teams
from matchday.tables.observed import ObservedFixtures, ObservedPlayers, ObservedTeams
from tests.matchday.collected.machine import game, unreadable
from tests.matchday.collected.observations import (
    FPL,
    SATURDAY,
    SEASON,
    UK,
    at,
    fixtures,
    match,
    player,
    players,
    teams,
)

LATER = SATURDAY + timedelta(days=30)


def test_an_update_fills_an_empty_lake_and_the_next_has_nothing_to_do(machine):
    given = game(1, match(1), match(1, "LIV-ARS", kickoff=LATER), people=[player(1)])
    report = machine.update(2, fpl=given)
    assert set(report.tables) == {"teams", "fixtures", "players", "availability"} and report.failed == []
    assert dict(report.sources[0].added) == {"observed_fixtures": 2, "observed_teams": 2, "observed_players": 1}
    assert len(machine.living(Fixtures)) == 2 and machine.living(Matches).empty
    assert set(machine.lake.read(Matches)["season"]) == {"2526"}, "the bundled history is there"
    again = machine.update(3, fpl=given)
    assert again.tables == () and again.changes == () and set(again.sources[0].added.values()) == {0}
    assert report.warnings == ("season 2627 has 2 known matches, not 380",)


def test_it_says_what_changed_before_and_now(machine):
    machine.update(2, fpl=game(1, match(1), people=[player(1)]))
    moved = match(30, score=(2, 1), kickoff=SATURDAY + timedelta(hours=2), gameweek=2)
    person = player(30, price=56, chance=75, news="Knock")
    report = machine.update(31, fpl=game(30, moved, people=[person, player(30, 8)]))
    assert list(map(str, report.changes)) == [
        "2627-ARS-LIV: kickoff 2026-08-22 14:00 -> 2026-08-22 16:00",
        "2627-ARS-LIV: gameweek 1 -> 2",
        "2627-ARS-LIV: status scheduled -> finished",
        "2627-ARS-LIV: result - -> 2-1",
        "P7 (7): price 55 -> 56",
        "P7 (7): chance - -> 75",
        "P7 (7): news - -> Knock",
    ]
    assert "matches" in report.tables and len(machine.living(Availability)) == 3


def test_a_failing_source_stops_no_other_and_leaves_what_it_said(machine):
    machine.update(2, fpl=game(1, match(1), people=[player(1)]), football_data_uk=game(1))
    why = SourceError("fpl: answers 503")
    uk = Collected(SEASON, {ObservedFixtures: fixtures(match(30, source=UK, score=(1, 0)))})
    report = machine.update(31, fpl=why, football_data_uk=uk)
    assert [(one.standing.source, one.error) for one in report.failed] == [("fpl", "fpl: answers 503")]
    assert len(machine.living(Matches)) == 1 and len(machine.living(Players)) == 1
    standing = report.failed[0].standing
    assert standing.last_success.startswith(at(2).isoformat()[:10]) and not standing.reachable
    later = machine.update(33, fpl=SourceError("fpl: is not what it was", reachable=True)).failed[0].standing
    assert (later.failing_since, later.reachable) == (at(31).isoformat(), True)
    mended = machine.update(34, fpl=game(33, match(33, score=(1, 0)), people=[player(33)])).sources[0]
    assert (mended.error, mended.standing.failing_since, mended.standing.reason) == ("", "", "")


@pytest.mark.parametrize("error", [KeyError("events"), TypeError("no list"), ValueError("half"), AttributeError("x")])
def test_an_answer_that_its_reader_was_not_made_for_is_a_failure_of_the_source(machine, error):
    report = machine.update(2, fpl=error, football_data_uk=game(1, match(1)))
    assert [one.standing.source for one in report.failed] == ["fpl"]
    assert report.failed[0].error.startswith(f"fpl: cannot be read ({type(error).__name__}")
    assert len(machine.living(Fixtures)) == 1


def test_a_store_that_cannot_be_written_is_no_failure_of_a_source(machine):
    with pytest.raises(StorageError):
        machine.update(2, fpl=StorageError("disk is full"))


def test_refused_rows_are_reported_once_and_the_rest_goes_in(machine):
    wrong = match(30, "LIV-ARS", score=(1, 1), kickoff=LATER)
    rows = [match(30, score=(2, 0)), wrong]
    report = machine.update(31, fpl=game(30, *rows, refused=[unreadable()]))
    assert {row.rule for row in report.refused} == {"schema", "result-after-kickoff"} and report.kept == 2
    assert len(machine.living(Matches)) == 1
    again = machine.update(32, fpl=game(30, *rows, refused=[unreadable()]))
    assert not again.refused and again.kept == 2


def test_a_result_that_is_withdrawn_leaves_the_lake(machine):
    machine.update(31, fpl=game(30, match(30, score=(2, 0))))
    assert len(machine.living(Matches)) == 1
    report = machine.update(32, fpl=game(32, match(32)))
    assert machine.living(Matches).empty and len(machine.living(Fixtures)) == 1
    assert set(machine.lake.read(Matches)["season"]) == {"2526"} and "matches" in report.tables


def test_a_released_row_goes_in_at_the_next_update(machine):
    machine.update(31, fpl=game(30, match(30, score=(2, 0))))
    other = game(60, match(60, score=(1, 0), kickoff=LATER))
    report = machine.update(61, fpl=other)
    assert [row.rule for row in report.refused] == ["one-result"] and machine.living(Matches)[
        "home_goals"
    ].tolist() == [2]
    Quarantine(ObservationStore(machine.url).lake).release("2627-ARS-LIV", at(61.5))
    report = machine.update(62, fpl=other)
    assert machine.living(Matches)["home_goals"].tolist() == [1] and report.kept == 0
    assert ObservationStore(machine.url).newest_moment() == at(62)
    assert machine.update(63, fpl=other).tables == ()


def test_sources_that_disagree_are_reported(machine):
    uk = Collected(SEASON, {ObservedFixtures: fixtures(match(30, source=UK, score=(1, 0)))})
    report = machine.update(31, fpl=game(30, match(30, score=(2, 0))), football_data_uk=uk)
    assert list(map(str, report.disagreements)) == ["2627-ARS-LIV: result is 2-0, but football_data_uk says 1-0"]


def test_a_clock_behind_the_newest_observation_takes_nothing(machine):
    machine.update(31, fpl=game(30, match(30, score=(2, 0))))
    asked = []

    def collect() -> Collected:
        asked.append(1)
        return game(1, match(1))

    with pytest.raises(ClockError, match=r"clock says 2026-08-30 .*made at 2026-08-31 .*set the clock"):
        update(machine.url, machine.lake, machine.snapshot, {FPL: collect}, lambda: at(29))
    assert asked == [] and len(ObservationStore(machine.url).read(ObservedFixtures)) == 1


def test_what_was_observed_at_this_very_moment_is_in_the_tables(machine):
    machine.update(30, fpl=game(30, match(30)))
    assert len(machine.living(Fixtures)) == 1


def test_without_any_source_the_bundled_history_is_there(machine):
    report = machine.update(2)
    assert report.seasons == () and set(machine.lake.read(Teams)["season"]) == {"2526"}


def test_a_new_season_rolls_over(machine):
    machine.update(31, fpl=game(30, match(30, score=(2, 0)), people=[player(30)]))
    opening = datetime(2027, 8, 14, 14, tzinfo=SATURDAY.tzinfo)
    row = match(340, "ARS-ZZZ", kickoff=opening) | {"season": "2728", "match_id": "2728-ARS-ZZZ"}
    given = {
        ObservedFixtures: fixtures(row),
        ObservedTeams: teams(340, "ARS", "ZZZ").assign(season="2728"),
        ObservedPlayers: players(player(340, 99, team="ZZZ") | {"season": "2728"}),
    }
    report = machine.update(341, fpl=Collected("2728", given))
    assert report.seasons == ("2627", "2728")
    assert list(machine.lake.read(Teams, ["2728"])["name"]) == ["Arsenal", "Name of ZZZ"]
    assert list(machine.lake.read(Players, ["2728"])["player"]) == [99] and len(machine.living(Matches)) == 1
