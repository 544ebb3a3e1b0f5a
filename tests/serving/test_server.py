"""The real server process, asked as its users would."""

import asyncio
import json
import math
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

from serving.server import ServerError, check_port, wait_ready
from tests.lines import whole_lines
from tests.services.processes import end, free_port, listens, running, wait_for_port
from tests.serving.begun import BegunRequest
from tests.serving.conftest import (
    COMMAND,
    FEATURES,
    KICKOFF,
    LAST_KICKOFF,
    Online,
    Served,
    environ,
    match,
    probabilities,
)
from tests.waiting import eventually

INFER = "/v2/models/match-outcome/infer"
REST = 7.0
"""Days from the last match of ARS to KICKOFF."""
ARS_MCI = [1900.5, 9.0, REST, 1e-300, -3.25, math.nan]
ARS_LIV = [1900.5, 9.0, REST, 1850.25, 7.5, 14.0]


def answered(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def test_metadata_of_server_and_model(client: httpx.Client) -> None:
    assert answered(client.get("/v2")) == {
        "name": "matchday",
        "version": "0.1.0",
        "extensions": ["binary_tensor_data"],
    }
    assert answered(client.get("/v2/models")) == {"models": ["match-outcome"]}
    metadata = answered(client.get("/v2/models/match-outcome"))
    assert metadata == answered(client.get("/v2/models/match-outcome/versions/12/"))
    assert (metadata["name"], metadata["versions"]) == ("match-outcome", ["12"])
    assert metadata["platform"] == "onnx_onnxv1"
    described = {each["name"]: (each["datatype"], each["shape"]) for each in metadata["inputs"]}
    assert described == {
        "home": ("BYTES", [-1]),
        "away": ("BYTES", [-1]),
        "kickoff": ("BYTES", [-1]),
        "features": ("FP32", [-1, 6]),
    }
    columns = metadata["inputs"][-1]["parameters"]["columns"]
    assert columns == [ref.name for ref in FEATURES]
    assert metadata["inputs"][-1]["parameters"]["feature_service"] == "match_outcome_v1"
    assert metadata["outputs"][0]["parameters"]["columns"] == ["H", "D", "A"]


def test_health_and_readiness_when_all_is_well(client: httpx.Client) -> None:
    assert answered(client.get("/v2/health/live")) == {"live": True}
    assert answered(client.get("/v2/health/ready")) == {"ready": True}
    assert answered(client.get("/v2/models/match-outcome/ready")) == {"name": "match-outcome", "ready": True}
    assert client.get("/v2/models/match-outcome/versions/12/ready").status_code == 200


def test_entity_mode_looks_the_features_up(client: httpx.Client) -> None:
    message = answered(client.post(INFER, json=match("ARS", "LIV", id="one")))
    assert (message["model_name"], message["model_version"], message["id"]) == ("match-outcome", "12", "one")
    [output] = message["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("probabilities", "FP32", [1, 3])
    assert np.allclose(output["data"], probabilities(np.array([ARS_LIV]))[0], atol=1e-6)
    assert message["parameters"] == {
        "model_version": "12",
        "feature_service": "match_outcome_v1",
        "missing_features": 0,
        "features_event_time": "2026-05-16T18:00:00Z",
    }


def test_missing_features_are_counted_and_a_batch_equals_its_rows(client: httpx.Client) -> None:
    pairs = [("ARS", "LIV"), ("ARS", "MCI"), ("LIV", "WHU"), ("BOU", "ARS")]
    columns = {"home": [h for h, _ in pairs], "away": [a for _, a in pairs], "kickoff": [KICKOFF] * 4}
    inputs = [{"name": n, "shape": [4, 1], "datatype": "BYTES", "data": c} for n, c in columns.items()]
    batch = answered(client.post(INFER, json={"inputs": inputs}))
    alone = [answered(client.post(INFER, json=match(home, away))) for home, away in pairs]
    data = np.reshape(batch["outputs"][0]["data"], (4, 3))
    assert np.allclose(data, [each["outputs"][0]["data"] for each in alone], atol=1e-6)
    assert np.allclose(data[1], probabilities(np.array([ARS_MCI]))[0], atol=1e-6)
    counts = [each["parameters"]["missing_features"] for each in alone]
    assert counts == [0, 1, 3, 1]
    assert batch["parameters"]["missing_features"] == 5
    assert all(each["id"] for each in alone)
    assert len({each["id"] for each in alone}) == 4


def test_without_kickoff_the_moment_of_the_request_counts(client: httpx.Client) -> None:
    """The features are of May 2026: whether that is past depends on the clock of this machine."""
    response = client.post(INFER, json=match("ARS", "LIV", None))
    if time.time() > LAST_KICKOFF + 86_400:
        rest = min((time.time() - LAST_KICKOFF) / 86_400, 14.0)
        expected = probabilities(np.array([[*ARS_LIV[:2], rest, *ARS_LIV[3:]]]))
        assert np.allclose(answered(response)["outputs"][0]["data"], expected[0], atol=1e-4)
    else:
        assert response.status_code == 409


def test_raw_mode_takes_features_flat_or_nested(client: httpx.Client) -> None:
    rows = np.array([ARS_LIV, [1500, 1, 2, 1600, 3, 4]], np.float32)
    expected = probabilities(rows)
    for data in (rows.ravel().tolist(), rows.tolist()):
        tensor = {"name": "features", "shape": [2, 6], "datatype": "FP32", "data": data}
        message = answered(client.post(INFER, json={"inputs": [tensor], "outputs": [{"name": "probabilities"}]}))
        assert np.allclose(np.reshape(message["outputs"][0]["data"], (2, 3)), expected, atol=1e-6)
        assert message["outputs"][0]["shape"] == [2, 3]
        assert "features_event_time" not in message["parameters"]


def test_features_newer_than_the_kickoff_are_refused(client: httpx.Client) -> None:
    at = "2026-05-17T17:59:59Z"
    response = client.post(INFER, json=match("ARS", "BOU", at))
    assert response.status_code == 409
    assert "are of 2026-05-17T18:00:00Z, after the kickoff asked for (2026-05-17T17:59:59Z)" in response.json()["error"]
    assert client.post(INFER, json=match("ARS", "BOU", "2026-05-17T20:00:00+02:00")).status_code == 200


def test_unknown_teams_are_told_the_known_ones(client: httpx.Client) -> None:
    response = client.post(INFER, json=match("ars", "Arsenal"))
    assert response.status_code == 400
    assert response.json()["error"] == "unknown team 'Arsenal', 'ars': known are ARS, BOU, LIV, MCI, WHU"


async def _kserve(url: str, binary: bool) -> None:
    async with InferenceRESTClient(RESTConfig(protocol="v2", retries=1)) as kserve:
        assert await kserve.is_server_live(url)
        assert await kserve.is_server_ready(url)
        assert await kserve.is_model_ready(url, "match-outcome")
        assert not await kserve.is_model_ready(url, "other")
        inputs = []
        for name, value in (("home", "ARS"), ("away", "LIV"), ("kickoff", KICKOFF)):
            inputs.append(InferInput(name, [1], "BYTES"))
            inputs[-1].set_data_from_numpy(np.array([value], object), binary_data=binary)
        wanted = [RequestedOutput("probabilities", parameters={"binary_data": binary})]
        request = InferRequest("match-outcome", inputs, request_id="k", request_outputs=wanted)
        response = await kserve.infer(url, request, model_name="match-outcome")
        assert response.id == "k"
        assert response.parameters["model_version"] == "12"
        got = response.get_output_by_name("probabilities").as_numpy()
        assert np.allclose(got, probabilities(np.array([ARS_LIV])), atol=1e-6)

        raw = InferInput("features", [1, 6], "FP32")
        raw.set_data_from_numpy(np.array([ARS_LIV], np.float32), binary_data=binary)
        response = await kserve.infer(url, InferRequest("match-outcome", [raw]), model_name="match-outcome")
        assert np.allclose(response.outputs[0].as_numpy(), got, atol=1e-6)


@pytest.mark.parametrize("binary", [False, True])
def test_kserve_client_is_answered(served: Served, binary: bool) -> None:
    asyncio.run(_kserve(served.url, binary))


def test_a_request_continues_the_trace_and_health_is_not_traced(served: Served, client: httpx.Client) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    answered(client.get("/v2/health/live"))
    headers = {"traceparent": f"00-{trace}-{parent}-01"}
    answered(client.post(INFER, json=match(), headers=headers))
    assert client.post(INFER, json=match("XXX"), headers={"traceparent": "nonsense"}).status_code == 400
    spans = wait_for_spans(served.home, trace, 3)
    server = spans["POST /v2/models/{model}/infer"]
    assert server["parentSpanId"] == parent
    assert {spans[name]["parentSpanId"] for name in ("features", "inference")} == {server["spanId"]}
    assert {"key": "http.response.status_code", "value": {"intValue": "200"}} in server["attributes"]
    assert "health" not in (served.home / "telemetry" / "traces.jsonl").read_text()


def wait_for_spans(home: Path, trace: str, count: int) -> dict[str, Any]:
    file = home / "telemetry" / "traces.jsonl"
    found: dict[str, Any] = {}

    def complete() -> bool:
        spans = [json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0] for line in whole_lines(file)]
        found.update({span["name"]: span for span in spans if span["traceId"] == trace})
        return len(found) >= count

    eventually(complete)
    return found


def test_readiness_follows_the_store_and_liveness_does_not(online: Online, bundle: Path, tmp_path: Path) -> None:
    path, port = tmp_path / "online.db", free_port()
    with running(COMMAND, port, environ(tmp_path, bundle, path, port)), httpx.Client() as client:
        base = f"http://127.0.0.1:{port}"
        for url in ("/v2/health/ready", "/v2/models/match-outcome/ready"):
            response = client.get(base + url)
            assert response.status_code == 503
            assert "does not exist: materialise the features" in response.json()["error"]
        assert client.get(f"{base}/v2/health/live").status_code == 200
        assert client.post(base + INFER, json=match()).status_code == 503
        path.write_bytes(online.path.read_bytes())
        assert client.get(f"{base}/v2/health/ready").status_code == 200
        assert client.post(base + INFER, json=match()).status_code == 200


def test_starting_takes_little_work(online: Online, bundle: Path, tmp_path: Path) -> None:
    """CPU seconds of supervisor and worker, start to end: wall time depends on what else the machine does."""
    port, before = free_port(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(COMMAND, env=environ(tmp_path, bundle, online.path, port))
    try:
        wait_ready(process, "127.0.0.1", port, 60)
    finally:
        assert end(process, 60) == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{seconds:.2f} CPU seconds")
    assert seconds < 3.0


def test_server_imports_nothing_heavy(online: Online, bundle: Path, tmp_path: Path) -> None:
    port = free_port()
    script = (
        "import sys, asyncio, serving.launch, serving.application\n"
        "application = serving.application.create()\n"
        "loop = asyncio.new_event_loop()\n"
        "application.__rsgi_init__(loop)\n"
        "loop.run_until_complete(application.worker.endpoints['match-outcome'].check_ready())\n"
        "application.__rsgi_del__(loop)\n"
        "print(sorted({'feast', 'mlflow', 'pandas', 'sklearn', 'xgboost', 'kfp'} & set(sys.modules)))\n"
    )
    settings = environ(tmp_path, bundle, online.path, port)
    done = subprocess.run([sys.executable, "-c", script], env=settings, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_sigterm_answers_what_is_in_flight_then_ends(online: Online, bundle: Path, tmp_path: Path) -> None:
    port = free_port()
    with running(COMMAND, port, environ(tmp_path, bundle, online.path, port, max_concurrent="1")) as process:
        begun = BegunRequest(port)
        infer = f"http://127.0.0.1:{port}{INFER}"
        assert httpx.post(infer, json=match()).status_code == 429
        process.send_signal(signal.SIGTERM)
        eventually(lambda: not listens(port))
        assert begun.finish() == b"HTTP/1.1 200 OK"
        assert process.wait(60) == 0
        assert process.stdout is not None
        assert process.stdout.read() == ""


def test_workers_end_with_a_killed_supervisor(online: Online, bundle: Path, tmp_path: Path) -> None:
    port = free_port()
    with running(COMMAND, port, environ(tmp_path, bundle, online.path, port, workers="2")) as process:
        process.kill()
        eventually(lambda: can_be_had(port))


def can_be_had(port: int) -> bool:
    try:
        check_port("127.0.0.1", port)
    except ServerError:
        return False
    return True


def test_a_taken_port_and_wrong_settings_are_one_plain_line(bundle: Path, online: Online, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = start(environ(tmp_path, bundle, online.path, port))
        assert (done.returncode, done.stderr) == (
            2,
            f"matchday serving: port {port} on 127.0.0.1 is in use: free it or choose another\n",
        )
    done = start(environ(tmp_path, bundle, online.path, free_port(), workers="many"))
    assert done.returncode == 2
    assert done.stderr.startswith("matchday serving: settings: MATCHDAY_SERVING_WORKERS: ")
    assert done.stderr.count("\n") == 1
    done = start({**environ(tmp_path, bundle, online.path, free_port()), "MATCHDAY_SERVING_BUNDLES": "[oops"})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "bundles" in done.stderr
    done = start(environ(tmp_path, tmp_path / "nothing", online.path, free_port()))
    assert done.returncode == 2
    assert "no bundle at" in done.stderr


def start(settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(COMMAND, env=settings, capture_output=True, text=True, timeout=60, check=False)


def test_many_clients_at_once_get_their_own_answers(served: Served) -> None:
    teams = ["ARS", "BOU", "LIV", "MCI", "WHU"]
    pairs = [(home, away) for home in teams for away in teams if home != away]
    wrong: list[object] = []

    def ask(offset: int) -> None:
        with httpx.Client(base_url=served.url) as client:
            for home, away in pairs[offset::4] * 5:
                message = client.post(INFER, json=match(home, away, id=f"{home}-{away}")).json()
                if message.get("id") != f"{home}-{away}" or message["outputs"][0]["data"] != expected[home, away]:
                    wrong.append(message)

    with httpx.Client(base_url=served.url) as client:
        expected = {pair: client.post(INFER, json=match(*pair)).json()["outputs"][0]["data"] for pair in pairs}
    threads = [threading.Thread(target=ask, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len({tuple(data) for data in expected.values()}) == len(pairs)


def test_wait_for_port_reports_a_process_that_ends() -> None:
    process = subprocess.Popen([sys.executable, "-c", "print('gone')"], stdout=subprocess.PIPE, text=True)
    with pytest.raises(RuntimeError, match="ended with 0: gone"):
        wait_for_port(process, free_port())
