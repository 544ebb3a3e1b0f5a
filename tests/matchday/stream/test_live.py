"""The live producer against the stand-in of the game: only what changed is sent, with revisions that grow."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from console.demo.upstream.faults import Fault
from console.demo.upstream.server import UpstreamServer
from matchday.events import PLAYER_STATS, RESULTS, CloudEvent, Topic
from matchday.events.validation import complaint
from matchday.sources import fpl
from matchday.sources.upstream import SourceError
from matchday.stream.emitted import Emitted
from matchday.stream.live import RECENT, poll
from matchday.tables.observed import ObservedFixtures
from tests.matchday.sources.conftest import SATURDAY, SEASON, Sources, listening, server, sources
from tests.services.upstream.bundled import small_season

__all__ = ["listening", "server", "sources"]  # fixtures

Events = list[tuple[Topic, CloudEvent]]
Poll = Callable[..., Events]
BEFORE, AFTER = SATURDAY.replace(hour=11), SATURDAY.replace(hour=23)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stream" / "emitted.json"


@pytest.fixture
def ask(server: UpstreamServer, sources: Sources, path: Path) -> Poll:
    """Polls at an instant, as a process that has just been started, and keeps what it said."""
    server.reset(small_season(SEASON), SATURDAY)

    def poll_at(now: datetime, keep: bool = True, clock: datetime | None = None) -> Events:
        server.now = now
        emitted = Emitted(path)
        events = poll(sources.fpl(), emitted, clock or now)
        if keep:
            emitted.keep()
        for topic, event in events:
            assert complaint(topic, event.data) == ""
            assert (event.type, event.key) == (topic.type, event.data["match"])
        assert len({event.id for _, event in events}) == len(events)
        return events

    return poll_at


def of(events: Events, topic: Topic) -> list[CloudEvent]:
    return [event for one, event in events if one is topic]


def test_the_first_poll_says_all_results_and_the_statistics_of_the_last_days(ask: Poll, server: UpstreamServer) -> None:
    events = ask(AFTER)
    season = small_season(SEASON)
    finished = {match.match_id for match in season.matches if season.phase(match, AFTER) in ("finished", "provisional")}
    assert {event.data["match"] for event in of(events, RESULTS)} == finished
    recent = {match.match_id for match in season.matches if AFTER - RECENT <= match.kickoff <= AFTER}
    assert {event.data["match"] for event in of(events, PLAYER_STATS)} == recent
    assert [topic for topic, _ in events] == sorted((topic for topic, _ in events), key=lambda one: one is RESULTS)
    for event in of(events, RESULTS):
        match = season.by_id[event.data["match"]]
        assert (event.data["home_goals"], event.data["away_goals"]) == (match.home_goals, match.away_goals)
        assert datetime.fromisoformat(event.data["kickoff"]) == match.kickoff


def test_nothing_new_says_nothing_also_after_a_restart(ask: Poll) -> None:
    assert ask(AFTER)
    assert ask(AFTER) == []
    assert ask(AFTER + timedelta(minutes=5)) == []


def test_what_was_not_delivered_is_said_again_under_a_further_revision(ask: Poll) -> None:
    first, again = ask(AFTER, keep=False), ask(AFTER + timedelta(minutes=1))
    assert [event.data | {"revision": 0} for _, event in first] == [event.data | {"revision": 0} for _, event in again]
    assert all(one.data["revision"] < other.data["revision"] for (_, one), (_, other) in zip(first, again, strict=True))


def test_a_match_that_goes_on_says_what_changed_with_growing_revisions(ask: Poll) -> None:
    """The clock of the producer goes back once: revisions grow all the same."""
    ask(BEFORE)
    revisions: dict[str, int] = {}
    said: dict[str, dict[str, object]] = {}
    begun = SATURDAY.replace(hour=15)
    for minutes, clock in ((30, 30), (75, 75), (80, 60), (480, 480)):
        events = ask(begun + timedelta(minutes=minutes), clock=begun + timedelta(minutes=clock))
        assert events
        for topic, event in events:
            subject = f"{topic.name} {event.data['match']} {event.data.get('player')}"
            content = {name: value for name, value in event.data.items() if name != "revision"}
            assert event.data["revision"] > revisions.get(subject, -1)
            assert content != said.get(subject)
            revisions[subject], said[subject] = event.data["revision"], content
    assert any("results" in subject for subject in said)


def test_no_result_is_said_before_the_whistle(ask: Poll) -> None:
    ask(BEFORE)
    events = ask(SATURDAY.replace(hour=15) + timedelta(minutes=60))
    assert of(events, PLAYER_STATS)
    live = {event.data["match"] for event in of(events, PLAYER_STATS)}
    assert not live & {event.data["match"] for event in of(events, RESULTS)}


@pytest.mark.parametrize("date", [None, AFTER + timedelta(days=20)], ids=["without a date", "put off"])
def test_a_result_that_is_withdrawn_is_said_without_goals(
    ask: Poll, monkeypatch: pytest.MonkeyPatch, date: datetime | None
) -> None:
    events = ask(AFTER)
    match = of(events, RESULTS)[-1].data["match"]
    listed = fpl.collect_listed

    def withdrawn(upstream: object) -> object:
        given, listing = listed(upstream)  # type: ignore[arg-type]
        fixtures = given.tables[ObservedFixtures].copy()
        row = fixtures["match_id"] == match
        fixtures.loc[row, ["home_goals", "away_goals"]] = pd.NA
        fixtures.loc[row, "status"] = "postponed" if date is None else "scheduled"
        fixtures.loc[row, "kickoff"] = pd.NaT if date is None else pd.Timestamp(date)
        return replace(given, tables={**given.tables, ObservedFixtures: fixtures}), listing

    with monkeypatch.context() as patch:
        patch.setattr("matchday.stream.live.fpl.collect_listed", withdrawn)
        [(topic, event)] = ask(AFTER + timedelta(minutes=1))
        assert ask(AFTER + timedelta(minutes=2)) == []
    assert (topic, event.data["match"]) == (RESULTS, match)
    assert event.data["home_goals"] is event.data["away_goals"] is None
    [(_, back)] = ask(AFTER + timedelta(minutes=3))
    assert back.data["home_goals"] is not None
    assert back.data["revision"] > event.data["revision"]


@pytest.mark.parametrize(
    "content", ["", "{", "[1, 2]", '{"2526-ARS-LIV": 3}', '{"2526-ARS-LIV": ["x", "y"]}', "\x00", '{"a": [1, 2, 3]}']
)
def test_a_file_that_is_damaged_makes_all_be_said_again_above_what_was(ask: Poll, path: Path, content: str) -> None:
    before = ask(AFTER)
    path.write_text(content)
    after = ask(AFTER + timedelta(seconds=1))
    assert len(after) == len(before)
    assert max(event.data["revision"] for _, event in before) < min(event.data["revision"] for _, event in after)
    assert ask(AFTER + timedelta(seconds=2)) == []


def test_what_breaks_the_schema_is_not_sent_and_all_else_is(ask: Poll, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = ask(AFTER, keep=False)
    listed = fpl.collect_listed
    match = of(everything, RESULTS)[0].data["match"]

    def broken(upstream: object) -> object:
        given, listing = listed(upstream)  # type: ignore[arg-type]
        fixtures = given.tables[ObservedFixtures].copy()
        fixtures.loc[fixtures["match_id"] == match, "home_goals"] = 31
        return replace(given, tables={**given.tables, ObservedFixtures: fixtures}), listing

    with monkeypatch.context() as patch:
        patch.setattr("matchday.stream.live.fpl.collect_listed", broken)
        sent = ask(AFTER)
    assert {event.data["match"] for event in of(everything, RESULTS)} - {
        event.data["match"] for event in of(sent, RESULTS)
    } == {match}
    [(_, mended)] = ask(AFTER)
    assert mended.data["match"] == match


def test_a_source_that_fails_is_an_error_and_says_nothing(ask: Poll, server: UpstreamServer, path: Path) -> None:
    server.faults.plan(Fault.HTML, "/api/fixtures/", times=99)
    with pytest.raises(SourceError):
        ask(AFTER)
    assert not path.exists()
    server.faults.clear()
    assert ask(AFTER)


def test_emitted_numbers_from_a_moment_on_and_keeps_nothing_without_a_file(tmp_path: Path) -> None:
    emitted = Emitted()
    data = {"match": "2526-ARS-LIV", "home_goals": 1}
    [(_, first)] = emitted.changed([(RESULTS, data)], 100)
    assert (first["revision"], emitted.changed([(RESULTS, data)], 200)) == (100, [])
    [(_, second)] = emitted.changed([(RESULTS, data | {"home_goals": 2})], 50)
    assert second["revision"] == 101
    assert emitted.results() == ["2526-ARS-LIV"]
    emitted.changed([(PLAYER_STATS, {"match": "2526-ARS-LIV", "player": 4})], 0)
    assert emitted.results() == ["2526-ARS-LIV"]
    emitted.keep()
    assert list(tmp_path.iterdir()) == []
    kept = Emitted(tmp_path / "a" / "emitted.json")
    kept.changed([(RESULTS, data)], 7)
    kept.keep()
    [(_, revision)] = json.loads((tmp_path / "a" / "emitted.json").read_text()).values()
    assert revision == 7
