"""Two models in one process: teams by their letters, players by their numbers, each with its own version and paths."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from kserve import InferenceGRPCClient, InferInput, InferRequest

from matchday.bundle import write_bundle
from matchday.features.entities import PLAYER
from matchday.signature import FeatureRef, Signature, ViewRef
from tests.services.processes import free_port, running
from tests.serving.conftest import COMMAND, KICKOFF, KNOWN_AT, LAST_KICKOFF, Online, environ, match
from tests.serving.graphs import HIDDEN, network
from tests.signatures import REST

SALAH, UNKNOWN = 118_748, 7
PLAYERS = {SALAH: (8.5, 2.25), 223_094: (11.0, None), -3: (0.0, 0.0)}
"""Player -> points and expected goals a match."""
RATES = [
    FeatureRef("player_points", "player", "player_form", "points"),
    FeatureRef("player_xg", "player", "player_form", "xg"),
    FeatureRef("player_rest_days", "player", "player_form", "last_kickoff", "int64", REST),
]
WEIGHTS = np.random.default_rng(2).normal(0, 0.3, (3, HIDDEN))


@pytest.fixture(scope="module")
def points_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A regression of one entity, keyed by numbers."""
    folder = tmp_path_factory.mktemp("bundles") / "player-points"
    signature = Signature(
        model="player-points",
        version="3",
        feature_service="player_points_v1",
        features=RATES,
        fingerprint="e" * 64,
        trained_until="2026-05-17T18:00:00+00:00",
        classes=(),
        inputs=[PLAYER.named("player")],
        views=[ViewRef("player_form")],
        moment="kickoff",
        output="points",
    )
    background = [[float(i % 9), i / 20, 3.0 + i % 4] for i in range(40)]
    graph = network(3, 0, 6, WEIGHTS, output="points")
    write_bundle(folder, graph, signature, {"background": background}, "# player-points\n")
    return folder


@pytest.fixture(scope="module")
def players(online: Online, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The online store with players in it, written by Feast itself."""
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.types import Float64, Int64

    root = tmp_path_factory.mktemp("players")
    path = root / "online.db"
    path.write_bytes(online.path.read_bytes())
    frame = pd.DataFrame(
        {
            "player": pd.array(list(PLAYERS), dtype="Int64"),
            "points": [points for points, _ in PLAYERS.values()],
            "xg": [xg for _, xg in PLAYERS.values()],
            "last_kickoff": pd.array([LAST_KICKOFF] * 3, dtype="Int64"),
            "event_timestamp": [KNOWN_AT] * 3,
        }
    )
    frame.to_parquet(root / "player_form.parquet")
    store = FeatureStore(
        config=RepoConfig(
            project="matchday",
            provider="local",
            registry=str(root / "registry.db"),
            online_store={"type": "sqlite", "path": str(path)},
            offline_store={"type": "duckdb"},
            entity_key_serialization_version=3,
        )
    )
    player = Entity(name="player", join_keys=["player"], value_type=ValueType.INT64)
    view = FeatureView(
        name="player_form",
        entities=[player],
        schema=[
            Field(name="player", dtype=Int64),
            Field(name="points", dtype=Float64),
            Field(name="xg", dtype=Float64),
            Field(name="last_kickoff", dtype=Int64),
        ],
        source=FileSource(
            name="player_source", path=str(root / "player_form.parquet"), timestamp_field="event_timestamp"
        ),
        ttl=timedelta(0),
    )
    store.apply([player, view])
    store.write_to_online_store("player_form", frame)
    return path


@pytest.fixture(scope="module")
def both(
    players: Path, bundle: Path, points_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[httpx.Client, int]]:
    """A client of a server of both models, and the port for gRPC."""
    port, grpc_port = free_port(), free_port()
    settings = environ(tmp_path_factory.mktemp("home"), bundle, players, port, grpc_port=str(grpc_port))
    settings["MATCHDAY_SERVING_BUNDLES"] = f'["{bundle}", "{points_bundle}"]'
    with (
        running(COMMAND, port, settings),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        yield client, grpc_port


def by_hand(rows: np.ndarray) -> np.ndarray:
    """What the graph of `player-points` gives."""
    random = np.random.default_rng(6)
    second, bias = random.normal(0, 1, (HIDDEN, 1)), random.normal(0, 0.5, HIDDEN)
    answer: np.ndarray = (np.maximum(rows @ WEIGHTS + bias, 0) @ second)[:, 0]
    return answer


def asked(*players: int, datatype: str = "INT64") -> dict[str, Any]:
    inputs = [
        {"name": "player", "shape": [len(players)], "datatype": datatype, "data": list(players)},
        {"name": "kickoff", "shape": [len(players)], "datatype": "BYTES", "data": [KICKOFF] * len(players)},
    ]
    return {"inputs": inputs}


SALAH_ROW = np.array([[8.5, 2.25, 7.0]])


def test_both_models_are_there_each_with_its_version(both: tuple[httpx.Client, int]) -> None:
    client, _ = both
    assert client.get("/v2/models").json() == client.get("/v1/models").json()
    assert client.get("/v1/models").json() == {"models": ["match-outcome", "player-points"]}
    assert client.get("/v2/health/ready").status_code == 200
    assert client.get("/v2/models/player-points/versions/3/ready").status_code == 200
    assert client.get("/v2/models/player-points/versions/12").status_code == 404
    assert client.get("/v2/models/match-outcome/versions/12").status_code == 200
    metadata = client.get("/v2/models/player-points").json()
    described = {each["name"]: (each["datatype"], each["shape"]) for each in metadata["inputs"]}
    assert described["player"] == ("INT64", [-1])
    assert [(each["name"], each["datatype"], each["shape"]) for each in metadata["outputs"]] == [
        ("points", "FP32", [-1])
    ]


@pytest.mark.parametrize("datatype", ["INT64", "INT32", "UINT64"])
def test_players_are_asked_by_number(both: tuple[httpx.Client, int], datatype: str) -> None:
    message = both[0].post("/v2/models/player-points/infer", json=asked(SALAH, SALAH, datatype=datatype)).json()
    [output] = message["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("points", "FP32", [2])
    assert np.allclose(output["data"], by_hand(SALAH_ROW)[0], atol=1e-5)
    assert (message["model_name"], message["model_version"]) == ("player-points", "3")


def test_a_negative_number_and_the_other_model_beside_it(both: tuple[httpx.Client, int]) -> None:
    client, _ = both
    message = client.post("/v1/models/player-points:predict", json={"instances": [{"player": -3, "kickoff": KICKOFF}]})
    assert np.allclose(message.json()["predictions"], by_hand(np.array([[0, 0, 7.0]])), atol=1e-5)
    assert message.json()["columns"] == []
    outcome = client.post("/v2/models/match-outcome/infer", json=match()).json()
    assert abs(sum(outcome["outputs"][0]["data"]) - 1) < 1e-6


def test_features_of_a_regression_are_given_and_explained(both: tuple[httpx.Client, int]) -> None:
    client, _ = both
    raw = {"instances": SALAH_ROW.tolist()}
    expected = by_hand(SALAH_ROW)[0]
    assert np.allclose(client.post("/v1/models/player-points:predict", json=raw).json()["predictions"], expected)
    [explanation] = client.post("/v1/models/player-points:explain", json=raw).json()["explanations"]
    total = explanation["base"] + sum(each["contribution"] for each in explanation["contributions"])
    assert abs(total - expected) < 1e-4
    assert abs(explanation["prediction"] - expected) < 1e-4
    assert explanation["explained"] == "prediction"


def test_kserve_grpc_client_asks_by_number(both: tuple[httpx.Client, int]) -> None:
    async def ask() -> Any:
        async with InferenceGRPCClient(f"127.0.0.1:{both[1]}", retries=0, channel_args=[]) as client:
            player = InferInput("player", [1], "INT64", [SALAH])
            kickoff = InferInput("kickoff", [1], "BYTES", [KICKOFF])
            return await client.infer(InferRequest("player-points", [player, kickoff]))

    [output] = asyncio.run(ask()).outputs
    assert list(output.shape) == [1]
    assert np.allclose(output.as_numpy(), by_hand(SALAH_ROW), atol=1e-5)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (asked(UNKNOWN), "unknown player 7: known are -3, 118748, 223094"),
        (asked(2**63 - 1), "unknown player 9223372036854775807"),
        (asked(2**64 - 1, datatype="UINT64"), "out of the range of INT64"),
        ({"inputs": match()["inputs"]}, "player-points has no input 'home': give player, kickoff, or features"),
        (
            {"inputs": [{"name": "player", "shape": [1], "datatype": "BYTES", "data": ["Salah"]}]},
            "input player must be INT64, found BYTES",
        ),
        (
            {"inputs": [{"name": "player", "shape": [1], "datatype": "FP32", "data": [118748.5]}]},
            "input player must be INT64, found FP32",
        ),
        ({"inputs": asked(SALAH)["inputs"][1:]}, "input player is missing: give it as INT64"),
    ],
)
def test_players_that_are_none_are_refused_in_words(
    both: tuple[httpx.Client, int], message: dict[str, Any], says: str
) -> None:
    response = both[0].post("/v2/models/player-points/infer", json=message)
    assert response.status_code == 400
    assert says in response.json()["error"]


def test_openapi_and_page_tell_of_both(both: tuple[httpx.Client, int]) -> None:
    paths = both[0].get("/openapi.json").json()["paths"]
    for name in ("match-outcome", "player-points"):
        assert f"/v2/models/{name}/infer" in paths
        assert f"<h2>{name} " in both[0].get("/docs").text
