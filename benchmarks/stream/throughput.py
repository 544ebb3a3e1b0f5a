"""Events a second through one processor that is far behind, and its memory over half a million events."""

import random
import time
from dataclasses import dataclass

from benchmarks.report import Measure
from benchmarks.serving.process import MIB
from benchmarks.stream.runs import Place, Run, place, processor
from benchmarks.stream.workload import Senders, all_seasons, live_events

PAST = 2
"""Seasons that the lake knows; those behind them are streamed. These have results alone, no statistics."""

EVENTS, SETTLED = 500_000, 100_000
"""Memory after all of these is compared with that after the first of them."""

EMBEDDED_EVENTS = 30_000


@dataclass(frozen=True)
class Drained:
    """How a processor caught up. rate: events/s. of_processor: events per second of its processor time.

    growth: its resident memory at the end, by that after `SETTLED` events; 0 when there were fewer.
    """

    rate: float
    of_processor: float
    memory: float
    growth: float


def measure_throughput() -> list[Measure]:
    """Into Redis, and into SQLite. Raises BenchError when it cannot run."""
    into_redis, into_sqlite = drain(EVENTS), drain(EMBEDDED_EVENTS, embedded=True)
    return [
        Measure("events into Redis, one processor (aim: 20,000)", into_redis.rate, "1/s", ">= 5000"),
        Measure("events into Redis, by its processor time", into_redis.of_processor, "1/s"),
        Measure("events into SQLite, one processor", into_sqlite.rate, "1/s", ">= 1000"),
        Measure("memory after 500,000 events", into_redis.memory / MIB, "MiB"),
        Measure("memory after 500,000 events / after 100,000", into_redis.growth, "x", "<= 1.1"),
    ]


def drain(events: int, *, embedded: bool = False) -> Drained:
    """Fill Kafka with seasons as they were lived, then start a processor and wait until it has handled all."""
    known = all_seasons()
    past, streamed = known[:PAST], known[PAST:]
    with place(past, streamed, embedded=embedded) as where:
        sent = _fill(where, streamed, events)
        with processor(where) as run:
            return _watch(run, sent)


def _fill(where: Place, seasons: list[str], events: int) -> int:
    """Send events of the seasons in order. Returns how many."""
    senders, chance, sent = Senders(where.cluster), random.Random(1), 0
    for season in seasons:
        said = list(live_events(season, chance))[: events - sent]
        senders.send(said)
        sent += len(said)
    senders.close()
    return sent


def _watch(run: Run, sent: int) -> Drained:
    """The clock starts when the first offsets are written down, with what was handled by then."""
    run.wait_for(1, every=0.05)
    first, begun, used = run.of.handled(), time.monotonic(), run.processor_seconds()
    settled = 0
    if sent > SETTLED:
        settled = run.wait_for(SETTLED).memory()
    run.wait_for(sent)
    events = sent - first
    memory = run.memory()
    return Drained(
        events / (time.monotonic() - begun),
        events / (run.processor_seconds() - used),
        memory,
        memory / settled if settled else 0.0,
    )
