"""Compares what the stream wrote with what the batch path makes of the same facts, value by value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from feature_repo.error import FeatureStoreError
from feature_repo.stream.fact_store import FactStore
from feature_repo.stream.facts import RESULT, content_of
from feature_repo.stream.league import match_row
from feature_repo.stream.past import Past
from feature_repo.streamed import StreamedRows
from matchday.features import tables
from matchday.features.team import KEYS, team_tables
from matchday.ratings.xg import SUMMED, with_xg
from matchday.tables import columns, name
from matchday.tables.table import key

TABLES = {name(table): table for table in tables.TEAM_TABLES}

MATCH = ("match_id", "season", "kickoff", "home", "away", "home_goals", "away_goals")

OnlineRows = Mapping[tuple[str, str], Mapping[str, object]]
"""(view, team) -> values, and `event_time` in Unix seconds."""


@dataclass(frozen=True)
class StreamComparison:
    """What was compared. online, appended: values. differing: some of those that differ, for a person."""

    season: str
    online: int
    appended: int
    differing: tuple[str, ...]


def batch_rows(past: Past, store: FactStore, season: str = "") -> tuple[str, dict[str, pd.DataFrame]]:
    """A season's rows by view, by the batch path, from the lake's past and the facts. The newest season by default.

    Raises FeatureStoreError when nothing was streamed of the season.
    """
    known = store.seasons()
    season = season or (known[-1] if known else "")
    if season not in known:
        there = ", ".join(known) if known else "none"
        raise FeatureStoreError(f"nothing was streamed of season {season or 'any'}; there are facts of: {there}")
    streamed = [one for one in known if one <= season]
    matches, appearances = past.tables(season, without=streamed)
    rows, players = [], []
    for one in streamed:
        for match_id, subjects in store.changes(one, 0).facts.items():
            result = content_of(subjects[RESULT]) if RESULT in subjects else None
            if result is not None and result["home_goals"] is not None:
                rows.append(match_row(match_id, result))
                players += [content_of(stored) for subject, stored in subjects.items() if subject != RESULT]
    of_facts = pd.DataFrame(players, columns=["match", "team", *SUMMED]).rename(columns={"match": "match_id"})
    of_facts[list(SUMMED)] = of_facts[list(SUMMED)].astype(float)
    played = pd.concat([matches[list(MATCH)], pd.DataFrame(rows, columns=list(MATCH))], ignore_index=True)
    played["kickoff"] = pd.to_datetime(played["kickoff"], utc=True).astype("datetime64[us, UTC]")
    table = with_xg(played, pd.concat([appearances, of_facts], ignore_index=True))
    return season, dict(zip(TABLES, team_tables(table, past.all_teams(season), since=season), strict=True))


def compare(season: str, expected: Mapping[str, pd.DataFrame], online: OnlineRows, lake: str) -> StreamComparison:
    """Compare a season's newest online rows, and its appended ones, with those of the batch path."""
    counted: dict[str, int] = {"online": 0, "appended": 0}
    differing: list[str] = []
    for view, rows in expected.items():
        newest = rows.sort_values("event_time").drop_duplicates("team", keep="last")
        for row in _rows(newest):
            counted["online"] += len(_values(row))
            differing += _differences("online", (view, row["team"]), _values(row), online.get((view, row["team"]), {}))
        appended = {_key(view, row): _values(row) for row in _rows(StreamedRows(lake).newest(TABLES[view], [season]))}
        for row in _rows(rows):
            counted["appended"] += len(_values(row))
            place = _key(view, row)
            differing += _differences("appended", (view, *place), _values(row), appended.get(place, {}))
    return StreamComparison(season, counted["online"], counted["appended"], tuple(differing))


def _differences(
    store: str, place: Iterable[object], wanted: Mapping[str, object], found: Mapping[str, object]
) -> list[str]:
    where = " ".join(map(str, place))
    return [
        f"{store} {where} {column}: {found.get(column, 'missing')}, by batch {value}"
        for column, value in wanted.items()
        if found.get(column) != value
    ]


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(column): value for column, value in row.items()} for row in frame.to_dict("records")]


def _values(row: Mapping[str, Any]) -> dict[str, object]:
    """The values of a row, and its event time in Unix seconds."""
    moment = row["event_time"].timestamp()
    return {column: value for column, value in row.items() if column not in ("season", "team")} | {"event_time": moment}


def _key(view: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[column]) for column in key(TABLES[view]))


def columns_of(view: str) -> list[str]:
    """The features of a view."""
    return [column for column in columns(TABLES[view]) if column not in KEYS]
