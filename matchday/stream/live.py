"""Changes of results and player statistics, as the fantasy game tells them while matches are played."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from matchday.events import PLAYER_STATS, RESULTS, CloudEvent, Topic
from matchday.events.validation import complaint
from matchday.sources import fpl, fpl_appearances
from matchday.sources.fpl import Listing
from matchday.sources.upstream import Upstream
from matchday.stream.emitted import Emitted
from matchday.stream.messages import iso, statistics, stream_event, subject
from matchday.tables.observed import ObservedFixtures
from matchday.tables.observed_appearances import ObservedAppearances
from matchday.telemetry import logger

SOURCE = "/matchday/stream/live"

RECENT = timedelta(days=4)
"""Age of a kick-off up to which a match's statistics are read: until then they are corrected now and then."""


def poll(upstream: Upstream, emitted: Emitted, now: datetime) -> list[tuple[Topic, CloudEvent]]:
    """Events of what has changed since the last poll, statistics first. Raises SourceError.

    A result that was said and is withdrawn is said again, without goals. What is not valid by its schema is logged, and
    not sent.
    """
    given, listing = fpl.collect_listed(upstream)
    fixtures = given.tables[ObservedFixtures]
    recent = _recent_matches(fixtures, now)
    played = fpl_appearances.collect(upstream, _as_final(listing, recent), recent)
    rows = played.tables.get(ObservedAppearances)
    said = [] if rows is None else [(PLAYER_STATS, data) for data in statistics(rows)]
    found = [*said, *_results(fixtures, emitted.results())]
    changed = emitted.changed(_valid(found), round(now.timestamp() * 1000))
    return [(topic, stream_event(topic, data, now, SOURCE)) for topic, data in changed]


def _valid(found: Iterable[tuple[Topic, Mapping[str, Any]]]) -> Iterator[tuple[Topic, Mapping[str, Any]]]:
    """Data that are valid by the schema of their topic, once they have a revision."""
    for topic, data in found:
        if wrong := complaint(topic, {**data, "revision": 0}):
            logger("stream").warning("not sent", topic=topic.name, subject=subject(topic, data), reason=wrong)
        else:
            yield topic, data


def _recent_matches(fixtures: pd.DataFrame, now: datetime) -> set[str]:
    """Matches that have begun and are not long over."""
    begun = fixtures["status"].isin(["live", "finished"])
    recent = fixtures["kickoff"].between(pd.Timestamp(now - RECENT), pd.Timestamp(now))
    return set(fixtures.loc[begun & recent, "match_id"])


def _as_final(listing: Listing, matches: set[str]) -> Listing:
    """The listing, as if the statistics of these matches were final: what is read of them may change yet."""
    marked = {number: replace(one, confirmed=one.match_id in matches) for number, one in listing.matches.items()}
    return replace(listing, matches=marked)


def _results(fixtures: pd.DataFrame, said: list[str]) -> Iterator[tuple[Topic, Mapping[str, Any]]]:
    for row in fixtures.sort_values("match_id").to_dict("records"):
        finished = row["status"] == "finished" and not pd.isna(row["home_goals"]) and not pd.isna(row["away_goals"])
        if not (finished or row["match_id"] in said):
            continue
        kickoff = _no_date(row["match_id"]) if pd.isna(row["kickoff"]) else iso(row["kickoff"].to_pydatetime())
        yield (
            RESULTS,
            {
                "match": row["match_id"],
                "kickoff": kickoff,
                "home_goals": int(row["home_goals"]) if finished else None,
                "away_goals": int(row["away_goals"]) if finished else None,
                "gameweek": None if pd.isna(row["gameweek"]) else int(row["gameweek"]),
            },
        )


def _no_date(match_id: str) -> str:
    """Stands for the kick-off of a withdrawn match that has no date: before the season, so that no match is there."""
    return f"20{match_id[:2]}-07-01T00:00:00.000Z"
