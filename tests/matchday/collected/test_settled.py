"""An update that has nothing to do says so from the answers alone, and only then."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from console.demo.upstream.faults import Fault
from console.demo.upstream.server import TOKEN, UpstreamServer
from matchday import history
from matchday.collected import publication, settled, update
from matchday.collected.current import BUILDERS
from matchday.collected.errors import ClockError
from matchday.collected.layout import RESTORING
from matchday.collected.quarantine import Quarantine, refuse_unreadable
from matchday.collected.report import UpdateReport
from matchday.collected.store import TABLES
from matchday.sources.rows import Refusal
from matchday.sources.snapshot import Snapshot
from matchday.tables import Matches, Teams, name
from matchday.tables.observed import ObservedTeams
from matchday.tables.refused_rows import RefusedRows
from tests import league
from tests.services.upstream.bundled import small_season
from tests.services.upstream.living import LivingMachine

SEASON = "2526"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def listening() -> Iterator[UpstreamServer]:
    with UpstreamServer(small_season(SEASON)) as server:
        yield server


def _before_the_season(server: UpstreamServer) -> None:
    past = small_season(SEASON)
    server.reset(past, past.deadlines[1] - timedelta(days=3))


@pytest.fixture(scope="module")
def settled_folder(tmp_path_factory: pytest.TempPathFactory, listening: UpstreamServer) -> Path:
    """A machine that took in the season's fixtures and players, and found nothing new after that."""
    _before_the_season(listening)
    folder = tmp_path_factory.mktemp("settled")
    machine = LivingMachine(folder, listening, league.bundled(folder / "data", ["2425"]))
    assert machine.update().tables
    assert not (folder / "collected" / settled.PATH).exists(), "an update with news may ask for more than the next one"
    assert not machine.update(listening.now + HOUR).tables
    assert (folder / "collected" / settled.PATH).exists()
    return folder


@pytest.fixture
def living(tmp_path: Path, settled_folder: Path, listening: UpstreamServer) -> LivingMachine:
    """That machine, an hour later."""
    _before_the_season(listening)
    listening.now += 2 * HOUR
    shutil.copytree(settled_folder, tmp_path, dirs_exist_ok=True)
    return LivingMachine(tmp_path, listening, Snapshot(tmp_path / "data"))


@pytest.fixture
def taken_in(monkeypatch: pytest.MonkeyPatch) -> list[UpdateReport]:
    """The reports of updates that took the long way."""
    reports: list[UpdateReport] = []
    real = update.take_in
    monkeypatch.setattr(update, "take_in", lambda *given: reports.append(real(*given)) or reports[-1])
    return reports


def test_the_short_way_says_and_notes_what_the_long_one_does(
    living: LivingMachine, taken_in: list[UpdateReport]
) -> None:
    short = living.update()
    asked, stands = living.asked, (living.store.lake.storage.read("sources.json"))
    assert not taken_in
    living.store.lake.storage.delete([settled.PATH])
    assert living.update() == short and taken_in == [short]
    assert living.asked == asked and living.store.lake.storage.read("sources.json") == stands
    assert short.sources and short.warnings == () and short.seasons == (SEASON,)


def test_the_answers_are_asked_for_by_their_validators(living: LivingMachine, listening: UpstreamServer) -> None:
    living.update()
    assert {request.status for request in listening.requests} == {304}


def _delete_a_part(living: LivingMachine) -> None:
    Path(living.lake.parts(Matches)[0].removeprefix("file://")).unlink()


def _spoil_a_part(living: LivingMachine) -> None:
    Path(living.lake.parts(Teams)[0].removeprefix("file://")).write_bytes(b"spoilt")


def _refuse(living: LivingMachine) -> None:
    row = Refusal("fpl", SEASON, "teams", "has no code", '{"id": 4}', "a" * 64)
    Quarantine(living.store.lake).keep(refuse_unreadable([row], living.server.now))


DISTURBED: dict[str, Callable[[LivingMachine], object]] = {
    "the lake is gone": lambda living: shutil.rmtree(living.lake.storage.url),
    "a part of the lake is gone": _delete_a_part,
    "a part of the lake is spoilt": _spoil_a_part,
    "a receipt is gone": lambda living: living.lake.storage.delete(["published.json"]),
    "a standard table is another": lambda living: living.lake.write(Teams, living.lake.read(Teams).head(3)),
    "an observation is new": lambda living: living.store.lake.write(
        ObservedTeams, living.store.read(ObservedTeams).head(3)
    ),
    "a row was refused": _refuse,
    "the bundled history is touched": lambda living: (living.snapshot.folder / "SHA256SUMS").touch(),
    "the note is gone": lambda living: living.store.lake.storage.delete([settled.PATH]),
    "the note is cut": lambda living: living.store.lake.storage.write(settled.PATH, b'{"moment": '),
    "the note is of something else": lambda living: living.store.lake.storage.write(settled.PATH, b"[1, 2]"),
    "the note lacks a field": lambda living: living.store.lake.storage.write(settled.PATH, b"{}"),
    "the standings are gone": lambda living: living.store.lake.storage.delete(["sources.json"]),
}


@pytest.mark.parametrize("disturb", DISTURBED.values(), ids=DISTURBED)
def test_whatever_decided_it_is_another_the_long_way_is_taken(
    living: LivingMachine, taken_in: list[UpdateReport], disturb: Callable[[LivingMachine], object]
) -> None:
    disturb(living)
    report = living.update()
    assert taken_in == [report] and not report.failed
    living.update(living.server.now + HOUR)
    living.update(living.server.now + HOUR)
    assert len(taken_in) <= 2, "once nothing is to be done, it is short again"


@pytest.mark.parametrize("path", ["/bootstrap-static/", "/fixtures/", "/v4/competitions/PL/matches", "E0.csv"])
def test_a_source_that_says_something_else_is_taken_in_and_asked_once(
    living: LivingMachine, taken_in: list[UpdateReport], listening: UpstreamServer, path: str
) -> None:
    """The season goes on for all; for this test one answer alone is new."""
    note = json.loads(living.store.lake.storage.read(settled.PATH))
    assert any(path in one[0] for answers in note["answers"].values() for one in answers)
    for answers in note["answers"].values():
        answers[:] = [[one, query, "0" * 64 if path in one else sha256] for one, query, sha256 in answers]
    living.store.lake.storage.write(settled.PATH, json.dumps(note).encode())
    report = living.update()
    assert taken_in == [report]
    assert len(living.asked) == len(set(living.asked))


def test_a_source_that_fails_is_told_and_asked_no_more_than_else(
    living: LivingMachine, taken_in: list[UpdateReport], listening: UpstreamServer
) -> None:
    listening.faults.plan(Fault.FORBIDDEN, "E0.csv")
    report = living.update()
    assert taken_in == [report] and [one.standing.source for one in report.failed] == ["football_data_uk"]
    assert len(living.asked) == len(set(living.asked))
    assert not living.update(listening.now + HOUR).failed
    assert len(taken_in) == 1, "nothing has changed since: the source gives its data again"


def test_other_sources_than_then_take_the_long_way(living: LivingMachine, taken_in: list[UpdateReport]) -> None:
    living.names = "fpl"
    assert [one.standing.source for one in living.update().sources] == ["fpl"]
    assert len(taken_in) == 1


def test_a_clock_behind_is_told_as_ever(living: LivingMachine) -> None:
    with pytest.raises(ClockError, match="set the clock"):
        living.update(living.server.now - timedelta(days=30))


def test_after_a_restore_that_did_not_end_nothing_is_said(living: LivingMachine) -> None:
    living.store.lake.storage.write(RESTORING, b"{}")
    with pytest.raises(Exception, match="a restore began and did not end"):
        living.update()


def test_other_code_reads_the_answers_anew(
    living: LivingMachine, taken_in: list[UpdateReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "_code", lambda: "another")
    living.update()
    assert len(taken_in) == 1


def test_in_july_another_season_is_asked_for(living: LivingMachine, taken_in: list[UpdateReport]) -> None:
    note = json.loads(living.store.lake.storage.read(settled.PATH))
    living.store.lake.storage.write(settled.PATH, json.dumps({**note, "season": "2425"}).encode())
    living.update()
    assert len(taken_in) == 1


def test_a_season_that_the_bundled_history_takes_over_is_not_waited_for(
    living: LivingMachine, taken_in: list[UpdateReport]
) -> None:
    note = json.loads(living.store.lake.storage.read(settled.PATH))
    assert note["until"] is None
    passed = (living.server.now - HOUR).isoformat()
    living.store.lake.storage.write(settled.PATH, json.dumps({**note, "until": passed}).encode())
    living.update()
    assert len(taken_in) == 1


def test_the_tables_by_name_are_those_of_the_store_and_the_lake() -> None:
    assert (*map(name, TABLES), name(RefusedRows)) == settled.OBSERVED
    assert set(settled.STANDARD) == set(map(name, BUILDERS))
    assert settled.RECEIPTS == (history.RECEIPT, publication.RECEIPT)


def test_the_command_does_without_pandas(living: LivingMachine) -> None:
    program = (
        "import sys; from datetime import datetime; from console.cli import main; from console.operations import data;"
        f"data._now = lambda: datetime.fromisoformat({living.server.now.isoformat()!r});"
        "sys.argv = ['matchday', 'data', 'update']\n"
        "try: main()\nfinally: print('pandas' in sys.modules)"
    )
    environ = {
        "MATCHDAY_HOME": str(Path(living.url).parent),
        "MATCHDAY_SNAPSHOT": str(living.snapshot.folder),
        "MATCHDAY_SOURCES": living.names,
        "MATCHDAY_FPL_URL": f"{living.server.url}/api",
        "MATCHDAY_FOOTBALL_DATA_UK_URL": living.server.url,
        "MATCHDAY_FOOTBALL_DATA_ORG_URL": living.server.url,
        "MATCHDAY_FOOTBALL_DATA_TOKEN": TOKEN,
        "OTEL_SDK_DISABLED": "true",
    }
    ended = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-2:] == ["no table changed", "False"]
