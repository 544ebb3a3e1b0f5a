"""What every contestant is given: one model, and one Redis that Feast itself has filled.

The short way through the project's own rooms: history to lake, lake to features, features to a training set, a fit,
its export with proof of parity, a bundle. Only the walk-forward scores are left out: they make no request slower.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from feast import FeatureStore
from feast.repo_config import RepoConfig

from benchmarks.serving.process import free_port, listens, program, running, wait
from feature_repo import quiet
from feature_repo.definitions import TTL
from feature_repo.sources import local_definitions
from feature_repo.training import historical, training_set
from matchday import calendar, history
from matchday.bundle import write_bundle
from matchday.features import tables as features
from matchday.features.vectors import assemble
from matchday.lake import Lake
from matchday.models.catalogue import model_kind
from matchday.models.graph import prove_parity
from matchday.models.match_outcome import settled_goals
from matchday.models.match_outcome.export import export
from matchday.models.match_outcome.settled_goals import Float32Array, SettledGoals
from matchday.models.packaging import describe
from matchday.settings import Settings
from matchday.sources.snapshot import Snapshot
from matchday.tables import Fixtures

SEEN = 380
"""Matches asked for in turn: every home team against every away team of a season."""

KIND = model_kind("match-outcome")


@dataclass(frozen=True)
class Match:
    """One question: two teams, a kick-off in ISO 8601, and the features that they have by then, (k,)."""

    home: str
    away: str
    kickoff: str
    vector: list[float]


@dataclass(frozen=True)
class World:
    """bundle: of the model. python: JSON of the same model as Python holds it. feast: folder of a feature store.

    redis: port on 127.0.0.1 of the store's Redis. matches: what is asked. answers: (n, 3), by the Python model.
    """

    home: Path
    bundle: Path
    python: Path
    feast: Path
    redis: int
    matches: tuple[Match, ...]
    answers: np.ndarray[Any, np.dtype[np.float64]]


@contextmanager
def world(home: Path) -> Iterator[World]:
    """Make everything below `home`, with a Redis that runs until the block ends. Raises BenchError."""
    settings = Settings(home=home, MATCHDAY_LAKE=None, MATCHDAY_ONLINE_STORE=None)
    server = program("redis-server", "redis-server")
    lake = Lake(settings.lake)
    table = features.build(lake, history.ingest(Snapshot(settings.snapshot), lake).history).features
    moment = calendar.last_gameweek_day(lake.read(Fixtures))
    model = settled_goals.train(training_set(KIND, settings, lake, table, moment))
    matches, vectors = _matches(settings, lake, moment)
    _write_bundle(home / "match-outcome", model, vectors, moment)
    (home / "model.json").write_text(json.dumps(asdict(model)))
    with _redis(server, home) as port:
        folder = _materialise(settings, lake, moment, port)
        answers = model.predict(vectors)
        yield World(home, home / "match-outcome", home / "model.json", folder, port, matches, answers)


def _matches(settings: Settings, lake: Lake, moment: datetime) -> tuple[tuple[Match, ...], Float32Array]:
    """Every pairing of the season's teams at the next kick-off, and its feature vector (n, k) by Feast's offline join.

    So the online path is held against a way that shares nothing with it.
    """
    import pandas as pd

    week = calendar.next_gameweek(lake.read(Fixtures), moment)
    kickoff = week.fixtures["kickoff"].min()
    pairs = list(permutations(sorted({*week.fixtures["home"], *week.fixtures["away"]}), 2))
    asked = pd.DataFrame(pairs, columns=["home", "away"])
    asked["match_id"] = asked["home"] + asked["away"]
    asked["event_timestamp"] = pd.Timestamp(moment)
    stored = (
        historical(KIND.feature_service, settings, lake, asked)
        .set_index("match_id")
        .loc[asked["match_id"]]
        .reset_index()
    )
    vectors = assemble(KIND.features, stored, pd.Series(kickoff, index=stored.index)).to_numpy(np.float32)
    text = kickoff.strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = zip(pairs, vectors, strict=True)
    return tuple(Match(home, away, text, row.tolist()) for (home, away), row in rows), vectors


def _write_bundle(folder: Path, model: SettledGoals, vectors: Float32Array, until: datetime) -> None:
    graph = export(model)
    prove_parity(graph, KIND.output.name, vectors, model.predict(vectors), model.further(vectors))
    signature = describe(KIND, "benchmark", until.isoformat())
    explainer = {
        "background": vectors[:8].astype(float).tolist(),
        "labels": {name: name for name in KIND.feature_names},
    }
    write_bundle(folder, graph, signature, explainer, "# A model for benchmarks\n\nNever scored, not to be served.\n")


@contextmanager
def _redis(server: str, home: Path) -> Iterator[int]:
    port, log = free_port(), home / "redis.log"
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with running([*command, "--dir", str(home)], log) as process:
        wait(process, lambda: listens(port), 10, log)
        yield port


def _materialise(settings: Settings, lake: Lake, moment: datetime, port: int) -> Path:
    """Have Feast write every team's last row before `moment` to Redis; the folder of that feature store."""
    folder = settings.home / "feast-redis"
    folder.mkdir()
    config = {
        "project": "matchday",
        "provider": "local",
        "registry": str(folder / "registry.db"),
        "online_store": {"type": "redis", "connection_string": f"127.0.0.1:{port}"},
        "entity_key_serialization_version": 3,
    }
    (folder / "feature_store.yaml").write_text(yaml.safe_dump(config))
    with quiet.silence_feast():
        offline = {"type": "feature_repo.offline.AsofOfflineStore"}
        store = FeatureStore(config=RepoConfig(**config, offline_store=offline, repo_path=folder))
        store.apply(local_definitions(lake, folder / "tables").all())
        store.materialize(start_date=moment - TTL, end_date=moment)
    return folder
