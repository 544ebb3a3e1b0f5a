"""A lake that lacks its newest season, the events of that season, and what the batch path makes of all of it."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feature_repo.stream.fact_place import open_fact_store
from feature_repo.stream.past import Past
from feature_repo.stream.processor import Processor
from feature_repo.streamed import StreamedRows
from feature_repo.writers import open_writer
from matchday.events import CloudEvent, Topic
from matchday.events.received import Received
from matchday.features.tables import TEAM_TABLES
from matchday.features.team import team_tables
from matchday.lake import Lake
from matchday.online_store import RedisAddress
from matchday.ratings.xg import with_xg
from matchday.stream.messages import match_events
from matchday.tables import Appearances, Availability, Fixtures, Matches, Players, Teams, name
from tests import league

PAST, SEASON = ("2324",), "2425"
END = pd.Timestamp("2025-07-01", tz="UTC").timestamp()
COLUMNS = {name(table): table for table in TEAM_TABLES}


class Letters(list[CloudEvent]):
    """Dead letters, kept in a list."""

    def send(self, events: Sequence[CloudEvent]) -> None:
        """Keep them."""
        self.extend(events)


@dataclass
class Place:
    """Where a processor keeps things. now: what its clock says."""

    lake: str
    online: Path | RedisAddress
    letters: Letters
    now: float = END

    def processor(self) -> Processor:
        """A new processor, as one that has just been started."""
        return Processor(
            open_fact_store(self.online),
            Past(self.lake),
            open_writer(self.online),
            StreamedRows(self.lake),
            self.letters,
            lambda: self.now,
            recheck_seconds=0.0,
        )


def make_lake(folder: Path, seasons: Iterable[str] = PAST, known: Sequence[str] = (*PAST, SEASON)) -> str:
    """A lake with the results of some seasons, and the teams of `known` ones."""
    lake = Lake(str(folder))
    for table in (Matches, Appearances, Players, Availability):
        lake.write(table, league.some(table, seasons))
    for table in (Teams, Fixtures):
        lake.write(table, league.some(table, known))
    return str(folder)


@cache
def events(season: str = SEASON, matches: int = 380) -> tuple[tuple[Topic, CloudEvent], ...]:
    """The events of a season's first matches, in order."""
    played = league.some(Matches, [season]).sort_values(["kickoff", "match_id"]).head(matches)
    appearances = league.some(Appearances, [season])
    return tuple(match_events(played, appearances[appearances["match_id"].isin(played["match_id"])], "/test", 1))


def records(said: Iterable[tuple[Topic, CloudEvent]], partitions: int = 4) -> list[Received]:
    """Events as they lie in their topics' partitions, by match."""
    ends: dict[tuple[str, int], int] = {}
    found = []
    for topic, event in said:
        key, headers, value = event.record().key, event.record().named_headers(), event.record().value
        position = (topic.name, sum(key) % partitions)
        ends[position] = ends.get(position, -1) + 1
        found.append(Received(*position, ends[position], key, headers, value, END))
    return found


def batch(
    seasons: tuple[str, ...] = (*PAST, SEASON), matches: int = 380, wrong: Mapping[str, Any] | None = None
) -> dict[str, pd.DataFrame]:
    """The batch path's rows of the newest season, by view. wrong: the home goals of one match, as an event has them."""
    said = {} if wrong is None else {wrong["match"]: wrong["home_goals"]}
    return _batch(seasons, matches, tuple(said.items()))


@cache
def _batch(seasons: tuple[str, ...], matches: int, goals: tuple[tuple[str, int], ...]) -> dict[str, pd.DataFrame]:
    played = league.some(Matches, seasons).sort_values(["kickoff", "match_id"])
    played = pd.concat([played[played["season"] < seasons[-1]], played[played["season"] == seasons[-1]].head(matches)])
    for match, number in goals:
        played.loc[played["match_id"] == match, "home_goals"] = number
    appearances = league.some(Appearances, seasons)
    appearances = appearances[appearances["match_id"].isin(played["match_id"])]
    return tables_of(played, appearances, league.some(Teams, seasons), seasons[-1])


def tables_of(
    played: pd.DataFrame, appearances: pd.DataFrame, teams: pd.DataFrame, season: str
) -> dict[str, pd.DataFrame]:
    """The batch path's rows of a season, by view."""
    made = team_tables(with_xg(played, appearances), teams)
    return {
        view: rows[rows["season"] == season].sort_values(["event_time", "team"], ignore_index=True)
        for view, rows in zip(COLUMNS, made, strict=True)
    }


def shuffled_days(said: Sequence[tuple[Topic, CloudEvent]], chance: random.Random) -> list[tuple[Topic, CloudEvent]]:
    """The events in random order within each day."""
    days: dict[str, list[tuple[Topic, CloudEvent]]] = {}
    for topic, event in said:
        days.setdefault(event.time[:10], []).append((topic, event))
    for day in days.values():
        chance.shuffle(day)
    return [one for day in days.values() for one in day]


def check_offline(lake: str, expected: dict[str, pd.DataFrame], season: str = SEASON) -> None:
    """The rows appended by the stream are those of the batch path, bit by bit."""
    for view, rows in expected.items():
        made = StreamedRows(lake).newest(COLUMNS[view], [season])
        assert_same(made, rows)


def check_online(read: dict[tuple[str, str], dict[str, float]], expected: dict[str, pd.DataFrame]) -> None:
    """The newest row of every team is that of the batch path, bit by bit. read: (view, team) -> values."""
    for view, rows in expected.items():
        newest = rows.sort_values("event_time").drop_duplicates("team", keep="last")
        for row in newest.to_dict("records"):
            values = read[view, row["team"]]
            wanted = {name: row[name] for name in rows.columns if name not in ("season", "team", "event_time")}
            assert {name: values[name] for name in wanted} == wanted, (view, row["team"])
            assert values["event_time"] == row["event_time"].timestamp()


def assert_same(made: pd.DataFrame, rows: pd.DataFrame) -> None:
    assert list(made["team"]) == list(rows["team"])
    assert list(made["event_time"]) == list(rows["event_time"])
    for column in rows.columns.difference(["season", "team", "event_time"]):
        np.testing.assert_array_equal(made[column].to_numpy(float), rows[column].to_numpy(float), column)


def read_online(address: Path | RedisAddress) -> dict[tuple[str, str], dict[str, float]]:
    """Every row of the online store, as the server reads it: (view, team) -> values and event time."""
    import asyncio

    from serving.features import open_store

    async def read() -> dict[tuple[str, str], dict[str, float]]:
        store = open_store(str(address) if isinstance(address, Path) else address_url(address))
        views = {
            view: [c for c in table.to_schema().columns if c not in ("season", "team", "event_time")]
            for view, table in COLUMNS.items()
        }
        teams = await store.keys("team", views)
        rows = await store.read("team", teams, views)
        store.close()
        return {(view, str(team)): values_of(row) for (view, team), row in rows.items()}

    return asyncio.run(read())


def values_of(row: Any) -> dict[str, float]:
    return {**row.values, "event_time": row.newest}  # noqa: PD011


def address_url(address: RedisAddress) -> str:
    return f"redis://{address.host}:{address.port}/{address.database}"
