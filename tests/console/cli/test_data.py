"""`matchday data ...`: what is printed about live sources, and how the commands end."""

import json
from pathlib import Path

import pytest

from console.operations import data
from matchday.sources.upstream import SourceError
from tests.console.conftest import RunCommand
from tests.matchday.collected.invented import InventedSources
from tests.matchday.collected.machine import game, small_history, unreadable
from tests.matchday.collected.observations import at, match, player


class Sources(InventedSources):
    """What the sources of a machine give, and its date, as days of the invented observations are counted."""

    day = 31.0


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(small_history(tmp_path_factory.mktemp("data")).folder)


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch, snapshot: str) -> Sources:
    """The sources of a machine with a small bundled history, and its clock."""
    made = Sources(monkeypatch)
    monkeypatch.setenv("MATCHDAY_SNAPSHOT", snapshot)
    monkeypatch.setattr(data, "_now", lambda: at(made.day))
    return made


def test_an_update_is_told_and_the_next_finds_nothing(matchday: RunCommand, sources: Sources) -> None:
    sources.given = {"fpl": game(1, match(1), people=[player(1)], refused=[unreadable()])}
    first = matchday("data", "update")
    assert first.code == 0, first
    assert "fpl: new: 1 fixtures, 1 players, 2 teams\n" in first.stdout
    assert "observed_players of fpl, id 4: it has no code\n" in first.stdout
    assert "note: season 2627 has 1 known matches, not 380\n" in first.stdout
    assert "1 rows wait in quarantine" in first.stdout
    assert first.stdout.endswith("tables that changed: teams, fixtures, players, availability\n")
    again = matchday("data", "update")
    assert (again.code, "fpl: nothing new\n" in again.stdout) == (0, True)
    assert again.stdout.endswith("no table changed\n")


def test_a_source_that_fails_is_told_and_the_exit_code_says_so(matchday: RunCommand, sources: Sources) -> None:
    sources.given = {"fpl": game(1, match(1)), "football_data_uk": SourceError("football_data_uk: answers 503")}
    ended = matchday("data", "update")
    assert ended.code == 1
    assert "football_data_uk: answers 503 (fails since 2026-09-01T09:00; it never gave any)\n" in ended.stdout
    sources.day += 3
    shown = matchday("data", "sources").stdout
    assert "fpl" in shown and "3 days" in shown and "2 teams" in shown
    assert "football_data_uk: answers 503 (fails since 2026-09-01T09:00; it was not reached)" in shown
    (game_, uk) = json.loads(matchday("data", "sources", "--json").stdout)
    assert (game_["last_success"], uk["failing_since"]) == ("2026-09-01T09:00:00+00:00",) * 2


def test_an_update_as_json(matchday: RunCommand, sources: Sources) -> None:
    sources.given = {"fpl": game(1, match(1))}
    matchday("data", "update")
    sources.given = {"fpl": game(30, match(30, score=(2, 1)), refused=[unreadable()])}
    told = json.loads(matchday("data", "update", "--json").stdout)
    assert told["sources"][0]["added"] == {"observed_fixtures": 1, "observed_teams": 0}
    result = {"subject": "2627-ARS-LIV", "field": "result", "before": "-", "now": "2-1"}
    assert result in told["changes"] and told["refused"][0]["reason"] == "has no code"
    assert (told["in_quarantine"], told["seasons"], told["tables"]) == (1, ["2627"], ["matches"])


def test_a_clock_that_is_behind_is_one_line(matchday: RunCommand, sources: Sources) -> None:
    sources.given = {"fpl": game(30, match(30))}
    matchday("data", "update")
    sources.day = 20
    assert "set the clock; nothing was taken in" in matchday("data", "update").refusal


def test_the_quarantine_is_listed_shown_and_decided_about(matchday: RunCommand, sources: Sources) -> None:
    assert matchday("data", "quarantine", "list").stdout == "nothing is in quarantine\n"
    sources.given = {"fpl": game(1, match(1), refused=[unreadable()])}
    matchday("data", "update")
    (row,) = json.loads(matchday("data", "quarantine", "list", "--json").stdout)
    assert row["id"] in matchday("data", "quarantine", "list").stdout
    assert json.loads(matchday("data", "quarantine", "show", row["id"]).stdout) == [row]
    assert "cannot be released" in matchday("data", "quarantine", "release", row["id"]).refusal
    assert "is dropped" in matchday("data", "quarantine", "drop", row["id"]).stdout
    assert matchday("data", "quarantine", "list").stdout == "nothing is in quarantine\n"
    assert "dropped" in matchday("data", "quarantine", "list", "--all").stdout
    assert "nothing in quarantine is called nonsense" in matchday("data", "quarantine", "show", "nonsense").refusal


def test_what_was_collected_is_backed_up_and_restored(
    matchday: RunCommand, sources: Sources, tmp_path: Path, home: Path
) -> None:
    archive = str(tmp_path / "one.tar")
    assert "nothing to back up" in matchday("data", "backup", archive).refusal
    sources.given = {"fpl": game(1, match(1))}
    matchday("data", "update")
    assert "3 observations" in matchday("data", "backup", archive).stdout
    sources.given = {"fpl": game(30, match(30, score=(1, 0)))}
    matchday("data", "update")
    assert "1 of observed_fixtures" in matchday("data", "restore", archive).refusal
    assert "3 observations are restored" in matchday("data", "restore", archive, "--replace").stdout
    sources.given = {}
    assert matchday("data", "update").stdout.endswith("tables that changed: matches\n"), "as of the backup"


def test_a_source_without_a_server_is_named(matchday: RunCommand, snapshot: str) -> None:
    nowhere = {"MATCHDAY_SOURCES": "fpl", "MATCHDAY_FPL_URL": "http://127.0.0.1:9", "MATCHDAY_SNAPSHOT": snapshot}
    ended = matchday("data", "update", **nowhere)
    assert ended.code == 1 and ended.stdout.startswith("fpl: ") and "127.0.0.1:9" in ended.stdout


def test_sources_that_cannot_be_asked_are_refused(matchday: RunCommand) -> None:
    assert "no source bbc; there are: fpl" in matchday("data", "update", MATCHDAY_SOURCES="fpl,bbc").refusal
    lacking = matchday("data", "sources", MATCHDAY_SOURCES="football_data_org").refusal
    assert "football_data_org needs MATCHDAY_FOOTBALL_DATA_TOKEN" in lacking
