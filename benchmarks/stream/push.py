"""The same feature rows into the same Redis: by Feast's `FeatureStore.push`, and by the processor's writer.

Both take them in pages of 500, as the processor writes; the Redis is emptied before each turn, and both take turns.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pandas as pd
from feast import FeatureStore, FileSource, PushSource, RepoConfig
from feast.data_source import PushMode
from redis import Redis

from benchmarks.report import Measure
from benchmarks.stream import broker
from benchmarks.stream.workload import all_seasons, batch_rows
from feature_repo import quiet
from feature_repo.definitions import TEAM, feature_view
from feature_repo.online import PROJECT
from feature_repo.writers import FeatureRow, open_writer
from matchday.features import entities
from matchday.features.team import KEYS
from matchday.online_store import RedisAddress
from matchday.tables import TeamForm, TeamRatings, name

ROUNDS = 5
PAGE = 500
TABLES = {name(table): table for table in (TeamForm, TeamRatings)}
MOMENT = pd.Timestamp("2026-06-01T00:00:00Z")
"""When rows are said to have been made."""


def measure_push() -> list[Measure]:
    """Rows a second of a season's features, and how many times as fast the writer is."""
    *past, season = all_seasons()
    rows = batch_rows(past[-1:], season)
    count = sum(map(len, rows.values()))
    with tempfile.TemporaryDirectory() as folder, broker.redis(Path(folder)) as address:
        client = Redis(address.host, address.port)
        with quiet.silence_feast():
            feast = _feast(Path(folder), address)
            ways: dict[str, Callable[[], None]] = {"feast": _push(feast, rows), "ours": _write(address, rows)}
            speeds: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(ROUNDS):
                for way, work in ways.items():
                    client.flushdb()
                    begun = time.perf_counter()
                    work()
                    speeds[way].append(count / (time.perf_counter() - begun))
        client.close()
    ratios = [ours / feast for ours, feast in zip(speeds["ours"], speeds["feast"], strict=True)]
    return [
        Measure("feature rows into Redis, by the processor's writer", median(speeds["ours"]), "rows/s"),
        Measure("feature rows into Redis, by Feast's push", median(speeds["feast"]), "rows/s"),
        Measure("the processor's writer / Feast's push", median(ratios), "x"),
    ]


def _write(address: RedisAddress, rows: dict[str, pd.DataFrame]) -> Callable[[], None]:
    """Write all rows as the processor does. It has rows and not frames, so these are made beforehand."""
    writer = open_writer(address)
    made = [
        FeatureRow(view, entities.TEAM.join_key, row["team"], row["event_time"].timestamp(), 1, _values(row))
        for view, frame in rows.items()
        for row in frame.to_dict("records")
    ]

    def write() -> None:
        for at in range(0, len(made), PAGE):
            writer.write(made[at : at + PAGE])

    return write


def _values(row: dict[str, float]) -> dict[str, float]:
    return {column: value for column, value in row.items() if column not in KEYS}


def _push(store: FeatureStore, rows: dict[str, pd.DataFrame]) -> Callable[[], None]:
    """Push all rows. Feast has frames and not rows, so these are cut beforehand."""
    cut = [
        (view, frame.iloc[at : at + PAGE].drop(columns="season").assign(created=MOMENT))
        for view, frame in rows.items()
        for at in range(0, len(frame), PAGE)
    ]

    def push() -> None:
        for view, page in cut:
            store.push(f"{view}_push", page, to=PushMode.ONLINE)

    return push


def _feast(folder: Path, address: RedisAddress) -> FeatureStore:
    """Feast with a push source for each view, and its own store in the Redis."""
    store = FeatureStore(
        config=RepoConfig(
            project=PROJECT,
            provider="local",
            registry=str(folder / "registry.db"),
            online_store={"type": "redis", "connection_string": f"{address.host}:{address.port}"},
            entity_key_serialization_version=3,
        )
    )
    views = []
    for view, table in TABLES.items():
        source = FileSource(name=f"{view}_file", path=str(folder / f"{view}.parquet"), timestamp_field="event_time")
        made = feature_view(table, str(folder / f"{view}.parquet"))
        made.stream_source = PushSource(name=f"{view}_push", batch_source=source)
        views.append(made)
    store.apply([TEAM, *views])
    return store
