"""Online features: our guarded writers beside Feast's own stores, and beside a raw pipeline of redis-py.

Rows of 15 features, a thousand entities, each row newer than the one before. All contestants take turns in the same
run, into one Redis, and must have left the same bytes there before anything is timed.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import redis
from feast import Entity, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.online_stores.redis import RedisOnlineStore
from feast.infra.online_stores.sqlite import SqliteOnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Float64, String

from benchmarks.features.server import running_redis
from benchmarks.report import Measure
from benchmarks.serving.error import BenchError
from feature_repo import quiet
from feature_repo.writers import FeatureRow, OnlineWriter, WriteCounts, open_writer
from matchday.feast_layout import encode_moment, encode_value, entity_key, field_name, time_name
from matchday.online_store import RedisAddress

VIEW = "team_form"
FEATURES = tuple(f"form_{number}" for number in range(15))
ENTITIES = tuple(f"T{number:03d}" for number in range(1000))
FEAST_BATCH = 1000
MICRO_BATCH = 50

ROUNDS = 7
BULK, FEW = 10_000, 2000
"""Rows of a fast contestant in one round, and of a slow one."""

BARS = {"this writer": ">= 15000"}

Rows = Sequence[FeatureRow]
Work = Callable[[], object]
Contestant = tuple[int, Callable[[Rows], Work]]
"""Rows in one round, and what makes the work that is timed of them."""


def measure_writes() -> list[Measure]:
    """Rows per second into Redis and SQLite. Raises BenchError when it cannot run."""
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder)) as port:
        return [*_measure_redis(Path(folder), port), *_measure_sqlite(Path(folder))]


def _measure_redis(folder: Path, port: int) -> list[Measure]:
    writer = open_writer(RedisAddress("127.0.0.1", port), "ours")
    config = _config("feast", {"type": "redis", "connection_string": f"127.0.0.1:{port}"}, folder)
    with closing(writer), redis.Redis(port=port) as client:
        contestants: dict[str, Contestant] = {
            "this writer": (BULK, lambda rows: partial(writer.write, rows)),
            f"this writer, {MICRO_BATCH} at a time": (
                FEW,
                lambda rows: partial(_in_batches, writer, rows, MICRO_BATCH),
            ),
            "Feast, online_write_batch of 1,000": (FEW, _feast(RedisOnlineStore(), config, folder)),
            "redis-py, raw pipeline": (BULK, lambda rows: partial(_pipeline, client, rows)),
        }
        _agree(client, contestants, writer)
        rates = _timed(contestants)
        spent = {name: _processor_time(client, contestant) for name, contestant in contestants.items()}
    ours, _, feast, raw = rates.values()
    return [
        *[
            Measure(f"{name}: rows of 15 into Redis", median(found), "rows/s", BARS.get(name))
            for name, found in rates.items()
        ],
        Measure("this writer's rate / Feast's", _ratio(ours, feast), "x"),
        Measure("this writer's rate / raw pipeline's", _ratio(ours, raw), "x"),
        *[Measure(f"{name}: processor time of a row, Redis included", each, "µs") for name, each in spent.items()],
    ]


def _measure_sqlite(folder: Path) -> list[Measure]:
    path = folder / "feast.db"
    config = _config("feast", {"type": "sqlite", "path": str(path)}, folder)
    store = SqliteOnlineStore()
    with quiet.silence_feast():
        store.update(config, [], [_view(folder)], [], [], False)
    with closing(open_writer(folder / "ours.db")) as writer:
        rates = _timed(
            {
                "this writer, 1,000 at a time": (FEW, lambda rows: partial(_in_batches, writer, rows, FEAST_BATCH)),
                "Feast, online_write_batch of 1,000": (FEW, _feast(store, config, folder)),
            }
        )
    ours, feast = rates.values()
    return [
        *[Measure(f"{name}: rows of 15 into SQLite", median(found), "rows/s") for name, found in rates.items()],
        Measure("this writer's rate / Feast's, SQLite", _ratio(ours, feast), "x"),
    ]


def _timed(contestants: Mapping[str, Contestant]) -> dict[str, list[float]]:
    """Rows a second of each contestant, round by round; the first round only warms up."""
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(ROUNDS + 1):
        for name, (count, prepare) in contestants.items():
            work = prepare(_rows(count, turn))
            begun = time.perf_counter()
            work()
            rates[name].append(count / (time.perf_counter() - begun))
    return {name: found[1:] for name, found in rates.items()}


def _processor_time(client: "redis.Redis[bytes]", contestant: Contestant) -> float:
    """Microseconds of a row, of this process and of Redis: what else the machine does counts less here."""
    count, prepare = contestant
    works = [prepare(_rows(count, ROUNDS + turn)) for turn in range(1, ROUNDS)]
    begun = time.process_time() + _redis_seconds(client)
    for work in works:
        work()
    return (time.process_time() + _redis_seconds(client) - begun) / count / len(works) * 1e6


def _redis_seconds(client: "redis.Redis[bytes]") -> float:
    used: Mapping[str, float] = client.info("cpu")
    return used["used_cpu_user"] + used["used_cpu_sys"]


def _rows(count: int, turn: int) -> list[FeatureRow]:
    """Rows that are all newer than those of the turn before, and than those before them."""
    chance = random.Random(turn)
    first = 1_780_000_000 + turn * BULK
    return [
        FeatureRow(
            VIEW,
            "team",
            ENTITIES[number % len(ENTITIES)],
            float(first + number),
            0,
            {name: chance.random() for name in FEATURES},
        )
        for number in range(count)
    ]


def _in_batches(writer: OnlineWriter, rows: Rows, size: int) -> None:
    for at in range(0, len(rows), size):
        writer.write(rows[at : at + size])


def _feast(store: OnlineStore, config: RepoConfig, folder: Path) -> Callable[[Rows], Work]:
    """Feast's own path, from its own messages, whose making is not timed."""
    view = _view(folder)

    def prepare(rows: Rows) -> Work:
        messages = [
            (
                EntityKey(join_keys=[row.join_key], entity_values=[Value(string_val=str(row.key))]),
                {name: Value(double_val=value) for name, value in row.values.items()},
                datetime.fromtimestamp(row.event_time, UTC),
                None,
            )
            for row in rows
        ]
        batches = [messages[at : at + FEAST_BATCH] for at in range(0, len(messages), FEAST_BATCH)]
        return lambda: [store.online_write_batch(config, view, batch, None) for batch in batches]

    return prepare


TIME = time_name(VIEW)
FIELDS = [field_name(VIEW, name) for name in FEATURES]


def _pipeline(client: "redis.Redis[bytes]", rows: Rows) -> None:
    """The same fields without any guard: the least that can be done with redis-py."""
    for at in range(0, len(rows), FEAST_BATCH):
        with client.pipeline(transaction=False) as pipe:
            for row in rows[at : at + FEAST_BATCH]:
                values = [encode_value(value) for value in row.values.values()]
                fields = {TIME: encode_moment(row.event_time), **dict(zip(FIELDS, values, strict=True))}
                pipe.hset(entity_key(row.join_key, row.key) + b"raw", mapping=fields)  # type: ignore[arg-type]
            pipe.execute()


def _agree(client: "redis.Redis[bytes]", contestants: Mapping[str, Contestant], writer: OnlineWriter) -> None:
    """Raises BenchError unless all leave the same bytes, and our writer refuses what is older."""
    rows = _rows(len(ENTITIES), -1)
    for _, prepare in contestants.values():
        prepare(rows)()
    for entity in (ENTITIES[0], ENTITIES[-1]):
        key = entity_key("team", entity)
        ours, feast, raw = (_fields(client, key + project) for project in (b"ours", b"feast", b"raw"))
        if not ours == feast == raw or len(ours) != len(FEATURES) + 1:
            raise BenchError(f"the writers leave different rows of {entity}")
    if writer.write([row._replace(event_time=1.0) for row in rows]) != WriteCounts(older=len(rows)):
        raise BenchError("older rows are not refused")


def _fields(client: "redis.Redis[bytes]", key: bytes) -> dict[bytes, bytes]:
    """An entity's fields but for our own mark."""
    found: dict[bytes, bytes] = client.hgetall(key)
    return {name: value for name, value in found.items() if not name.startswith(b"_row:")}


def _ratio(upper: Iterable[float], lower: Iterable[float]) -> float:
    """Median over the rounds: whatever else the machine did, it did to both."""
    return median(a / b for a, b in zip(upper, lower, strict=True))


def _config(project: str, online_store: dict[str, Any], folder: Path) -> RepoConfig:
    return RepoConfig(
        project=project,
        provider="local",
        registry=str(folder / "registry.db"),
        online_store=online_store,
        entity_key_serialization_version=3,
    )


def _view(folder: Path) -> FeatureView:
    team = Entity(name="team", join_keys=["team"], value_type=ValueType.STRING)
    source = FileSource(name="unread", path=str(folder / "unread.parquet"), timestamp_field="event_time")
    schema = [Field(name="team", dtype=String), *[Field(name=name, dtype=Float64) for name in FEATURES]]
    return FeatureView(name=VIEW, entities=[team], schema=schema, source=source, ttl=timedelta(0))
