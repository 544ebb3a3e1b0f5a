"""A real Feast online store, a small bundle, and the real server on them."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper

from matchday.bundle import write_bundle
from matchday.signature import FeatureRef, Signature
from tests.services.processes import free_port, running
from tests.signatures import REST, match_signature

KNOWN_AT = pd.Timestamp("2026-05-17T18:00:00Z")
LAST_KICKOFF = int(pd.Timestamp("2026-05-17T15:00:00Z").timestamp())
KICKOFF = "2026-05-24T15:00:00Z"
TEAMS = ("ARS", "BOU", "LIV", "MCI", "WHU")
"""WHU is known to team_ratings only, and BOU has no points."""

FEATURES = [
    FeatureRef("home_elo", "home", "team_ratings", "elo"),
    FeatureRef("home_points", "home", "team_form", "points"),
    FeatureRef("home_rest_days", "home", "team_form", "last_kickoff", "int64", REST),
    FeatureRef("away_elo", "away", "team_ratings", "elo"),
    FeatureRef("away_points", "away", "team_form", "points"),
    FeatureRef("away_rest_days", "away", "team_form", "last_kickoff", "int64", REST),
]


@dataclass(frozen=True)
class Online:
    """A SQLite online store as Feast wrote it, and that Feast."""

    path: Path
    feast: Any


def form() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "team": ["ARS", "BOU", "LIV", "MCI"],
            "points": [9.0, None, 7.5, -3.25],
            "last_kickoff": pd.array([LAST_KICKOFF, LAST_KICKOFF - 86_400, -5, None], dtype="Int64"),
            "coach": ["Arteta", None, "", "Pép ⚽"],
            "unbeaten": [True, False, None, True],
            "event_timestamp": [KNOWN_AT, KNOWN_AT, KNOWN_AT - timedelta(days=1), KNOWN_AT],
        }
    )


def ratings() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "team": list(TEAMS),
            "elo": [1900.5, 1500.0, 1850.25, 1e-300, float("nan")],
            "matches": pd.array([38, 0, 2**62, -1, 7], dtype="Int64"),
            "event_timestamp": [KNOWN_AT] * 5,
        }
    )


@pytest.fixture(scope="session")
def online(tmp_path_factory: pytest.TempPathFactory) -> Online:
    """Written by Feast itself: views team_form and team_ratings of entity team."""
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.types import Bool, Float64, Int64, String

    root = tmp_path_factory.mktemp("feast")
    store = FeatureStore(
        config=RepoConfig(
            project="matchday",
            provider="local",
            registry=str(root / "registry.db"),
            online_store={"type": "sqlite", "path": str(root / "online.db")},
            offline_store={"type": "duckdb"},
            entity_key_serialization_version=3,
        )
    )
    team = Entity(name="team", join_keys=["team"], value_type=ValueType.STRING)
    fields = {
        "team_form": {"points": Float64, "last_kickoff": Int64, "coach": String, "unbeaten": Bool},
        "team_ratings": {"elo": Float64, "matches": Int64},
    }
    views = [
        FeatureView(
            name=name,
            entities=[team],
            schema=[Field(name="team", dtype=String), *(Field(name=n, dtype=t) for n, t in types.items())],
            source=FileSource(
                name=f"{name}_source", path=str(root / f"{name}.parquet"), timestamp_field="event_timestamp"
            ),
            ttl=timedelta(0),
        )
        for name, types in fields.items()
    ]
    for name, frame in (("team_form", form()), ("team_ratings", ratings())):
        frame.to_parquet(root / f"{name}.parquet")
    store.apply([team, *views])
    store.write_to_online_store("team_form", form())
    store.write_to_online_store("team_ratings", ratings())
    return Online(root / "online.db", store)


def signature(**changes: Any) -> Signature:
    return match_signature(**({"features": FEATURES} | changes))


WEIGHTS = np.array([[0.001, 0, -0.001], [0.1, 0, -0.1], [0.02, 0, 0], [-0.001, 0, 0.001], [-0.1, 0, 0.1], [0, 0, 0.02]])


EXPLAINER = {
    "background": [[1500.0 + 10 * i, i % 7, 3 + i % 5, 1600.0 - 5 * i, 7 - i % 7, 4 + i % 3] for i in range(32)],
    "labels": {"home_elo": "Home team: Elo rating"},
}


def graph(columns: int = len(FEATURES), output: str = "probabilities", scale: float = 1.0) -> bytes:
    """Softmax of a linear map of the features, NaN taken as 0.

    With a `scale` above 1 the scores of huge features are infinite, and there is no answer.
    """
    weights = numpy_helper.from_array(np.resize(scale * WEIGHTS, (columns, 3)).astype(np.float32), "weights")
    zero = numpy_helper.from_array(np.zeros(1, np.float32), "zero")
    nodes = [
        helper.make_node("IsNaN", ["features"], ["gaps"]),
        helper.make_node("Where", ["gaps", "zero", "features"], ["filled"]),
        helper.make_node("MatMul", ["filled", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], [output], axis=1),
    ]
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", columns])]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", 3])]
    made = helper.make_graph(nodes, "outcome", inputs, outputs, [weights, zero])
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def probabilities(features: np.ndarray) -> np.ndarray:
    """What the graph gives, by hand."""
    scores = np.nan_to_num(np.asarray(features, float)) @ WEIGHTS
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "match-outcome"
    write_bundle(folder, graph(), signature(), EXPLAINER, "# match-outcome\n")
    return folder


def environ(home: Path, bundle: Path, store: Path, port: int, **more: str) -> dict[str, str]:
    settings = {
        "MATCHDAY_HOME": str(home),
        "MATCHDAY_SERVING_BUNDLES": f'["{bundle}"]',
        "MATCHDAY_SERVING_VERSIONS": '["12"]',
        "MATCHDAY_SERVING_ONLINE_STORE": str(store),
        "MATCHDAY_SERVING_PORT": str(port),
        "MATCHDAY_SERVING_DRAIN_SECONDS": "0",
    }
    return {
        **os.environ,
        **settings,
        **{f"MATCHDAY_SERVING_{key.upper()}": value for key, value in more.items()},
    }


COMMAND = [sys.executable, "-m", "serving"]


@dataclass(frozen=True)
class Served:
    """The running server."""

    url: str
    port: int
    home: Path
    pid: int
    grpc_port: int


@pytest.fixture(scope="session")
def served(online: Online, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The real server process, limits small enough to run into."""
    home, port, grpc_port = tmp_path_factory.mktemp("home"), free_port(), free_port()
    limits = {"max_body_bytes": "65536", "max_batch": "64", "body_seconds": "2", "grpc_port": str(grpc_port)}
    with running(COMMAND, port, environ(home, bundle, online.path, port, **limits)) as process:
        yield Served(f"http://127.0.0.1:{port}", port, home, process.pid, grpc_port)


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=60) as client:
        yield client


def match(home: object = "ARS", away: object = "LIV", kickoff: object = KICKOFF, **more: Any) -> dict[str, Any]:
    """A request for one match, in entity mode."""
    inputs = [
        {"name": name, "shape": [1], "datatype": "BYTES", "data": [value]}
        for name, value in (("home", home), ("away", away), ("kickoff", kickoff))
        if value is not None
    ]
    return {"inputs": inputs, **more}
