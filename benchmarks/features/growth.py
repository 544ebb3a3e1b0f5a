"""`make bench-growth`: the join by Daft on this machine, on growing tables: memory stays, time and disk grow evenly.

Each size is a process of its own: entity rows from Parquet by a query, joined with as many source rows of 8 features,
written as a saved dataset. Tables lie in a temporary folder, 2 GB at the largest.
"""

import json
import subprocess
import sys
import tempfile
import time
import warnings
from datetime import timedelta
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.types import Float64, Int64

from benchmarks.report import Measure, report
from benchmarks.serving.error import BenchError
from feature_repo import quiet

SIZES = (2_500_000, 5_000_000, 10_000_000)
"""Rows of either table."""
FILE_ROWS = 500_000
PLAYERS = 20_000
FEATURES = 8
DAYS = 3650
BEGINNING = 1_400_000_000
GIB = 2**20
"""KiB of a GiB: the kernel counts peaks in KiB."""


def main() -> int:
    """Measure and report. Returns the exit code: 1 when a bar was missed, 2 when it cannot run."""
    try:
        measures = measure_growth()
    except BenchError as error:
        print(f"bench growth: {error}", file=sys.stderr)
        return 2
    report("growth", measures)
    return 1 if any(measure.held is False for measure in measures) else 0


def measure_growth() -> list[Measure]:
    """Time and peak memory at each size. Raises BenchError when a join fails or loses rows."""
    measures, peaks = [], []
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            _write_tables(Path(folder), size)
            done = _run(folder)
        if done["rows"] != size:
            raise BenchError(f"{size} entity rows went in and {done['rows']} came out")
        peaks.append(done["peak"])
        measures += [
            Measure(f"Daft, {size:,} entity rows x {size:,} source rows", done["seconds"], "s"),
            Measure("the same: peak memory of the process", done["peak"], "GiB"),
            Measure("the same: entity rows that found a row", done["found"] / size * 100, "%"),
        ]
    measures.append(Measure("peak memory of the largest / of the smallest", peaks[-1] / peaks[0], "x", "<= 1.5"))
    return measures


def _run(folder: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.features.growth", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"the join in {folder} failed: {done.stderr.strip().splitlines()[-1:]}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _join(folder: Path) -> dict[str, Any]:
    """What the process does: one join, from query to saved dataset."""
    store = FeatureStore(
        config=RepoConfig(
            project="growth",
            provider="local",
            registry=str(folder / "registry.db"),
            online_store={"type": "sqlite", "path": str(folder / "online.db")},
            offline_store={"type": "feature_repo.offline.AsofOfflineStore", "engine": "daft"},
            entity_key_serialization_version=3,
        )
    )
    player = Entity(name="player", join_keys=["player"], value_type=ValueType.INT64)
    fields = [Field(name=f"f{number}", dtype=Float64) for number in range(FEATURES)]
    view = FeatureView(
        name="player_view",
        entities=[player],
        ttl=timedelta(days=120),
        schema=[Field(name="player", dtype=Int64), *fields],
        source=FileSource(name="players", path=str(folder / "source"), timestamp_field="known"),
    )
    store.apply([player, view])
    begun = time.perf_counter()
    job = store.get_historical_features(
        f"SELECT * FROM read_parquet('{folder}/asked/*.parquet')", [f"player_view:{field.name}" for field in fields]
    )
    job.persist(SavedDatasetFileStorage(str(folder / "set")))
    seconds, peak = time.perf_counter() - begun, getrusage(RUSAGE_SELF).ru_maxrss / GIB
    rows = found = 0
    for file in (folder / "set").glob("*.parquet"):
        column = pq.read_table(file, columns=["f0"])["f0"]
        rows, found = rows + len(column), found + len(column) - column.null_count
    return {"seconds": seconds, "peak": peak, "rows": rows, "found": found}


def _write_tables(folder: Path, rows: int) -> None:
    for name, features in (("asked", 0), ("source", FEATURES)):
        (folder / name).mkdir()
        for part in range(rows // FILE_ROWS):
            random = np.random.default_rng([part, features])
            seconds = BEGINNING + random.integers(0, DAYS * 86_400, FILE_ROWS)
            columns = {
                "player": random.integers(0, PLAYERS, FILE_ROWS),
                "known" if features else "event_timestamp": pa.array(seconds * 1_000_000, pa.timestamp("us", "UTC")),
                **{f"f{number}": random.integers(0, 1000, FILE_ROWS) / 8 for number in range(features)},
            }
            pq.write_table(pa.table(columns), folder / name / f"{part:03d}.parquet")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(main())
    warnings.simplefilter("ignore")
    with quiet.silence_feast():
        result = _join(Path(sys.argv[1]))
    print(json.dumps(result))
