"""A season played again from the lake: every event valid, in event time, with its pauses."""

from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from matchday.events import PLAYER_STATS, RESULTS, EventsError
from matchday.events.validation import complaint
from matchday.features.team import FULL_TIME
from matchday.lake import Lake
from matchday.stream.messages import stream_event
from matchday.stream.replay import AT_ONCE, REVISION, ReplayError, paced, season_events
from matchday.tables import Appearances, Matches
from tests import league

SEASON = "2425"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("replay")
    Lake(str(folder)).write(Matches, league.some(Matches, [SEASON]))
    Lake(str(folder)).write(Appearances, league.some(Appearances, [SEASON]))
    return str(folder)


def matches(gameweek: int) -> pd.DataFrame:
    rows = league.some(Matches, [SEASON])
    return rows[rows["gameweek"] == gameweek].sort_values(["kickoff", "match_id"])


def test_a_gameweek_is_all_its_events_in_order_and_valid(lake: str) -> None:
    events = list(season_events(lake, SEASON, 3))
    played, seen = matches(3), league.some(Appearances, [SEASON])
    assert [event.data["match"] for topic, event in events if topic is RESULTS] == list(played["match_id"])
    assert len(events) == len(played) + seen["match_id"].isin(played["match_id"]).sum()
    assert len({event.id for _, event in events}) == len(events)
    ended = {row.match_id: row.kickoff + FULL_TIME for row in played.itertuples()}
    times = [datetime.fromisoformat(event.time) for _, event in events]
    assert times == sorted(times)
    for topic, event in events:
        assert complaint(topic, event.data) == ""
        assert datetime.fromisoformat(event.time) == ended[event.data["match"]]
        assert (event.key, event.data["revision"], event.type) == (event.data["match"], REVISION, topic.type)
    of_first = [topic for topic, event in events if event.data["match"] == played["match_id"].iloc[0]]
    assert of_first == [PLAYER_STATS] * (len(of_first) - 1) + [RESULTS]


def test_a_player_s_statistics_are_the_lake_s(lake: str) -> None:
    [*_, (_, event)] = [pair for pair in season_events(lake, SEASON, 1) if pair[0] is PLAYER_STATS]
    rows = league.some(Appearances, [SEASON])
    row = rows[(rows["match_id"] == event.data["match"]) & (rows["player"] == event.data["player"])].iloc[0]
    for name in ("minutes", "goals", "bps", "threat", "xg", "saves"):
        assert event.data[name] == row[name]
    assert event.data["tackles"] is None


def test_pauses_are_those_of_event_time_by_the_speed(lake: str) -> None:
    pauses: list[float] = []
    batches = list(paced(season_events(lake, SEASON, 1), 60.0, pauses.append))
    assert [pair for batch in batches for pair in batch] == list(season_events(lake, SEASON, 1))
    moments = matches(1)["kickoff"].drop_duplicates()
    assert pauses == [gap.total_seconds() / 60 for gap in moments.diff().dropna()]
    for batch in batches:
        assert len({event.time for _, event in batch}) == 1
        assert len(batch) <= AT_ONCE


def test_a_batch_is_handed_on_before_the_pause_that_follows_it(lake: str) -> None:
    log: list[str] = []
    log.extend(batch[0][1].time for batch in paced(season_events(lake, SEASON, 1), 1.0, lambda _: log.append("pause")))
    first, second = sorted(set(log) - {"pause"})[:2]
    assert log.index(first) < log.index("pause") < log.index(second)


def test_without_a_speed_there_is_no_pause(lake: str) -> None:
    def fail(seconds: float) -> None:
        raise AssertionError(seconds)

    assert sum(map(len, paced(season_events(lake, SEASON, 1), 0, fail))) > 300
    assert list(paced(iter(()), 1.0, fail)) == []


def test_what_the_lake_does_not_have_is_told(lake: str, tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="no season 1011; it has 2425"):
        season_events(lake, "1011")
    Lake(str(tmp_path / "part")).write(Matches, matches(1))
    Lake(str(tmp_path / "part")).write(Appearances, league.some(Appearances, [SEASON]))
    with pytest.raises(ReplayError, match="no gameweek 38"):
        season_events(str(tmp_path / "part"), SEASON, 38)
    with pytest.raises(ReplayError, match="matchday pipeline run ingest"):
        season_events(str(tmp_path / "empty"), SEASON)


@pytest.mark.parametrize("changed", [{"home_goals": -1}, {"match": "25-ARS"}, {"revision": None}, {"kickoff": "today"}])
def test_what_breaks_the_schema_becomes_no_event(changed: dict[str, object]) -> None:
    good = {
        "match": "2425-ARS-LIV",
        "kickoff": "2025-01-01T15:00:00Z",
        "home_goals": 1,
        "away_goals": 0,
        "gameweek": None,
        "revision": 3,
    }
    moment = datetime.fromisoformat("2025-01-01T17:00:00Z")
    assert stream_event(RESULTS, good, moment, "/test").id == "result:2425-ARS-LIV:3"
    with pytest.raises(EventsError, match=next(iter(changed))):
        stream_event(RESULTS, good | changed, moment + timedelta(), "/test")
