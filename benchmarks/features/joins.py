"""Point-in-time joins through Feast: this offline store, Feast's DuckDB store, and DuckDB's ASOF without Feast.

One row for each of 400 players and each of 400 rounds, one for each of 20 teams and each of 500 rounds, 30 features in
each; entity rows at any moment of that time. Every figure is of a process of its own, whose memory is its peak.
"""

import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64, Int64

from benchmarks.report import Measure
from benchmarks.serving.error import BenchError
from feature_repo import quiet

KEYS = {"player": (400, 400), "team": (20, 500)}
"""Entities of each view, and rows of each entity."""
FEATURES = 30
DAYS = 3650
BEGINNING = 1_400_000_000
"""First second of the rows."""
OURS, FEAST = "feature_repo.offline.AsofOfflineStore", "duckdb"
GIB = 2**20
"""KiB of a GiB: the kernel counts peaks in KiB."""


def measure_joins() -> list[Measure]:
    """Joins of 4,000, 100,000 and 1,000,000 entity rows. Raises BenchError when a process fails or values differ."""
    with tempfile.TemporaryDirectory() as folder:
        _write_sources(Path(folder))
        beside_raw = _run(folder, "raw", 100_000, rounds=5)
        alone = _run(folder, "ours", 100_000, rounds=3)
        small = [_beside_feast(folder) for _ in range(3)]
        large = _run(folder, "ours", 1_000_000, rounds=1)
    seconds, raw = beside_raw["ours"], beside_raw["raw"]
    return [
        Measure("join of 100,000 entity rows with 2 views x 30", median(seconds), "s", "<= 3"),
        Measure("the same: peak memory of the process", alone["peak"], "GiB", "<= 2"),
        Measure("DuckDB's ASOF without Feast: the same rows", median(raw), "s"),
        Measure("this store's time / ASOF's", _ratio(seconds, raw), "x", "<= 3"),
        Measure("join of 4,000 entity rows", median(ours for ours, _ in small), "s"),
        Measure("Feast's DuckDB store: the same rows", median(feast for _, feast in small), "s"),
        Measure("Feast's time / this store's", median(feast / ours for ours, feast in small), "x", ">= 10"),
        Measure("join of 1,000,000 entity rows", median(large["ours"]), "s"),
        Measure("the same: peak memory of the process", large["peak"], "GiB", "<= 4"),
    ]


def _beside_feast(folder: str) -> tuple[float, float]:
    """Seconds of this store and of Feast's, one after the other, each in a process as a user runs it.

    In one process the second is slowed by the memory that the first has left behind.
    """
    ours, feast = (_run(folder, contest, 4_000, rounds=5)[contest] for contest in ("ours", "feast"))
    return median(ours), median(feast)


def _ratio(upper: list[float], lower: list[float]) -> float:
    """Median over the rounds: whatever else the machine did, it did to both."""
    return median(a / b for a, b in zip(upper, lower, strict=True))


def _run(folder: str, contest: str, rows: int, rounds: int) -> dict[str, Any]:
    """Seconds of each contestant, round by round, and the peak memory (GiB) of the process that measured them."""
    command = [sys.executable, "-m", "benchmarks.features.joins", folder, contest, str(rows), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"the join of {rows} rows failed: {done.stderr.strip().splitlines()[-1:]}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _measure(folder: Path, contest: str, count: int, rounds: int) -> dict[str, Any]:
    """What the process does: the contestants in turns, after one round to warm up."""
    asked = _entity_rows(count)
    ours = _through_feast(folder / "ours", OURS, folder, asked)
    contestants: dict[str, Callable[[], pd.DataFrame]] = {
        "ours": {"ours": ours},
        "raw": {"ours": ours, "raw": lambda: _raw(folder, asked)},
        "feast": {"feast": _through_feast(folder / "feast", FEAST, folder, asked)},
    }[contest]
    first = [join() for join in contestants.values()]
    if contest != "ours":
        _agree(ours() if contest == "feast" else first[0], first[-1])
    seconds: dict[str, Any] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, join in contestants.items():
            begun = time.perf_counter()
            join()
            seconds[name].append(time.perf_counter() - begun)
    return {**seconds, "peak": getrusage(RUSAGE_SELF).ru_maxrss / GIB}


def _agree(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """Raises BenchError unless both have the same features for each entity row."""
    names = [f"{view}_{number}" for view in KEYS for number in range(FEATURES)]
    left, right = (each.sort_values("row")[names].to_numpy(float) for each in (ours, theirs))
    if not np.array_equal(left, right, equal_nan=True):
        raise BenchError("the contestants' features differ")


def _write_sources(folder: Path) -> None:
    random = np.random.default_rng(15)
    for view, (entities, rounds) in KEYS.items():
        rows = entities * rounds
        seconds = np.tile(np.arange(rounds) * (DAYS * 86_400 // rounds), entities) + random.integers(0, 86_400, rows)
        columns = {f"{view}_{number}": random.normal(size=rows) for number in range(FEATURES)}
        keys = {view: np.repeat(np.arange(entities), rounds), "event_timestamp": _times(seconds)}
        pd.DataFrame({**keys, **columns}).sample(frac=1, random_state=15).to_parquet(folder / f"{view}.parquet")


def _entity_rows(count: int) -> pd.DataFrame:
    random = np.random.default_rng(16)
    keys = {view: random.integers(0, entities, count) for view, (entities, _) in KEYS.items()}
    return pd.DataFrame(
        {"row": np.arange(count), **keys, "event_timestamp": _times(random.integers(0, DAYS * 86_400, count))}
    )


def _times(seconds: Any) -> pd.DatetimeIndex:
    return pd.to_datetime(BEGINNING + seconds, unit="s", utc=True).as_unit("us")


def _through_feast(place: Path, kind: str, sources: Path, asked: pd.DataFrame) -> Callable[[], pd.DataFrame]:
    """A join by a Feast store with this offline store."""
    place.mkdir(exist_ok=True)
    store = FeatureStore(
        config=RepoConfig(
            project="bench",
            provider="local",
            registry=str(place / "registry.db"),
            online_store={"type": "sqlite", "path": str(place / "online.db")},
            offline_store={"type": kind},
            entity_key_serialization_version=3,
        )
    )
    entities = [Entity(name=view, join_keys=[view], value_type=ValueType.INT64) for view in KEYS]
    views = [
        FeatureView(
            name=f"{entity.name}_view",
            entities=[entity],
            ttl=timedelta(0),
            schema=[
                Field(name=entity.name, dtype=Int64),
                *[Field(name=f"{entity.name}_{number}", dtype=Float64) for number in range(FEATURES)],
            ],
            source=FileSource(
                name=entity.name, path=str(sources / f"{entity.name}.parquet"), timestamp_field="event_timestamp"
            ),
        )
        for entity in entities
    ]
    store.apply([*entities, *views, FeatureService(name="both", features=views)])
    service = store.get_feature_service("both")
    return lambda: store.get_historical_features(asked, service).to_df()


def _raw(sources: Path, asked: pd.DataFrame) -> pd.DataFrame:
    """One ASOF query for each view, in the order of the entity rows."""
    found = [asked]
    for view in KEYS:
        with duckdb.connect() as connection:
            connection.register("asked", asked)
            found.append(
                connection.sql(f"""
                    SELECT known.* EXCLUDE ({view}, event_timestamp)
                    FROM asked ASOF LEFT JOIN read_parquet('{sources}/{view}.parquet') AS known
                        ON asked.{view} = known.{view} AND asked.event_timestamp >= known.event_timestamp
                    ORDER BY asked.row
                """).df()
            )
    return pd.concat(found, axis=1)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with quiet.silence_feast():
        result = _measure(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    print(json.dumps(result))
