"""A past season played again from the lake, in event time."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from matchday.errors import MatchdayError
from matchday.events import CloudEvent, Topic
from matchday.lake import Lake
from matchday.lake.reader import LakeReader
from matchday.stream.messages import match_events
from matchday.tables import Appearances, Matches

SOURCE = "/matchday/stream/replay"
REVISION = 1
"""Of all events of a replay: above what the lake itself says, below every live correction."""

AT_ONCE = 500
"""Events that are handed on together at most."""


class ReplayError(MatchdayError):
    """A season or gameweek that the lake does not have."""


def season_events(lake: str, season: str, gameweek: int | None = None) -> Iterator[tuple[Topic, CloudEvent]]:
    """The events of a season's matches, or of those of one gameweek, in order. Raises ReplayError, LakeError."""
    known = sorted(LakeReader(lake).seasons("matches"))
    if season not in known:
        there = ", ".join(known) if known else "none: run 'matchday pipeline run ingest'"
        raise ReplayError(f"the lake has no season {season}; it has {there}")
    matches, appearances = Lake(lake).read(Matches, [season]), Lake(lake).read(Appearances, [season])
    if gameweek is not None:
        matches = matches[matches["gameweek"] == gameweek]
        if matches.empty:
            raise ReplayError(f"season {season} has no gameweek {gameweek} with results")
    return match_events(matches, appearances[appearances["match_id"].isin(matches["match_id"])], SOURCE, REVISION)


def paced(
    events: Iterator[tuple[Topic, CloudEvent]], speed: float, sleep: Callable[[float], None] = time.sleep
) -> Iterator[list[tuple[Topic, CloudEvent]]]:
    """The events in batches, with the pauses of their event times divided by `speed`; without pauses for speed 0."""
    batch: list[tuple[Topic, CloudEvent]] = []
    last: datetime | None = None
    for topic, event in events:
        moment = datetime.fromisoformat(event.time)
        if batch and (moment != last or len(batch) >= AT_ONCE):
            yield batch
            batch = []
        if speed and last is not None and moment > last:
            sleep((moment - last).total_seconds() / speed)
        last = moment
        batch.append((topic, event))
    if batch:
        yield batch
