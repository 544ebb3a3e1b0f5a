"""V1, gRPC and explanations on the real server, asked by KServe's own clients and by hand."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from grpc.aio import AioRpcError
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.grpc import grpc_predict_v2_pb2 as kserve_messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from tests.serving.conftest import KICKOFF, Served, match, probabilities
from tests.serving.test_server import ARS_LIV, ARS_MCI, wait_for_spans

MODEL = "match-outcome"
ARS_V_LIV = {"home": "ARS", "away": "LIV", "kickoff": KICKOFF}
ARS_V_MCI = {"home": "ARS", "away": "MCI", "kickoff": KICKOFF}
EXPECTED = probabilities(np.array([ARS_LIV, ARS_MCI]))


def over_grpc(served: Served, ask: Callable[[InferenceGRPCClient], Awaitable[Any]]) -> Any:
    """What KServe's gRPC client is answered."""

    async def run() -> Any:
        async with InferenceGRPCClient(
            f"127.0.0.1:{served.grpc_port}", timeout=60, retries=0, channel_args=[]
        ) as client:
            return await ask(client)

    return asyncio.run(run())


def over_rest(served: Served, ask: Callable[[InferenceRESTClient], Awaitable[Any]], protocol: str = "v1") -> Any:
    """What KServe's REST client is answered."""

    async def run() -> Any:
        async with InferenceRESTClient(RESTConfig(protocol=protocol, timeout=60)) as client:
            return await ask(client)

    return asyncio.run(run())


def texts(name: str, *values: str) -> InferInput:
    return InferInput(name, [len(values)], "BYTES", list(values))


MATCHES = [texts("home", "ARS", "ARS"), texts("away", "LIV", "MCI"), texts("kickoff", KICKOFF, KICKOFF)]


def test_kserve_grpc_client_finds_server_and_model_ready(served: Served) -> None:
    assert over_grpc(served, lambda client: client.is_server_live()) is True
    assert over_grpc(served, lambda client: client.is_server_ready()) is True
    assert over_grpc(served, lambda client: client.is_model_ready(MODEL)) is True
    with pytest.raises(AioRpcError) as error:
        over_grpc(served, lambda client: client.is_model_ready("points"))
    assert error.value.code() == grpc.StatusCode.NOT_FOUND
    assert "there is match-outcome" in error.value.details()


def test_kserve_grpc_client_asks_in_entity_mode(served: Served) -> None:
    request = InferRequest(MODEL, MATCHES, request_id="batch")
    response = over_grpc(served, lambda client: client.infer(request))
    assert (response.model_name, response.model_version, response.id) == (MODEL, "12", "batch")
    [output] = response.outputs
    assert (output.name, output.datatype, list(output.shape)) == ("probabilities", "FP32", [2, 3])
    assert np.allclose(output.as_numpy(), EXPECTED, atol=1e-6)
    assert response.parameters["model_version"].string_param == "12"
    assert response.parameters["missing_features"].int64_param == 1
    assert response.parameters["features_event_time"].string_param == "2026-05-16T18:00:00Z"


@pytest.mark.parametrize("binary", [True, False], ids=["raw contents", "typed contents"])
@pytest.mark.parametrize("datatype", ["FP32", "FP64", "INT64", "INT32", "INT8", "UINT16", "UINT64", "FP16"])
def test_kserve_grpc_client_gives_features(served: Served, datatype: str, binary: bool) -> None:
    rows = np.array([[7, 9, 1, 8, 2, 5], [100, 3, 14, 99, 0, 2]])
    kind = {"FP32": "f4", "FP64": "f8", "FP16": "f2"}.get(datatype) or datatype.lower()
    tensor = InferInput("features", [2, 6], datatype)
    tensor.set_data_from_numpy(rows.astype(kind), binary_data=binary or datatype == "FP16")
    response = over_grpc(served, lambda client: client.infer(InferRequest(MODEL, [tensor])))
    assert np.allclose(response.outputs[0].as_numpy(), probabilities(rows), atol=1e-6)
    assert response.id


@pytest.mark.parametrize("algorithm", ["deflate", "gzip"])
def test_kserve_grpc_client_compresses(served: Served, algorithm: str) -> None:
    options = [("grpc.default_compression_algorithm", ["identity", "deflate", "gzip"].index(algorithm))]

    async def run() -> Any:
        address = f"127.0.0.1:{served.grpc_port}"
        async with InferenceGRPCClient(address, timeout=60, retries=0, channel_args=options) as client:
            return await client.infer(InferRequest(MODEL, MATCHES))

    assert np.allclose(asyncio.run(run()).outputs[0].as_numpy(), EXPECTED, atol=1e-6)


def test_an_empty_id_is_given_back_by_rest_and_is_none_over_grpc(served: Served, client: httpx.Client) -> None:
    for path in ("infer", "explain"):
        assert client.post(f"/v2/models/{MODEL}/{path}", json=match(id="")).json()["id"] == ""
        assert client.post(f"/v2/models/{MODEL}/{path}", json=match()).json()["id"] != ""
    assert over_grpc(served, lambda each: each.infer(InferRequest(MODEL, MATCHES, request_id=""))).id != ""


def test_grpc_and_rest_give_the_same_numbers(served: Served, client: httpx.Client) -> None:
    by_grpc = over_grpc(served, lambda each: each.infer(InferRequest(MODEL, MATCHES)))
    v1 = client.post(f"/v1/models/{MODEL}:predict", json={"instances": [ARS_V_LIV, ARS_V_MCI]}).json()
    v2 = [client.post(f"/v2/models/{MODEL}/infer", json=match(away=away)).json() for away in ("LIV", "MCI")]
    assert np.allclose(by_grpc.outputs[0].as_numpy(), v1["predictions"], atol=1e-7)
    assert np.allclose([each["outputs"][0]["data"] for each in v2], v1["predictions"], atol=1e-7)


def by_stub(served: Served, ask: Callable[[GRPCInferenceServiceStub], Any]) -> Any:
    """What KServe's generated stubs are answered."""
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        return ask(GRPCInferenceServiceStub(channel))


def test_grpc_metadata_is_that_of_rest(served: Served, client: httpx.Client) -> None:
    server = by_stub(served, lambda stub: stub.ServerMetadata(kserve_messages.ServerMetadataRequest()))
    assert (server.name, server.version) == ("matchday", "0.1.0")
    request = kserve_messages.ModelMetadataRequest(name=MODEL, version="12")
    answered = by_stub(served, lambda stub: stub.ModelMetadata(request))
    metadata = client.get(f"/v2/models/{MODEL}").json()
    assert (answered.name, list(answered.versions), answered.platform) == (MODEL, ["12"], metadata["platform"])
    for field in ("inputs", "outputs"):
        described = [(each.name, each.datatype, list(each.shape)) for each in getattr(answered, field)]
        assert described == [(each["name"], each["datatype"], each["shape"]) for each in metadata[field]]


def test_grpc_continues_the_trace(served: Served) -> None:
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    headers = (("traceparent", f"00-{trace}-{parent}-01"),)
    over_grpc(served, lambda client: client.infer(InferRequest(MODEL, MATCHES), headers=headers))
    spans = wait_for_spans(served.home, trace, 3)
    server = spans["inference.GRPCInferenceService/ModelInfer"]
    assert server["parentSpanId"] == parent
    assert {spans[name]["parentSpanId"] for name in ("features", "inference")} == {server["spanId"]}


def test_kserve_rest_client_in_v1(served: Served) -> None:
    assert over_rest(served, lambda client: client.is_server_live(served.url)) is True
    assert over_rest(served, lambda client: client.is_model_ready(served.url, MODEL)) is True
    data = {"instances": [ARS_V_LIV, ARS_V_MCI]}
    message = over_rest(served, lambda client: client.infer(served.url, data, MODEL))
    assert np.allclose(message["predictions"], EXPECTED, atol=1e-6)
    assert (message["model_name"], message["model_version"]) == (MODEL, "12")
    assert message["columns"] == ["H", "D", "A"]
    assert message["parameters"]["missing_features"] == 1
    raw = {"instances": [ARS_LIV, [1500, 1, 2, 1600, 3, 4]]}
    message = over_rest(served, lambda client: client.infer(served.url, raw, MODEL))
    assert np.allclose(message["predictions"], probabilities(np.array(raw["instances"])), atol=1e-6)


def test_v1_models(client: httpx.Client) -> None:
    assert client.get("/v1/models").json() == {"models": [MODEL]}
    assert client.get(f"/v1/models/{MODEL}").json() == {"name": MODEL, "ready": True}
    assert client.get("/v1/models/points").status_code == 404


def test_kserve_rest_client_explains_in_v1(served: Served) -> None:
    message = over_rest(served, lambda client: client.explain(served.url, MODEL, {"instances": [ARS_V_LIV]}))
    [explanation] = message["explanations"]
    assert np.allclose(list(explanation["prediction"].values()), EXPECTED[0], atol=1e-6)
    labels = {each["feature"]: each["label"] for each in explanation["contributions"]}
    assert (labels["home_elo"], labels["away_elo"]) == ("Home team: Elo rating", "away_elo")
    for index, name in enumerate("HDA"):
        total = explanation["base"][name] + sum(each["contribution"][name] for each in explanation["contributions"])
        assert abs(total - np.log(EXPECTED[0][index])) < 1e-4


def test_v2_explain_takes_the_body_of_infer(client: httpx.Client) -> None:
    response = client.post(f"/v2/models/{MODEL}/explain", json=match(id="why"))
    assert response.status_code == 200
    message = response.json()
    assert (message["id"], message["model_version"], message["parameters"]["missing_features"]) == ("why", "12", 0)
    by_v1 = client.post(f"/v1/models/{MODEL}:explain", json={"instances": [ARS_V_LIV]}).json()
    assert message["explanations"] == by_v1["explanations"]
    values = {each["feature"]: each["value"] for each in message["explanations"][0]["contributions"]}
    assert values == {
        "home_elo": 1900.5,
        "home_points": 9.0,
        "home_rest_days": 7.0,
        "away_elo": 1850.25,
        "away_points": 7.5,
        "away_rest_days": 14.0,
    }


def test_explanation_of_a_missing_feature(client: httpx.Client) -> None:
    message = client.post(f"/v1/models/{MODEL}:explain", json={"instances": [ARS_V_MCI]}).json()
    values = {each["feature"]: each["value"] for each in message["explanations"][0]["contributions"]}
    assert values["away_rest_days"] is None
    assert message["parameters"]["missing_features"] == 1


def test_page_for_people_loads_nothing_else(client: httpx.Client) -> None:
    response = client.get("/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    text = response.text
    for word in (MODEL, "version 12", "features", f"/v1/models/{MODEL}:explain", "ARS", str(client.base_url)):
        assert word in text
    for loading in ("<script", "src=", "@import", "url(", "<link"):
        assert loading not in text
    evil = client.get("/docs", headers={"host": 'x"><script>alert(1)</script>'})
    assert "<script" not in evil.text


def test_a_curl_of_the_page_is_answered(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    for path in (f"/v2/models/{MODEL}/infer", f"/v1/models/{MODEL}:predict", f"/v1/models/{MODEL}:explain"):
        example = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]
        assert client.post(path, json=example).status_code == 200
