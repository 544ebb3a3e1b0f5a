"""A round streams in while a server answers: its forecasts become those of the batch path's features, in one trace."""

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from console.cli import demo_stream
from console.demo import streamed_round
from console.demo.streamed_round import NoRound, last_round
from feature_repo.stream.opening import Feed
from matchday import telemetry
from matchday.calendar import Gameweek, next_gameweek
from matchday.errors import MatchdayError
from matchday.lake import Lake
from matchday.settings import Settings
from matchday.tables import Appearances, Fixtures, Matches, Teams
from serving.storage import StoredBundle
from tests import league
from tests.console.conftest import Printed
from tests.feature_repo.stream import world
from tests.lines import whole_lines
from tests.matchday.forecasts.league_ahead import outcome_bundle
from tests.services.processes import free_port

SEASONS = ("2425", "2526")
AS_OF = datetime(2026, 5, 24, tzinfo=UTC)
SINCE = datetime(2026, 5, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of two seasons."""
    folder = tmp_path_factory.mktemp("league") / "lake"
    for table in (Matches, Appearances, Teams):
        Lake(str(folder)).write(table, league.some(table, SEASONS))
    return folder


@pytest.fixture
def gameweek(home: Path, lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gameweek:
    """Gameweek 38, with a champion that knows nothing of it, in a home with that lake."""
    outcome_bundle(tmp_path / "bundle", trained_until="2026-05-20T00:00:00+00:00")
    monkeypatch.setattr(streamed_round, "fetch", lambda *_: StoredBundle(tmp_path / "bundle", "match-outcome", "7"))
    shutil.copytree(lake, home / "lake")
    return next_gameweek(league.some(Fixtures, SEASONS), AS_OF)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_forecasts_follow_the_stream(home: Path, gameweek: Gameweek, printed: Printed) -> None:
    mine = files_of(home / "lake")
    telemetry.start("test")
    try:
        with telemetry.span("demo"):
            said = printed.by(demo_stream.play_stream, gameweek, free_port())
    finally:
        telemetry.shutdown()
    assert "features as of 2026-05-15 00:00 UTC, before gameweek 37" in said
    assert len(re.findall(r"^  1\d May \d\d:\d\d  [A-Z]{3} \d-\d [A-Z]{3}  \d+ events", said, re.MULTILINE)) == 10
    moved = re.findall(r"^[A-Z]{3} - [A-Z]{3} +(?:[\d.]+% -> [\d.]+% +){3}([\d.]+)%$", said, re.MULTILINE)
    assert len(moved) == 10 and all(float(share) > 0 for share in moved)
    assert re.search(r"500 online and 38,760 appended values of the season compared: all are those", said)
    check_online(home / "demonstration" / "stream" / "feast" / "online.db")
    trace = re.search(r"trace ([0-9a-f]{32})", said)
    assert trace
    check_trace(home, trace[1])
    assert files_of(home / "lake") == mine
    assert not Settings().online_file.exists()  # type: ignore[union-attr]


def check_online(store: Path) -> None:
    """The store holds what the batch path makes of all matches that had ended by then."""
    matches, appearances = (league.some(table, SEASONS) for table in (Matches, Appearances))
    ended = matches[matches["kickoff"] < AS_OF]
    played = appearances[appearances["match_id"].isin(ended["match_id"])]
    world.check_online(world.read_online(store), world.tables_of(ended, played, league.some(Teams, SEASONS), "2526"))


def check_trace(home: Path, trace: str) -> None:
    """The last match's events, their processing, the features and the answer are one trace; processing names events."""
    spans = [
        json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
        for line in whole_lines(home / "telemetry" / "traces.jsonl")
    ]
    ours = {span["spanId"]: span for span in spans if span["traceId"] == trace}
    last = max((span for span in ours.values() if span["name"] == "match"), key=lambda span: span["startTimeUnixNano"])
    below = [span for span in ours.values() if span.get("parentSpanId") == last["spanId"]]
    assert {"send", "process", "write features", "ask"} <= {span["name"] for span in below}
    (send,) = (span for span in below if span["name"] == "send")
    (process,) = (span for span in below if span["name"] == "process")
    assert {link["spanId"] for link in process["links"]} == {send["spanId"]}
    asked = {span["spanId"] for span in below if span["name"] == "ask"}
    assert {
        span.get("parentSpanId") for span in ours.values() if span["name"] == "POST /v2/models/{model}/infer"
    } & asked


def test_a_season_of_which_nothing_was_played_is_online(home: Path, lake: Path) -> None:
    """As before the first round of a season."""
    shutil.copytree(lake, home / "lake")
    Feed(Settings(), datetime(2025, 8, 15, tzinfo=UTC)).start("2526")
    teams = set(league.some(Teams, ["2526"])["team"])
    assert set(world.read_online(home / "feast" / "online.db")) == {
        (view, team) for view in world.COLUMNS for team in teams
    }


def test_a_champion_from_the_future_forecasts_nothing(gameweek: Gameweek, tmp_path: Path) -> None:
    outcome_bundle(tmp_path / "bundle", trained_until="2026-05-24T00:00:01+00:00")
    with pytest.raises(MatchdayError, match="learnt from after 2026-05-24"), streamed_round.open_round(gameweek, 0):
        pass


def test_before_the_first_match_of_a_season_there_is_nothing_to_stream(gameweek: Gameweek, printed: Printed) -> None:
    early = next_gameweek(league.some(Fixtures, SEASONS), datetime(2025, 8, 1, tzinfo=UTC))
    said = printed.by(demo_stream.play_stream, early, 0)
    assert "no match of the season had ended by 2025-08-01: there is nothing to stream" in said


@pytest.mark.parametrize(
    ("as_of", "count", "since"),
    [
        ("2026-05-24T00:00", 10, "2026-05-15"),
        ("2026-05-19T20:30", 10, "2026-05-13"),  # one match has just ended, one is under way
        ("2026-05-19T20:29", 10, "2026-05-11"),
        ("2025-08-15T21:00", 1, "2025-08-15"),
    ],
)
def test_a_round_is_the_last_ten_matches_and_their_first_day(as_of: str, count: int, since: str) -> None:
    matches = league.some(Matches, ["2526"])
    moment = datetime.fromisoformat(as_of).replace(tzinfo=UTC)
    found, start = last_round(matches, moment)
    assert start == pd.Timestamp(since, tz="UTC")
    assert len(found) >= count and (found["kickoff"] >= start).all()
    assert (found["kickoff"] <= moment - pd.Timedelta(hours=2)).all()
    later = found[found["kickoff"] >= start + pd.Timedelta(days=1)]
    assert len(later) < 10


def test_without_an_ended_match_there_is_no_round() -> None:
    with pytest.raises(NoRound):
        last_round(league.some(Matches, ["2526"]), datetime(2025, 8, 15, 20, 59, tzinfo=UTC))


def test_movement_is_what_went_to_other_outcomes() -> None:
    assert demo_stream.movement((0.5, 0.3, 0.2), (0.4, 0.35, 0.25)) == pytest.approx(0.1)
    assert demo_stream.movement((0.5, 0.3, 0.2), (0.5, 0.3, 0.2)) == 0
