"""Numbers that a request gives itself, and outputs that it asks for by name, in every protocol."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import httpx
import jsonschema
import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from feature_repo.writers import FeatureRow, open_writer
from matchday.bundle import write_bundle
from matchday.models.packaging import describe
from serving.endpoint import Endpoint
from serving.model import Model, ModelError, load
from serving.protocol.errors import NotFinite
from serving.protocol.tensor import Tensor
from serving.protocol.v2 import InferenceRequest
from serving.pruning import prune
from serving.warm import warm
from tests.kinds import KIND, NAME, by_hand, graph
from tests.services.processes import free_port, running
from tests.serving.conftest import COMMAND, KICKOFF, KNOWN_AT, environ
from tests.serving.log.samples import lines
from tests.serving.test_limits import Slow
from tests.waiting import eventually

SALAH, HAALAND = 118_748, 223_094
PLAYERS = {SALAH: (6.5, 300.0, 145.0), HAALAND: (7.25, 120.0, 151.0)}
ATTACKS = {"ARS": 0.25, "LIV": 0.5, "MCI": -0.125}
BACKGROUND = [[i % 7, 10.0 * i, 40 + i, i / 40, i % 2, i % 4] for i in range(40)]
EXPLAINER = {"background": BACKGROUND, "labels": {"home": "At home"}}


@dataclass(frozen=True)
class Both:
    """The server's client over HTTP, its port of gRPC, and its log of predictions."""

    http: httpx.Client
    grpc_port: int
    log: Path


def pack(folder: Path, onnx: bytes | None = None) -> Path:
    signature = describe(KIND, "f00d", KNOWN_AT.isoformat())
    write_bundle(folder, onnx or graph(), signature, EXPLAINER, "# a card\n")
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("players")
    at = KNOWN_AT.timestamp()
    rows = [
        row
        for player, (points, matches, price) in PLAYERS.items()
        for row in (
            FeatureRow("player_form", "player", player, at, 0, {"points_90": points, "matches": int(matches)}),
            FeatureRow("player_market", "player", player, at, 0, {"price": int(price)}),
        )
    ]
    rows += [FeatureRow("team_ratings", "team", team, at, 0, {"attack": each}) for team, each in ATTACKS.items()]
    with closing(open_writer(folder / "online.db")) as writer:
        writer.write(rows)
    port, grpc_port, log = free_port(), free_port(), folder / "predictions.jsonl"
    options = {"grpc_port": str(grpc_port), "predictions": f"file:{log}"}
    settings = environ(folder / "home", pack(folder / "bundle"), folder / "online.db", port, **options)
    with running(COMMAND, port, settings), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield Both(client, grpc_port, log)


def tensor(name: str, datatype: str, data: list[Any], shape: list[int] | None = None) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data}


def two(**given: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Inputs for Salah at home to MCI and Haaland away at LIV; `given` replaces some, None leaves one out."""
    inputs = {
        "player": tensor("player", "INT64", [SALAH, HAALAND]),
        "team": tensor("team", "BYTES", ["LIV", "MCI"]),
        "opponent": tensor("opponent", "BYTES", ["MCI", "LIV"]),
        "home": tensor("home", "FP32", [1.0, 0.0]),
        "position_number": tensor("position_number", "INT64", [2, 3]),
        "kickoff": tensor("kickoff", "BYTES", [KICKOFF, KICKOFF]),
    }
    return [each for each in (inputs | given).values() if each is not None]


VECTORS = np.array([[*PLAYERS[SALAH], ATTACKS["MCI"], 1, 2], [*PLAYERS[HAALAND], ATTACKS["LIV"], 0, 3]])
POINTS = by_hand(VECTORS)
SPREAD = POINTS[:, None] + [-1, 0, 1]


def infer(served: Both, inputs: list[dict[str, Any]], *outputs: str, **more: Any) -> httpx.Response:
    wanted = {"outputs": [{"name": name} for name in outputs]} if outputs else {}
    return served.http.post(f"/v2/models/{NAME}/infer", json={"inputs": inputs, **wanted, **more})


def answered(response: httpx.Response) -> dict[str, np.ndarray]:
    assert response.status_code == 200, response.text
    return {each["name"]: np.array(each["data"]).reshape(each["shape"]) for each in response.json()["outputs"]}


def test_the_metadata_lists_numbers_and_all_outputs(served: Both) -> None:
    found = served.http.get(f"/v2/models/{NAME}").json()
    assert [(each["name"], each["datatype"], each["shape"]) for each in found["inputs"]] == [
        ("player", "INT64", [-1]),
        ("team", "BYTES", [-1]),
        ("opponent", "BYTES", [-1]),
        ("home", "FP32", [-1]),
        ("position_number", "FP32", [-1]),
        ("kickoff", "BYTES", [-1]),
        ("features", "FP32", [-1, 6]),
    ]
    assert found["inputs"][-1]["parameters"]["columns"] == list(KIND.feature_names)
    assert [(each["name"], each["datatype"], each["shape"]) for each in found["outputs"]] == [
        ("points", "FP32", [-1]),
        ("spread", "FP32", [-1, 3]),
        ("twice", "FP32", [-1]),
    ]
    assert [each["parameters"].get("on_request", False) for each in found["outputs"]] == [False, True, True]


def test_who_names_no_output_gets_the_forecast_alone(served: Both) -> None:
    found = answered(infer(served, two()))
    assert list(found) == ["points"]
    np.testing.assert_allclose(found["points"], POINTS, rtol=1e-5)


@pytest.mark.parametrize(
    "names", [("spread",), ("twice", "points"), ("points", "spread", "twice"), ("points",)], ids=" ".join
)
def test_outputs_are_given_as_asked_for_and_in_that_order(served: Both, names: tuple[str, ...]) -> None:
    found = answered(infer(served, two(), *names))
    assert tuple(found) == names
    wanted = {"points": POINTS, "spread": SPREAD, "twice": 2 * POINTS}
    for name in names:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-5)


def test_further_outputs_are_given_as_binary_tensors(served: Both) -> None:
    outputs = [{"name": "spread", "parameters": {"binary_data": True}}, {"name": "points"}]
    response = served.http.post(f"/v2/models/{NAME}/infer", json={"inputs": two(), "outputs": outputs})
    length = int(response.headers["inference-header-content-length"])
    head = json.loads(response.content[:length])
    assert [(each["name"], each["shape"]) for each in head["outputs"]] == [("spread", [2, 3]), ("points", [2])]
    spread = np.frombuffer(response.content[length:], "<f4").reshape(2, 3)
    np.testing.assert_allclose(spread, SPREAD, rtol=1e-5)


def test_an_unknown_output_is_refused_with_those_there_are(served: Both) -> None:
    refused = infer(served, two(), "points", "quantiles")
    assert refused.status_code == 400
    assert refused.json()["error"] == f"{NAME} has no output 'quantiles': it gives points, spread, twice"


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        ("FP32", [1.0, 0.0]),
        ("FP64", [1, 0]),
        ("FP16", [1, 0]),
        ("INT64", [1, 0]),
        ("UINT8", [1, 0]),
        ("INT8", [1, 0]),
        ("BOOL", [True, False]),
    ],
)
@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_a_number_may_be_of_any_datatype_of_numbers(
    served: Both, datatype: str, data: list[Any], shape: list[int]
) -> None:
    found = answered(infer(served, two(home=tensor("home", datatype, data, shape))))
    np.testing.assert_allclose(found["points"], POINTS, rtol=1e-5)


@pytest.mark.parametrize(
    ("home", "says"),
    [
        (None, "input home is missing: give numbers from 0 to 1 of shape [n] (1 at home, 0 away)"),
        (tensor("home", "FP32", [1, 1.5]), "input home must be from 0 to 1 (1 at home, 0 away), found 1.5 in row 1"),
        (tensor("home", "INT64", [-1, 0]), "input home must be from 0 to 1 (1 at home, 0 away), found -1 in row 0"),
        (tensor("home", "FP64", [1e300, 0]), "found 1e+300 in row 0"),
        (tensor("home", "FP32", [1.0]), "home has 1 rows, player, team, opponent 2: give one home for each row"),
        (tensor("home", "FP32", [1.0] * 3), "home has 3 rows"),
        (tensor("home", "FP32", [1.0] * 4, [2, 2]), "input home must have shape [n], found [2, 2]"),
        (tensor("home", "BYTES", ["yes", "no"]), "input home must be numbers from 0 to 1, at best FP32, found BYTES"),
        (tensor("home", "FP32", [1.0, None]), "its data must be numbers, found null"),
    ],
)
def test_a_number_that_cannot_be_is_refused(served: Both, home: dict[str, Any] | None, says: str) -> None:
    refused = infer(served, two(home=home))
    assert refused.status_code == 400
    assert says in refused.json()["error"]


@pytest.mark.parametrize("value", [b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f"], ids=["NaN", "infinity"])
def test_a_number_that_is_not_finite_is_refused(served: Both, value: bytes) -> None:
    home = {"name": "home", "datatype": "FP32", "shape": [2], "parameters": {"binary_data_size": 8}}
    head = orjson.dumps({"inputs": two(home=home)})
    headers = {"inference-header-content-length": str(len(head)), "content-type": "application/octet-stream"}
    refused = served.http.post(f"/v2/models/{NAME}/infer", content=head + value * 2, headers=headers)
    assert refused.status_code == 400 and "not finite" in refused.json()["error"]


def test_features_are_given_with_the_numbers_behind_them(served: Both) -> None:
    raw = tensor("features", "FP32", VECTORS.ravel().tolist(), [2, 6])
    found = answered(infer(served, [raw], "points", "spread"))
    np.testing.assert_allclose(found["spread"], SPREAD, rtol=1e-5)
    refused = infer(served, [raw, tensor("home", "FP32", [1.0, 0.0])])
    assert refused.status_code == 400 and "not 'home' with both" in refused.json()["error"]
    narrow = infer(served, [tensor("features", "FP32", [0.0] * 4, [1, 4])])
    assert narrow.status_code == 400 and "shape [n, 6], found [1, 4]" in narrow.json()["error"]


def test_v1_takes_numbers_and_gives_the_forecast(served: Both) -> None:
    names = [each["name"] for each in two()]
    instances = [dict(zip(names, row, strict=True)) for row in zip(*(each["data"] for each in two()), strict=True)]
    for home in ([1.0, 0.0], [True, False], [1, 0], [1, 0.0]):
        given = [{**each, "home": value} for each, value in zip(instances, home, strict=True)]
        found = served.http.post(f"/v1/models/{NAME}:predict", json={"instances": given}).json()
        np.testing.assert_allclose(found["predictions"], POINTS, rtol=1e-5)
    refused = served.http.post(f"/v1/models/{NAME}:predict", json={"instances": [{**instances[0], "home": "yes"}]})
    assert refused.status_code == 400 and "must be numbers" in refused.json()["error"]


def test_grpc_takes_numbers_and_gives_further_outputs(served: Both) -> None:
    fields = {"INT64": "int64_contents", "BYTES": "bytes_contents", "FP32": "fp32_contents"}
    request = messages.ModelInferRequest(model_name=NAME)
    for each in two():
        data = [item.encode() if isinstance(item, str) else item for item in each["data"]]
        contents = messages.InferTensorContents(**{fields[each["datatype"]]: data})
        request.inputs.add(name=each["name"], datatype=each["datatype"], shape=each["shape"], contents=contents)
    for name in ("spread", "points"):
        request.outputs.add(name=name)
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        spread, points = stub.ModelInfer(request).outputs
        described = stub.ModelMetadata(messages.ModelMetadataRequest(name=NAME))
        request.outputs.add(name="odds")
        with pytest.raises(grpc.RpcError, match="no output 'odds': it gives points, spread, twice"):
            stub.ModelInfer(request)
    assert (spread.name, list(spread.shape), points.name, list(points.shape)) == ("spread", [2, 3], "points", [2])
    np.testing.assert_allclose(np.reshape(spread.contents.fp32_contents, (2, 3)), SPREAD, rtol=1e-5)
    np.testing.assert_allclose(points.contents.fp32_contents, POINTS, rtol=1e-5)
    assert [each.name for each in described.outputs] == ["points", "spread", "twice"]
    assert "home" in {each.name for each in described.inputs}


def test_numbers_are_explained_with_the_features(served: Both) -> None:
    answer = served.http.post(f"/v2/models/{NAME}/explain", json={"inputs": two()}).json()
    first = answer["explanations"][0]
    assert {each["feature"] for each in first["contributions"]} == set(KIND.feature_names)
    home = next(each for each in first["contributions"] if each["feature"] == "home")
    assert home["label"] == "At home" and home["value"] == 1.0
    assert home["contribution"] == pytest.approx(0.75 * (1 - np.mean([row[4] for row in BACKGROUND])), abs=1e-4)
    total = first["base"] + sum(each["contribution"] for each in first["contributions"])
    assert total == pytest.approx(POINTS[0], abs=1e-3)


def test_the_log_has_players_numbers_and_the_forecast_alone(served: Both) -> None:
    assert infer(served, two(), "spread", id="logged").status_code == 200

    def logged() -> list[dict[str, Any]]:
        events = [line["data"] for line in lines(served.log)] if served.log.exists() else []
        return [event for event in events if event["request_id"] == "logged"]

    eventually(lambda: len(logged()) == 2)
    first, second = logged()
    assert first["entities"] == {"player": SALAH, "team": "LIV", "opponent": "MCI"}
    assert (first["features"]["home"], second["features"]["home"]) == (1.0, 0.0)
    assert list(first["features"]) == list(KIND.feature_names)
    assert first["output"] == {"points": pytest.approx(POINTS[0])}


def test_the_documentation_shows_requests_that_are_answered(served: Both) -> None:
    document = served.http.get("/openapi.json").json()
    for path in (f"/v2/models/{NAME}/infer", f"/v1/models/{NAME}:predict"):
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        example = json.loads(json.dumps(content["example"]).replace("223340", str(SALAH)))
        jsonschema.validate(example, {**content["schema"], "components": document["components"]})
        assert served.http.post(path, json=example).status_code == 200, example
    page = served.http.get("/docs").text
    assert "number from 0 to 1: 1 at home, 0 away" in page
    assert "three numbers around the forecast; where the request names it in <code>outputs</code>" in page


@cache
def in_this_process() -> Model:
    with TemporaryDirectory() as folder:
        return load(pack(Path(folder) / "bundle"))


@given(sizes=some.lists(some.integers(1, 3), min_size=1, max_size=6), seed=some.integers(0, 99))
def test_requests_that_come_at_once_keep_their_rows(sizes: list[int], seed: int) -> None:
    """Some ask for the forecast, some for further outputs; each gets the numbers of its own rows."""
    endpoint = Endpoint(in_this_process(), Slow(0.0))
    random = np.random.default_rng(seed)
    rows = [random.normal(size=(size, 6)).astype(np.float32) for size in sizes]
    wanted = [random.permutation(["points", "spread", "twice"])[: random.integers(0, 4)].tolist() for _ in sizes]

    async def ask() -> list[Any]:
        requests = [
            InferenceRequest(
                {"features": Tensor("features", "FP32", each.shape, each)}, outputs=dict.fromkeys(names, False)
            )
            for each, names in zip(rows, wanted, strict=True)
        ]
        return list(await asyncio.gather(*(endpoint.infer(request) for request in requests)))

    for each, names, response in zip(rows, wanted, asyncio.run(ask()), strict=True):
        points = by_hand(each)
        right = {"points": points, "spread": points[:, None] + [-1, 0, 1], "twice": 2 * points}
        assert [output.name for output in response.outputs] == (names or ["points"])
        for output in response.outputs:
            np.testing.assert_allclose(output.values, right[output.name], atol=1e-5)


def test_a_further_output_that_is_not_finite_is_no_answer(tmp_path: Path) -> None:
    model = load(pack(tmp_path / "bundle", graph(spread=float("inf"))))
    rows = np.ones((3, 6), np.float32)
    assert np.isfinite(model.predict(rows)).all()
    assert len(model.predict_further(rows, ["twice"])) == 2
    with pytest.raises(NotFinite) as refused:
        model.predict_further(rows, ["twice", "spread"])
    assert list(refused.value.rows) == [0, 1, 2]
    with pytest.raises(ModelError, match="fails on matches of its own training data"):
        warm(model)


def test_a_graph_without_an_output_of_its_signature_is_refused(tmp_path: Path) -> None:
    pruned = prune(graph(), "points")
    assert pruned is not None
    with pytest.raises(ModelError, match="gives points, not spread"):
        load(pack(tmp_path / "bundle", pruned))
