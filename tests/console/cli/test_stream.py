"""`matchday stream ...`: the commands on a small lake without Kafka, and what they say when something is wrong."""

import json
from pathlib import Path

import pandas as pd
import pytest

from feature_repo.stream.opening import FileLetters
from feature_repo.streamed import StreamedRows
from feature_repo.writers import FeatureRow, open_writer
from matchday.events import PLAYER_STATS, RESULTS
from matchday.lake import Lake
from matchday.tables import Appearances, Matches, TeamForm, Teams
from tests import league
from tests.console.conftest import RunCommand
from tests.feature_repo.stream import small
from tests.feature_repo.stream.small import BEFORE, PAST, SEASON
from tests.feature_repo.stream.test_redrive import letter
from tests.services.processes import free_port

COUNT = 20


@pytest.fixture
def lake(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two seasons' first matches, and the settings of a machine without Kafka."""
    place = small.make_place(tmp_path, {PAST: BEFORE, SEASON: COUNT})
    monkeypatch.setenv("MATCHDAY_LAKE", place.lake)
    monkeypatch.setenv("MATCHDAY_ONLINE_STORE", str(tmp_path / "online.db"))
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    return place.lake


def letters_of(home: Path) -> Path:
    return home / "stream" / "dead-letters.jsonl"


def test_a_season_is_played_and_verified(matchday: RunCommand, lake: str) -> None:
    played = matchday("stream", "replay", "--season", "2024/25")
    assert played.code == 0, played
    results, statistics = COUNT, len(small.appearances(SEASON, COUNT))
    assert f"{results:,} to {RESULTS.name}" in played.stdout
    assert f"{statistics:,} to {PLAYER_STATS.name}" in played.stdout
    verified = matchday("stream", "verify", "--season", SEASON)
    assert (verified.code, "all are those of the batch path\n" in verified.stdout) == (0, True), verified
    told = json.loads(matchday("stream", "verify", "--json").stdout)
    assert (told["season"], told["differing"]) == (SEASON, [])
    assert told["online"] == 20 * sum(len(rows.columns) - 2 for rows in small.batch_of(COUNT).values())
    assert told["appended"] > told["online"]


def test_a_value_that_differs_is_shown_and_the_exit_code_says_so(matchday: RunCommand, lake: str) -> None:
    assert matchday("stream", "replay", "--season", SEASON, "--gameweek", "1").code == 0
    row = StreamedRows(lake).newest(TeamForm, [SEASON]).to_dict("records")[-1]
    wrong = StreamedRows(lake)
    wrong.append(TeamForm, [{**row, "goals_for_5": 77.0}], pd.Timestamp("2030-01-01", tz="UTC").to_pydatetime(), 2**60)
    wrong.flush()
    ended = matchday("stream", "verify")
    assert ended.code == 1
    assert f"differs: appended team_form {row['team']} {row['event_time']}" in ended.stdout
    assert "goals_for_5: 77.0, by batch" in ended.stdout
    assert ended.stdout.endswith("1 differ\n")
    assert len(json.loads(matchday("stream", "verify", "--json").stdout)["differing"]) == 1


def test_letters_of_a_file_go_back_after_the_lake_was_mended(matchday: RunCommand, lake: str, home: Path) -> None:
    teams = league.some(Teams, [PAST, SEASON])
    Lake(lake).write(Teams, teams[teams["season"] == PAST])
    assert matchday("stream", "replay", "--season", SEASON, "--gameweek", "1").code == 0
    count = len(letters_of(home).read_text().splitlines())
    assert count > 300
    assert "nothing was streamed" in matchday("stream", "verify").refusal
    Lake(lake).write(Teams, teams)
    FileLetters(letters_of(home)).send([letter()])
    told = json.loads(matchday("stream", "redrive", "--json").stdout)
    assert sum(told["sent"].values()) == count + 1
    assert told["left"] == {}
    assert matchday("stream", "verify").code == 0
    again = matchday("stream", "redrive")
    assert (again.code, again.stdout) == (0, "1 sent back\n")  # that of a team that is not there came back


def test_letters_that_cannot_go_back_are_told(matchday: RunCommand, lake: str, home: Path) -> None:
    letters_of(home).parent.mkdir(parents=True)
    letters_of(home).write_text("{\n")
    ended = matchday("stream", "redrive")
    assert (ended.code, ended.stdout) == (0, "0 sent back\n1 left: no dead letter\n")


@pytest.mark.parametrize(
    ("season", "said"),
    [("1011", "no season 1011"), ("2023/24x", "is no season"), ("24", "is no season"), ("٢٠٢٤", "is no season")],
)
def test_a_season_that_is_none_is_told(matchday: RunCommand, lake: str, season: str, said: str) -> None:
    ended = matchday("stream", "replay", "--season", season)
    assert ended.code == 2
    assert said in ended.stderr and "Traceback" not in ended.stderr


def test_a_gameweek_without_results_is_told(matchday: RunCommand, lake: str) -> None:
    assert "no gameweek 38" in matchday("stream", "replay", "--season", SEASON, "--gameweek", "38").refusal


def test_a_lake_without_history_is_told(matchday: RunCommand, tmp_path: Path) -> None:
    empty = {"MATCHDAY_LAKE": str(tmp_path / "none"), "MATCHDAY_ONLINE_STORE": str(tmp_path / "online.db")}
    assert "matchday pipeline run ingest" in matchday("stream", "replay", "--season", SEASON, **empty).refusal
    assert "nothing was streamed" in matchday("stream", "verify").refusal


def test_a_store_that_cannot_be_used_is_told(matchday: RunCommand, lake: str, tmp_path: Path) -> None:
    (tmp_path / "stream.db").write_bytes(b"no database, but long enough to be taken for a header" * 40)
    ended = matchday("stream", "replay", "--season", SEASON, "--gameweek", "1")
    assert "stream.db" in ended.refusal


@pytest.mark.parametrize("command", ["process", "topics"])
def test_what_needs_kafka_says_so_without_an_address(matchday: RunCommand, lake: str, command: str) -> None:
    assert "MATCHDAY_KAFKA_BOOTSTRAP_SERVERS" in matchday("stream", command).refusal


@pytest.mark.parametrize("command", [("process",), ("topics",), ("redrive",), ("replay", "--season", SEASON)])
@pytest.mark.parametrize(
    ("address", "said"), [("kafka://nowhere", "'nowhere' is no address of a Kafka broker"), ("redis://x", "no address")]
)
def test_an_address_that_is_wrong_is_told(
    matchday: RunCommand, lake: str, command: tuple[str, ...], address: str, said: str
) -> None:
    assert said in matchday("stream", *command, MATCHDAY_STREAM_EVENTS=address).refusal


@pytest.mark.parametrize("command", ["topics", "redrive"])
def test_a_kafka_that_does_not_answer_is_told(matchday: RunCommand, lake: str, command: str) -> None:
    refused = matchday("stream", command, MATCHDAY_STREAM_EVENTS=f"kafka://127.0.0.1:{free_port()}").refusal
    assert "Kafka at 127.0.0.1" in refused


def test_a_file_is_nothing_to_process(matchday: RunCommand, lake: str, tmp_path: Path) -> None:
    ended = matchday("stream", "process", MATCHDAY_STREAM_EVENTS=f"file:{tmp_path}/events.jsonl")
    assert "set MATCHDAY_STREAM_EVENTS to kafka://HOST:PORT" in ended.refusal


def test_a_date_that_is_none_is_told(matchday: RunCommand, lake: str) -> None:
    ended = matchday("stream", "replay", "--season", SEASON, MATCHDAY_STREAM_AS_OF="next Monday")
    assert "next Monday" in ended.refusal


def test_a_setting_out_of_bounds_is_told(matchday: RunCommand, lake: str) -> None:
    ended = matchday("stream", "process", MATCHDAY_STREAM_MOST="0", MATCHDAY_STREAM_EVENTS="kafka://127.0.0.1:9")
    assert "MATCHDAY_STREAM_MOST" in ended.refusal.upper()


def test_an_online_value_that_differs_is_shown(matchday: RunCommand, lake: str, tmp_path: Path) -> None:
    assert matchday("stream", "replay", "--season", SEASON, "--gameweek", "1").code == 0
    row = small.batch_of(COUNT)["team_ratings"].to_dict("records")[-1]
    values = {name: value for name, value in row.items() if name not in ("season", "team", "event_time")}
    wrong = FeatureRow(
        "team_ratings", "team", row["team"], row["event_time"].timestamp(), 2**60, {**values, "elo": 1.0}
    )
    open_writer(tmp_path / "online.db").write([wrong])
    ended = matchday("stream", "verify")
    assert ended.code == 1
    assert f"differs: online team_ratings {row['team']} elo: 1.0, by batch" in ended.stdout


def test_the_tables_of_the_lake_are_left_as_they_are(matchday: RunCommand, lake: str) -> None:
    before = Lake(lake).read(Matches), Lake(lake).read(Appearances)
    assert matchday("stream", "replay", "--season", SEASON, "--gameweek", "1").code == 0
    for rows, now in zip(before, (Lake(lake).read(Matches), Lake(lake).read(Appearances)), strict=True):
        pd.testing.assert_frame_equal(rows, now)
