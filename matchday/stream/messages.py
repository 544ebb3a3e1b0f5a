"""Results and player statistics as events: from rows of `Matches` and `Appearances` to CloudEvents."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from matchday.events import PLAYER_STATS, RESULTS, CloudEvent, EventsError, Topic
from matchday.events.validation import complaint
from matchday.features.team import FULL_TIME

STATISTICS = (
    "minutes",
    "points",
    "goals",
    "assists",
    "clean_sheets",
    "conceded",
    "own_goals",
    "penalties_saved",
    "penalties_missed",
    "yellow_cards",
    "red_cards",
    "saves",
    "bonus",
    "bps",
    "influence",
    "creativity",
    "threat",
    "starts",
    "tackles",
    "recoveries",
    "clearances_blocks_interceptions",
    "defensive_contribution",
    "xg",
    "xa",
    "xgc",
)
"""Columns of `Appearances` that an event of player statistics has under the same names."""


def results(matches: pd.DataFrame, revision: int = 0) -> Iterator[dict[str, Any]]:
    """Data of the events of results. matches: rows of `Matches`."""
    for row in matches[["match_id", "kickoff", "home_goals", "away_goals", "gameweek"]].to_dict("records"):
        yield {
            "match": row["match_id"],
            "kickoff": iso(row["kickoff"].to_pydatetime()),
            "home_goals": int(row["home_goals"]),
            "away_goals": int(row["away_goals"]),
            "gameweek": None if pd.isna(row["gameweek"]) else int(row["gameweek"]),
            "revision": revision,
        }


def player_stats(appearances: pd.DataFrame, revision: int = 0) -> Iterator[dict[str, Any]]:
    """Data of the events of player statistics. appearances: rows of `Appearances`."""
    for data in statistics(appearances):
        yield data | {"revision": revision}


def statistics(appearances: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The same without a revision. appearances: rows of `Appearances` or `ObservedAppearances`."""
    columns = {name: plain(appearances[name]) for name in ("match_id", "player", "team", *STATISTICS)}
    columns["match"] = columns.pop("match_id")
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def plain(column: pd.Series) -> list[Any]:
    """Values as JSON has them: None for what is missing."""
    return list(column.astype(object).where(column.notna(), None).tolist())


def subject(topic: Topic, data: Mapping[str, Any]) -> str:
    """What an event is about: a match, or a player in one."""
    return f"{data['match']}:{data['player']}" if topic is PLAYER_STATS else str(data["match"])


def stream_event(topic: Topic, data: Mapping[str, Any], time: datetime, source: str) -> CloudEvent:
    """The CloudEvent of a result or of a player's statistics. Its id names subject and revision.

    Raises EventsError for data that are not valid by the topic's schema.
    """
    if wrong := complaint(topic, data):
        raise EventsError(f"{data.get('match', 'an event')} is not sent to {topic.name}: {wrong}")
    name = "stats" if topic is PLAYER_STATS else "result"
    return CloudEvent(
        id=f"{name}:{subject(topic, data)}:{data['revision']}",
        source=source,
        type=topic.type,
        time=iso(time),
        key=str(data["match"]),
        data=dict(data),
    )


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC, as the schemas have it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def match_events(
    matches: pd.DataFrame, appearances: pd.DataFrame, source: str, revision: int = 0
) -> Iterator[tuple[Topic, CloudEvent]]:
    """The events of finished matches by full time: of each match its players' statistics, then its result."""
    by_match = {str(match): rows for match, rows in appearances.groupby("match_id")}
    ordered = matches.sort_values(["kickoff", "match_id"])
    for result, kickoff in zip(results(ordered, revision), ordered["kickoff"], strict=True):
        time = kickoff.to_pydatetime() + FULL_TIME
        if result["match"] in by_match:
            for data in player_stats(by_match[result["match"]], revision):
                yield PLAYER_STATS, stream_event(PLAYER_STATS, data, time, source)
        yield RESULTS, stream_event(RESULTS, result, time, source)
