"""A small league: a past of some matches, a season of some more, and what the batch path makes of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from feature_repo.error import FeatureStoreError
from feature_repo.stream.dead_letters import DeadLetterBox
from feature_repo.stream.fact_place import open_fact_store
from feature_repo.stream.fact_store import FactStore
from feature_repo.stream.past import Past
from feature_repo.stream.processor import Processor
from feature_repo.streamed import StreamedRows
from feature_repo.writers import OnlineWriter, open_writer
from matchday.events import RESULTS, CloudEvent, Topic
from matchday.lake import Lake
from matchday.stream.messages import match_events, stream_event
from matchday.tables import Appearances, Matches, Teams
from tests import league
from tests.feature_repo.stream import world
from tests.feature_repo.stream.world import Letters, Place

PAST, SEASON = world.PAST[0], world.SEASON
BEFORE = 30
"""Matches of the past season."""

Said = tuple[Topic, CloudEvent]


@cache
def matches(season: str, count: int) -> pd.DataFrame:
    """The first matches of a season."""
    return league.some(Matches, [season]).sort_values(["kickoff", "match_id"], ignore_index=True).head(count)


@cache
def appearances(season: str, count: int) -> pd.DataFrame:
    """The appearances in them."""
    rows = league.some(Appearances, [season])
    return rows[rows["match_id"].isin(matches(season, count)["match_id"])].reset_index(drop=True)


def make_place(folder: Path, streamed: Mapping[str, int] | None = None) -> Place:
    """A lake with the past season, or with the first matches of others, and where a processor keeps things."""
    lake = Lake(str(folder / "lake"))
    there = {PAST: BEFORE} if streamed is None else dict(streamed)
    lake.write(Matches, pd.concat([matches(season, count) for season, count in there.items()]))
    lake.write(Appearances, pd.concat([appearances(season, count) for season, count in there.items()]))
    lake.write(Teams, league.some(Teams, [PAST, SEASON]))
    return Place(str(folder / "lake"), folder / "online.db", Letters())


@cache
def events(season: str, count: int) -> tuple[Said, ...]:
    """The events of a season's first matches, in order."""
    return tuple(match_events(matches(season, count), appearances(season, count), "/test", 1))


def batch(played: pd.DataFrame, seen: pd.DataFrame, season: str = SEASON) -> dict[str, pd.DataFrame]:
    """What the batch path makes of a season. played, seen: all matches and appearances there are."""
    return world.tables_of(played, seen, league.some(Teams, [PAST, SEASON]), season)


@cache
def batch_of(count: int, before: int = BEFORE) -> dict[str, pd.DataFrame]:
    """The same of the season's first matches and those of the past."""
    return batch(
        pd.concat([matches(PAST, before), matches(SEASON, count)]),
        pd.concat([appearances(PAST, before), appearances(SEASON, count)]),
    )


def correct(said: Said, revision: int, **data: Any) -> Said:
    """A further revision of an event, with other data."""
    topic, event = said
    time = datetime.fromisoformat(event.time) + timedelta(seconds=revision)
    return topic, stream_event(topic, {**event.data, **data, "revision": revision}, time, "/test")


def result_of(said: Sequence[Said], match: str) -> Said:
    """The event of a match's result."""
    return next(one for one in said if one[0] is RESULTS and one[1].data["match"] == match)


def check(place: Place, expected: dict[str, pd.DataFrame], season: str = SEASON) -> None:
    """Online and appended rows of a season are those of the batch path, bit by bit, and nothing was poison."""
    world.check_offline(place.lake, expected, season)
    world.check_online(world.read_online(place.online), expected)
    assert not place.letters


def play(processor: Processor, said: Iterable[Said], size: int = 200) -> None:
    """Process events in batches and flush."""
    records = world.records(said)
    for at in range(0, len(records), size):
        processor.process(records[at : at + size])
        processor.write_features()
    processor.flush()


class Failing:
    """Stands before a store: every call whose turn has come raises, before or after it is done."""

    def __init__(self, inner: Any, fails: Any) -> None:
        self._inner, self._fails = inner, fails

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*arguments: Any) -> Any:
            when = self._fails()
            if when == "before":
                raise FeatureStoreError("a test lets this fail")
            done = found(*arguments)
            if when == "after":
                raise FeatureStoreError("a test lets this fail, although it was done")
            return done

        return call


def failing_processor(place: Place, fails: Any) -> Processor:
    """A processor of a place whose store, writer and appended rows fail now and then."""
    store: FactStore = Failing(open_fact_store(place.online), fails)  # type: ignore[assignment]
    writer: OnlineWriter = Failing(open_writer(place.online), fails)  # type: ignore[assignment]
    streamed: StreamedRows = Failing(StreamedRows(place.lake), fails)  # type: ignore[assignment]
    letters: DeadLetterBox = Failing(place.letters, fails)  # type: ignore[assignment]
    return Processor(store, Past(place.lake), writer, streamed, letters, lambda: place.now, recheck_seconds=0.0)
