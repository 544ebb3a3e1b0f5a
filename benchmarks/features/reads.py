"""Online features: this reader beside Feast's own and beside redis-py, on one Redis that Feast has filled.

Two entities x 30 features, the way a match is asked for. All contestants take turns in the same run, and must agree
value by value before anything is timed.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, permutations
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import redis
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64, Int64, String

from benchmarks.features.server import running_redis
from benchmarks.report import Measure
from benchmarks.serving.error import BenchError
from feature_repo import quiet
from matchday.feast_layout import entity_key, field_name, time_name
from matchday.features import entities
from matchday.online_store import RedisAddress
from matchday.signature import FeatureRef, Signature
from serving.features.cache import CachedStore
from serving.features.redis import RedisStore
from serving.vector import Layout

PROJECT = "matchday"
TEAMS = tuple(f"T{number:02d}" for number in range(20))
VIEWS = {"team_form": tuple(f"form_{i}" for i in range(15)), "team_ratings": tuple(f"rating_{i}" for i in range(15))}
HALF = {"team_form": VIEWS["team_form"][:8], "team_ratings": VIEWS["team_ratings"][:7]}
KNOWN_AT = pd.Timestamp("2026-05-17T18:00:00Z")
KICKOFF = KNOWN_AT.timestamp() + 86_400

ROUNDS = 15
READS = 200
"""Reads of one contestant in one round."""
AT_ONCE = 16

Pair = tuple[str, str]
Read = Callable[[Pair], Awaitable[Any]]


@dataclass(frozen=True)
class Filled:
    """A Redis and the Feast that has filled it."""

    address: RedisAddress
    store: FeatureStore
    service: FeatureService


def measure_reads() -> list[Measure]:
    """Reads of the model server beside Feast's and redis-py's. Raises BenchError when it cannot run."""
    with tempfile.TemporaryDirectory() as folder, _filled(Path(folder)) as filled:
        return asyncio.run(_measure(filled))


async def _measure(filled: Filled) -> list[Measure]:
    store = RedisStore(filled.address, PROJECT)
    kept = CachedStore(RedisStore(filled.address, PROJECT), max_age_s=3600.0)
    client = redis.Redis(filled.address.host, filled.address.port)
    contestants: dict[str, Read] = {
        "this reader": lambda pair: store.read("team", pair, VIEWS),
        "Feast, get_online_features(...).to_dict()": lambda pair: _awaited(_feast, filled, pair),
        "redis-py, raw pipeline": lambda pair: _awaited(_pipeline, client, pair),
        f"this reader, {AT_ONCE} at once": lambda pair: _at_once(store, pair),
        "this reader, from its cache": lambda pair: kept.read("team", pair, VIEWS),
    }
    await _agree(filled, store, client)
    times = await _timed(contestants)
    ours, feast, raw, *_ = times.values()
    alone, together = await _cpu(store, 1), await _cpu(store, AT_ONCE)
    store.close()
    kept.close()
    return [
        *[Measure(f"{name}: 2 entities x 30", median(spent) * 1e6, "µs") for name, spent in times.items()],
        Measure("Feast's time / this reader's", _ratio(feast, ours), "x", ">= 2.5"),
        Measure("this reader's time / raw pipeline's", _ratio(ours, raw), "x", "<= 1.5"),
        Measure("processor time, 2 entities x 15 to a vector (aim: 60)", alone * 1e6, "µs"),
        Measure(f"processor time, the same {AT_ONCE} at once, each (aim: 60)", together * 1e6, "µs"),
    ]


async def _timed(contestants: Mapping[str, Read]) -> dict[str, list[float]]:
    """Seconds a read took each contestant, round by round; the first round only warms up."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS + 1):
        for name, read in contestants.items():
            pairs = _pairs()
            begun = time.perf_counter()
            for _ in range(READS):
                await read(next(pairs))
            times[name].append((time.perf_counter() - begun) / READS)
    return {name: spent[1:] for name, spent in times.items()}


async def _cpu(store: RedisStore, at_once: int) -> float:
    """Processor seconds, the kernel's included, from two names to the model's input: median of the rounds."""
    sides = [(side, view, name) for side in ("home", "away") for view, names in HALF.items() for name in names]
    layout = Layout(
        Signature(
            model="benchmark",
            feature_service="match",
            features=[FeatureRef(f"{side}_{name}", side, view, name) for side, view, name in sides],
            inputs=[entities.TEAM.named("home"), entities.TEAM.named("away")],
            views=[entities.view(name) for name in HALF],
            fingerprint="benchmark",
            trained_until=KNOWN_AT.isoformat(),
            output="probabilities",
        )
    )

    async def one(pair: Pair) -> None:
        home, away = pair
        layout.assemble({"home": [home], "away": [away]}, await store.read("team", pair, HALF), [KICKOFF])

    spent = []
    for _ in range(ROUNDS):
        pairs = _pairs()
        begun = time.process_time()
        for _ in range(READS):
            await (one(next(pairs)) if at_once == 1 else asyncio.gather(*[one(next(pairs)) for _ in range(at_once)]))
        spent.append((time.process_time() - begun) / READS / at_once)
    return median(spent)


async def _agree(filled: Filled, store: RedisStore, client: "redis.Redis[bytes]") -> None:
    """Raises BenchError unless all read the same values."""
    pairs = _pairs()
    for _ in range(20):
        pair = next(pairs)
        rows = await store.read("team", pair, VIEWS)
        ours = {
            f"{view}__{name}": [rows[view, team].values[name] for team in pair]  # noqa: PD011
            for view in VIEWS
            for name in VIEWS[view]
        }
        theirs = _feast(filled, pair)
        if ours != {name: theirs[name] for name in ours} or len(ours) != 30:
            raise BenchError(f"this reader and Feast disagree on {pair}")
        if [len(found) for found in _pipeline(client, pair)] != [32, 32]:
            raise BenchError(f"the raw pipeline does not find {pair}")


async def _awaited(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)


async def _at_once(store: RedisStore, pair: Pair) -> None:
    await asyncio.gather(*[store.read("team", pair, VIEWS) for _ in range(AT_ONCE)])


def _feast(filled: Filled, pair: Pair) -> dict[str, list[Any]]:
    rows = [{"team": team} for team in pair]
    found: dict[str, list[Any]] = filled.store.get_online_features(
        filled.service, rows, full_feature_names=True
    ).to_dict()
    return found


FIELDS = [
    name for view, names in VIEWS.items() for name in (*(field_name(view, each) for each in names), time_name(view))
]
KEYS = {team: entity_key("team", team) + PROJECT.encode() for team in TEAMS}


def _pipeline(client: "redis.Redis[bytes]", pair: Pair) -> list[Any]:
    """The same hashes, undecoded: the least that can be done with redis-py (which parses with hiredis here)."""
    pipe = client.pipeline(transaction=False)
    for team in pair:
        pipe.hmget(KEYS[team], FIELDS)
    return pipe.execute()


def _pairs() -> Iterator[Pair]:
    return cycle(permutations(TEAMS, 2))


def _ratio(upper: list[float], lower: list[float]) -> float:
    """Median over the rounds: whatever else the machine did, it did to both."""
    return median(a / b for a, b in zip(upper, lower, strict=True))


@contextmanager
def _filled(folder: Path) -> Iterator[Filled]:
    """A Redis with a row of every view for every team, written by Feast. The last feature of each is an Int64."""
    with running_redis(folder) as port:
        with quiet.silence_feast():
            store = _feast_store(folder, port)
        yield Filled(RedisAddress("127.0.0.1", port), store, store.get_feature_service("match"))


def _feast_store(folder: Path, port: int) -> FeatureStore:
    store = FeatureStore(
        config=RepoConfig(
            project=PROJECT,
            provider="local",
            registry=str(folder / "registry.db"),
            online_store={"type": "redis", "connection_string": f"127.0.0.1:{port}"},
            entity_key_serialization_version=3,
        )
    )
    team = Entity(name="team", join_keys=["team"], value_type=ValueType.STRING)
    random = np.random.default_rng(1)
    views, frames = [], {}
    for view, names in VIEWS.items():
        values = {name: random.normal(size=len(TEAMS)) for name in names[:-1]}
        last = random.integers(1_700_000_000, 1_800_000_000, len(TEAMS))
        frame = pd.DataFrame({"team": TEAMS, **values, names[-1]: last, "event_timestamp": KNOWN_AT})
        frame.to_parquet(folder / f"{view}.parquet")
        fields = [Field(name=name, dtype=Int64 if name == names[-1] else Float64) for name in names]
        source = FileSource(
            name=f"{view}_file", path=str(folder / f"{view}.parquet"), timestamp_field="event_timestamp"
        )
        schema = [Field(name="team", dtype=String), *fields]
        views.append(FeatureView(name=view, entities=[team], schema=schema, source=source, ttl=timedelta(0)))
        frames[view] = frame
    store.apply([team, *views, FeatureService(name="match", features=views)])
    for view, frame in frames.items():
        store.write_to_online_store(view, frame)
    return store
