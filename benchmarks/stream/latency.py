"""From the sending of a result to its form rows in Redis, while 500 events a second are offered.

Results alone are timed: each makes a new row of both teams that shows by its event time. The clock starts before the
producer is handed the result, and stops when a reader first sees the rows of both teams.
"""

import random
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Self, cast

import numpy as np
from redis import Redis

from benchmarks.report import Measure
from benchmarks.serving.error import BenchError
from benchmarks.stream.runs import Place, place, processor
from benchmarks.stream.workload import Said, Senders, all_seasons, live_events
from feature_repo.online import PROJECT
from matchday.events import RESULTS, CloudEvent
from matchday.feast_layout.keys import entity_key, time_name
from matchday.feast_layout.moments import moment_of
from matchday.features import entities
from matchday.features.team import FULL_TIME
from matchday.online_store import RedisAddress
from matchday.tables import TeamForm, name

OFFERED = 500
"""Events a second."""

TICK = 0.02
"""Seconds between two hand-overs to the producer."""

LOOK = 0.002
"""Seconds between two looks of the reader."""

LONGEST_SECONDS = 30.0


def measure_latency() -> list[Measure]:
    """A whole season at the offered rate. Raises BenchError when it cannot run."""
    *past, season = all_seasons()
    said = list(live_events(season, random.Random(2)))
    with place(past[-3:], [season]) as where:
        senders = Senders(where.cluster)
        senders.send(said[:1])
        with processor(where) as run:
            run.wait_for(1)
            times, offered = _play(where, senders, said[1:])
        senders.close()
    p50, p99 = np.quantile(times, [0.5, 0.99]) * 1000
    return [
        Measure("events offered while latency is measured", offered, "1/s"),
        Measure(f"result sent to its rows in Redis, median of {len(times)}", float(p50), "ms"),
        Measure("result sent to its rows in Redis, p99", float(p99), "ms", "<= 500"),
    ]


def _play(where: Place, senders: Senders, said: Sequence[Said]) -> tuple[list[float], float]:
    """Seconds from each result's sending to its rows, and the events a second that were sent."""
    sent_at: dict[str, float] = {}
    results = {event.data["match"]: event for topic, event in said if topic is RESULTS}
    with Reader(cast(RedisAddress, where.online), results.values()) as reader:
        begun, at = time.monotonic(), 0
        while at < len(said):
            due = min(len(said), int((time.monotonic() - begun) * OFFERED))
            moment = time.monotonic()
            for topic, event in said[at:due]:
                if topic is RESULTS:
                    sent_at.setdefault(event.data["match"], moment)
            senders.send(said[at:due])
            at = max(at, due)
            time.sleep(TICK)
        offered = len(said) / (time.monotonic() - begun)
        seen_at = reader.finish()
    return [seen_at[match] - sent for match, sent in sent_at.items()], offered


class Reader:
    """Looks again and again which rows a Redis has, and notes when a match's rows are first there for both teams."""

    def __init__(self, address: RedisAddress, results: Iterable[CloudEvent]) -> None:
        """results: what is looked for."""
        self._redis: Any = Redis(address.host, address.port)
        self._awaited: dict[str, list[tuple[float, str]]] = {}
        for event in results:
            data = event.data
            known_at = (datetime.fromisoformat(data["kickoff"]) + FULL_TIME).timestamp()
            for team in data["match"].split("-")[1:]:
                self._awaited.setdefault(team, []).append((known_at, data["match"]))
        for awaited in self._awaited.values():
            awaited.sort()
        self._seen: dict[str, float] = {}
        self._stopping, self._thread = threading.Event(), threading.Thread(target=self._watch, name="reader")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._redis.close()

    def finish(self) -> dict[str, float]:
        """When both rows of each match were seen, monotonic seconds. Raises BenchError for rows that do not come."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while any(self._awaited.values()):
            if time.monotonic() > deadline:
                raise BenchError(f"{sum(map(len, self._awaited.values()))} rows of results did not come")
            time.sleep(LOOK)
        return self._seen

    def _watch(self) -> None:
        teams = list(self._awaited)
        keys = [entity_key(entities.TEAM.join_key, team) + PROJECT.encode() for team in teams]
        while not self._stopping.wait(LOOK):
            pipe = self._redis.pipeline(transaction=False)
            for key in keys:
                pipe.hget(key, time_name(name(TeamForm)))
            stamps = pipe.execute()
            moment = time.monotonic()
            for team, stamp in zip(teams, stamps, strict=True):
                self._note(team, moment_of(stamp) if stamp else 0.0, moment)

    def _note(self, team: str, known_until: float, moment: float) -> None:
        awaited = self._awaited[team]
        while awaited and awaited[0][0] <= known_until:
            self._seen[awaited.pop(0)[1]] = moment
