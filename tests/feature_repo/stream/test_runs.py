"""Law 2 on a small league: whatever a stream and its stores do, features are those of the batch path."""

import random
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_repo.error import FeatureStoreError
from feature_repo.stream.fact_place import open_fact_store
from feature_repo.stream.past import Past
from feature_repo.stream.processor import Processor
from feature_repo.streamed import StreamedRows
from feature_repo.writers import open_writer
from matchday.calendar import parse
from matchday.events import RESULTS
from matchday.features.team import FULL_TIME
from matchday.lake import Lake
from matchday.stream.messages import iso
from matchday.tables import Appearances, Matches
from tests.feature_repo.stream import small, world
from tests.feature_repo.stream.small import BEFORE, PAST, SEASON, Said
from tests.feature_repo.stream.world import Place

COUNT = 24


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return small.make_place(tmp_path)


def disturbed(chance: random.Random, count: int = COUNT) -> list[Said]:
    """A season in random order within each day, with doubles, and corrections that come late."""
    said: list[Said] = []
    late: list[Said] = []
    for one in world.shuffled_days(small.events(SEASON, count), chance):
        if chance.random() < 0.1:
            said.append(small.correct(one, 0, **({"home_goals": 9} if one[0] is RESULTS else {"xg": 3.5})))
            late.append(one)
        else:
            said.append(one)
        if chance.random() < 0.1:
            said.append(said[-1])
        if late and chance.random() < 0.05:
            said.append(late.pop(chance.randrange(len(late))))
    return said + late


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_disturbed_with_restarts_and_failures_at_any_step(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """A restart forgets all that was not durable: what was not flushed is delivered again, as Kafka does."""
    place, chance = small.make_place(tmp_path_factory.mktemp("run")), random.Random(seed)

    def fails() -> str:
        draw = chance.random()
        return "before" if draw < 0.03 else "after" if draw < 0.06 else ""

    processor = small.failing_processor(place, fails)
    records = world.records(disturbed(chance))
    done = at = 0
    while done < len(records):
        try:
            if at < len(records) and chance.random() < 0.6:
                size = chance.randrange(1, 220)
                processor.process(records[at : at + size])
                at = min(at + size, len(records))
            elif chance.random() < 0.5:
                processor.write_features()
            else:
                processor.flush()
                done = at
        except FeatureStoreError:
            if chance.random() < 0.3:
                processor, at = small.failing_processor(place, fails), done
        if chance.random() < 0.04:
            processor, at = small.failing_processor(place, fails), done
    small.check(place, small.batch_of(COUNT))


def test_rows_of_the_future_are_held_back_until_the_clock_passes(place: Place) -> None:
    """Also those of a day before, when the next thing that happens is a match of the day after."""
    said = small.events(SEASON, 2)
    first, second = small.matches(SEASON, 2)["kickoff"]
    assert first.date() < second.date()
    processor = place.processor()
    place.now = (first + timedelta(minutes=110)).timestamp()
    soon = [(topic, event._replace(time=iso(first + timedelta(minutes=109)))) for topic, event in said]
    one = [(topic, event) for topic, event in soon if event.data["match"] == small.matches(SEASON, 1)["match_id"][0]]
    small.play(processor, one)
    appended = StreamedRows(place.lake).newest(world.COLUMNS["team_form"], [SEASON])
    assert set(appended["event_time"]) == {pd.Timestamp("2024-06-01", tz="UTC")}
    place.now = (second + FULL_TIME + timedelta(days=2)).timestamp()
    small.play(processor, [pair for pair in soon if pair not in one])
    small.check(place, small.batch_of(2))


def test_time_alone_makes_rows_known(place: Place) -> None:
    said = small.events(SEASON, 1)
    kickoff = small.matches(SEASON, 1)["kickoff"][0]
    processor = place.processor()
    place.now = (kickoff + timedelta(minutes=119)).timestamp()
    small.play(processor, said)
    view = ("team_form", small.matches(SEASON, 1)["home"][0])
    assert world.read_online(place.online)[view]["last_kickoff"] < kickoff.timestamp()
    place.now = (kickoff + FULL_TIME).timestamp()
    processor.flush()
    assert world.read_online(place.online)[view]["last_kickoff"] == kickoff.timestamp()
    place.now = world.END
    processor.flush()
    small.check(place, small.batch_of(1))


@pytest.mark.parametrize("restart", [False, True])
def test_a_late_correction_of_one_season_changes_the_next(place: Place, tmp_path: Path, restart: bool) -> None:
    """Both seasons are streamed; the lake begins empty but for a few matches of the first one."""
    place = small.make_place(tmp_path / "two", {PAST: 5})
    processor = place.processor()
    old, new = small.events(PAST, 16), small.events(SEASON, 12)
    small.play(processor, [*old, *new])
    match = small.matches(PAST, 16)["match_id"][2]
    if restart:
        processor = place.processor()
        processor.start()
    small.play(processor, [small.correct(small.result_of(old, match), 2, home_goals=7)])
    played = pd.concat([small.matches(PAST, 16), small.matches(SEASON, 12)], ignore_index=True)
    played.loc[played["match_id"] == match, "home_goals"] = 7
    seen = pd.concat([small.appearances(PAST, 16), small.appearances(SEASON, 12)])
    small.check(place, small.batch(played, seen))
    world.check_offline(place.lake, small.batch(played, seen, PAST), PAST)


@pytest.mark.parametrize("running", [True, False], ids=["seen while it runs", "found at the next start"])
def test_a_correction_in_the_lake_of_an_earlier_season_is_taken_in(place: Place, running: bool) -> None:
    """The processor looks at the lake now and then; and at its start, as it may have changed meanwhile."""
    processor = place.processor()
    small.play(processor, small.events(SEASON, 8))
    small.check(place, small.batch_of(8))
    corrected = small.matches(PAST, BEFORE).copy()
    corrected.loc[3, "home_goals"] = 8
    Lake(place.lake).write(Matches, corrected)
    if not running:
        processor = place.processor()
        processor.start()
    processor.flush()
    played = pd.concat([corrected, small.matches(SEASON, 8)])
    small.check(place, small.batch(played, pd.concat([small.appearances(PAST, BEFORE), small.appearances(SEASON, 8)])))


def test_what_the_lake_newly_says_of_the_season_itself_is_taken_in_and_ranks_below_the_stream(place: Place) -> None:
    processor = place.processor()
    small.play(processor, small.events(SEASON, 6))
    known = pd.concat([small.matches(PAST, BEFORE), small.matches(SEASON, 9)], ignore_index=True)
    known.loc[BEFORE, "home_goals"] = 9
    Lake(place.lake).write(Matches, known)
    Lake(place.lake).write(Appearances, pd.concat([small.appearances(PAST, BEFORE), small.appearances(SEASON, 9)]))
    processor.flush()
    small.check(place, small.batch_of(9))


def test_a_refilled_online_store_gets_its_newest_rows_again(place: Place) -> None:
    processor = place.processor()
    small.play(processor, small.events(SEASON, 6))
    for path in place.online.parent.glob("online.db*"):  # type: ignore[union-attr]
        path.unlink()
    refills = [0]
    again = place.processor()
    again._writer.count_refills = lambda: refills[0]  # type: ignore[method-assign]
    again.flush()
    assert not place.online.exists()  # type: ignore[union-attr]
    refills[0] = 1
    again.flush()
    small.check(place, small.batch_of(6))


def test_teams_that_the_lake_newly_has_are_looked_up_at_once(place: Place) -> None:
    """Dead letters that are sent back right after the lake was mended must not come back once more."""
    lake = Lake(place.lake)
    teams = lake.read(small.Teams)
    lake.write(small.Teams, teams[teams["season"] == PAST])
    processor = place.processor()
    processor._recheck_seconds = 1e9
    processor.start()
    said = small.events(SEASON, 6)
    small.play(processor, said)
    assert {letter.data["reason"] for letter in place.letters} == {"unknown-season"}
    assert len(place.letters) == len(said)
    place.letters.clear()
    lake.write(small.Teams, teams)
    small.play(processor, said)
    small.check(place, small.batch_of(6))


def test_as_of_leaves_what_ended_later_to_the_stream(tmp_path: Path) -> None:
    place = small.make_place(tmp_path, {PAST: BEFORE, SEASON: 20})
    after = small.matches(SEASON, 20)["kickoff"][10]

    def processor(as_of: str) -> Processor:
        return Processor(
            open_fact_store(place.online),
            Past(place.lake, parse(as_of) if as_of else None),
            open_writer(place.online),
            StreamedRows(place.lake),
            place.letters,
            lambda: place.now,
            recheck_seconds=0.0,
        )

    known = int((small.matches(SEASON, 20)["kickoff"] + FULL_TIME <= after).sum())
    assert 0 < known < 20
    limited = processor(after.isoformat())
    small.play(limited, small.events(SEASON, known)[:1])
    small.check(place, small.batch_of(known))
    small.play(limited, small.events(SEASON, 20))
    small.check(place, small.batch_of(20))


def test_without_as_of_the_rest_of_the_lake_is_taken_in_too(tmp_path: Path) -> None:
    place = small.make_place(tmp_path, {PAST: BEFORE, SEASON: 12})
    after = small.matches(SEASON, 12)["kickoff"][5]
    first = place.processor()
    first._past._as_of = after.to_pydatetime()
    small.play(first, small.events(SEASON, 1))
    small.play(place.processor(), small.events(SEASON, 1))
    small.check(place, small.batch_of(12))


def test_a_withdrawn_result_that_was_never_said_changes_nothing(place: Place) -> None:
    said = small.events(SEASON, 6)
    unplayed = small.matches(SEASON, 7)["match_id"][6]
    topic, event = small.result_of(small.events(SEASON, 7), unplayed)
    small.play(place.processor(), [*said, small.correct((topic, event), 2, home_goals=None, away_goals=None)])
    small.check(place, small.batch_of(6))


def test_poison_in_between_disturbs_nothing(place: Place) -> None:
    records = world.records(small.events(SEASON, 6))
    bad = [
        record._replace(value=value, offset=record.offset)
        for record, value in zip(records, [b"{", None, b"x" * 5_000_000, b"{}"], strict=False)
    ]
    processor = place.processor()
    outcome = processor.process([*bad, *records])
    assert outcome.poison == {"no-event": 1, "size": 2, "schema": 1}
    assert outcome.received == len(records) + 4
    processor.flush()
    assert [letter.data["reason"] for letter in place.letters] == ["no-event", "size", "size", "schema"]
    place.letters.clear()
    small.check(place, small.batch_of(6))


def test_late_events_doubles_and_freshness_are_counted(place: Place) -> None:
    records = world.records(small.events(SEASON, 12))
    processor = place.processor()
    assert processor.process(records).known == 0
    again = processor.process(records[:10])
    assert (again.known, again.late) == (10, 10)
    outcome = processor.write_features()
    newest = {view: rows["event_time"].max().timestamp() for view, rows in small.batch_of(12).items()}
    assert outcome.newest == newest
    assert outcome.rows == {"team_form": 20, "team_ratings": 20, "team_strength": 20}
    assert processor.write_features().rows == {}


def test_while_the_online_store_is_away_nothing_piles_up(place: Place) -> None:
    """Each try that fails must leave no further rows in memory, and no offset is given out."""
    away = {"on": False}
    processor = small.failing_processor(place, lambda: "before" if away["on"] else "")
    processor.process(world.records(small.events(SEASON, 6)))
    processor._writer._fails = lambda: "before"  # type: ignore[attr-defined]
    for _ in range(5):
        with pytest.raises(FeatureStoreError):
            processor.flush()
    assert processor._streamed.waiting == 0
    processor._writer._fails = lambda: ""  # type: ignore[attr-defined]
    assert processor.flush()
    small.check(place, small.batch_of(6))
