"""Events of seasons of the bundled history, as a live source says them, and what the batch path makes of the seasons.

A day of the stream: of each match by its full time its players' statistics and its result, all of revision 1, some of
the statistics with expected goals that are wrong; at 6 o'clock the next morning every statistic again, final, of
revision 2. Some events come twice.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.events import PLAYER_STATS, RESULTS, STREAMED, CloudEvent, Topic
from matchday.events.cluster import KafkaCluster
from matchday.events.topic_producer import TopicProducer
from matchday.features.tables import TEAM_TABLES
from matchday.features.team import FULL_TIME, midnight_after, team_tables
from matchday.lake import Lake
from matchday.ratings.xg import with_xg
from matchday.settings import REPOSITORY
from matchday.sources.snapshot import Snapshot
from matchday.stream.messages import iso, player_stats, results, stream_event
from matchday.tables import Appearances, Matches, Teams, name

Said = tuple[Topic, CloudEvent]

SOURCE = "/matchday/benchmarks"
WRONG, DOUBLED = 0.05, 0.01
"""Shares of statistics that are wrong at first, and of events that come twice."""

TWICE, CORRECTED, LATEST = 0.10, 0.05, 3_000
"""Of a disturbed season: shares of events that come twice and that are wrong at first; most events until mended."""

MORNING = timedelta(hours=6)

AT_ONCE = 2_000
"""Events that are handed to a producer together: its buffer holds more, but not many times more."""


@cache
def whole(table: type[DataFrameModel]) -> pd.DataFrame:
    """A table of the bundled history; not to be written to."""
    return Snapshot(REPOSITORY / "data").load(table)


def cut(table: type[DataFrameModel], seasons: Sequence[str]) -> pd.DataFrame:
    """The rows of some seasons."""
    rows = whole(table)
    return rows[rows["season"].isin(seasons)].reset_index(drop=True)


def all_seasons() -> list[str]:
    """The seasons of the bundled history, in order."""
    return sorted(whole(Matches)["season"].unique())


def write_lake(folder: str, past: Sequence[str], streamed: Sequence[str]) -> None:
    """A lake with the results of the past, and with the teams of the seasons to come as well."""
    lake = Lake(folder)
    for table in (Matches, Appearances):
        lake.write(table, cut(table, past))
    lake.write(Teams, cut(Teams, [*past, *streamed]))


def final_events(season: str) -> list[Said]:
    """Every statistic and result of a season once, by full time: of each match the statistics first."""
    matches = cut(Matches, [season]).sort_values(["kickoff", "match_id"])
    statistics = defaultdict(list)
    for data in player_stats(cut(Appearances, [season]), revision=2):
        statistics[data["match"]].append(data)
    said: list[Said] = []
    for result in results(matches, revision=2):
        time = datetime.fromisoformat(result["kickoff"]) + FULL_TIME
        said += [(PLAYER_STATS, stream_event(PLAYER_STATS, one, time, SOURCE)) for one in statistics[result["match"]]]
        said.append((RESULTS, stream_event(RESULTS, result, time, SOURCE)))
    return said


def live_events(season: str, chance: random.Random) -> Iterator[Said]:
    """A season as a live source says it."""
    for _, of_day in groupby(final_events(season), lambda said: said[1].time[:10]):
        day = list(of_day)
        for topic, event in day:
            yield from _doubled(topic, provisional(topic, event, chance), chance)
        morning = iso(midnight_after(datetime.fromisoformat(day[-1][1].time)) + MORNING)
        for topic, event in day:
            if topic is PLAYER_STATS:
                yield from _doubled(topic, event._replace(time=morning), chance)


def disturbed_events(season: str, chance: random.Random) -> list[Said]:
    """A season in random order within each day, a tenth of it twice, and some events corrected days too late."""
    said: list[Said] = []
    later: list[tuple[int, Said]] = []
    for number, (topic, event) in enumerate(_shuffled_days(final_events(season), chance)):
        if chance.random() < CORRECTED:
            wrong = {"home_goals": 9} if topic is RESULTS else {"xg": 1.25, "threat": 77.0}
            data = {**event.data, **wrong, "revision": 1}
            said.append((topic, event._replace(id=event.id + "-first", data=data)))
            later.append((number + chance.randrange(1, LATEST), (topic, event)))
        else:
            said.append((topic, event))
        if chance.random() < TWICE:
            said.append(said[-1])
        due = [one for at, one in later if at <= number]
        said += due
        later = [pair for pair in later if pair[0] > number]
    return said + [one for _, one in later]


def _shuffled_days(said: Sequence[Said], chance: random.Random) -> Iterator[Said]:
    for _, of_day in groupby(said, lambda one: one[1].time[:10]):
        day = list(of_day)
        chance.shuffle(day)
        yield from day


def provisional(topic: Topic, event: CloudEvent, chance: random.Random) -> CloudEvent:
    """The event as it was said first."""
    data = {**event.data, "revision": 1}
    if topic is PLAYER_STATS and chance.random() < WRONG:
        data |= {"xg": 1.25, "threat": 77.0}
    return event._replace(id=event.id + "-first", data=data)


def batch_rows(past: Sequence[str], season: str) -> dict[str, pd.DataFrame]:
    """The season's rows by view, by the batch path, from the tables and not from events."""
    seasons = [*past, season]
    played = with_xg(cut(Matches, seasons), cut(Appearances, seasons))
    made = team_tables(played, cut(Teams, seasons), since=season)
    return {name(table): rows for table, rows in zip(TEAM_TABLES, made, strict=True)}


class Senders:
    """Producers of the streamed topics."""

    def __init__(self, cluster: KafkaCluster) -> None:
        self._producers = {topic: TopicProducer(cluster, topic, print) for topic in STREAMED}

    def send(self, said: Sequence[Said]) -> None:
        """Return once all events are acknowledged; statistics go first, as sources send them."""
        for at in range(0, len(said), AT_ONCE):
            for topic in (PLAYER_STATS, RESULTS):
                self._producers[topic].send([event for of, event in said[at : at + AT_ONCE] if of is topic])

    def close(self) -> None:
        """Close the connections."""
        for producer in self._producers.values():
            producer.close()


def _doubled(topic: Topic, event: CloudEvent, chance: random.Random) -> Iterator[Said]:
    yield topic, event
    if chance.random() < DOUBLED:
        yield topic, event
