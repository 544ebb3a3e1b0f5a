"""Triton's HTTP client: prints its answers as JSON. Arguments: HOST:PORT."""

import json
import sys
from itertools import product

import numpy as np
import tritonclient.http as triton

MODEL = "match-outcome"
TEAMS = {"home": "ARS", "away": "LIV", "kickoff": "2026-05-24T15:00:00Z"}
FEATURES = np.array([[1900.5, 9.0, 7.0, 1850.25, 7.5, 14.0]], np.float32)
COMPRESSIONS = (None, "gzip", "deflate")


def inputs(mode: str, binary: bool) -> list[triton.InferInput]:
    """The inputs of a request in raw or entity mode."""
    if mode == "raw":
        given = triton.InferInput("features", [1, 6], "FP32")
        given.set_data_from_numpy(FEATURES, binary_data=binary)
        return [given]
    tensors = []
    for name, text in TEAMS.items():
        tensors.append(triton.InferInput(name, [1], "BYTES"))
        tensors[-1].set_data_from_numpy(np.array([text], object), binary_data=binary)
    return tensors


def main(address: str) -> None:
    """Health, metadata, and forecasts in every combination of what the client offers; then a refusal."""
    client = triton.InferenceServerClient(address, network_timeout=60, connection_timeout=60)
    said = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model ready": client.is_model_ready(MODEL),
        "other ready": client.is_model_ready("other"),
        "server": client.get_server_metadata()["name"],
        "model": client.get_model_metadata(MODEL, "12")["versions"],
        "forecasts": {},
    }
    for mode, binary, sent, back in product(("raw", "entity"), (True, False), COMPRESSIONS, COMPRESSIONS):
        outputs = [triton.InferRequestedOutput("probabilities", binary_data=binary)]
        result = client.infer(
            MODEL,
            inputs(mode, binary),
            outputs=outputs,
            request_id="t",
            request_compression_algorithm=sent,
            response_compression_algorithm=back,
        )
        assert result.get_response()["id"] == "t"
        name = f"{mode}, {'binary' if binary else 'JSON'}, {sent} sent, {back} asked for"
        said["forecasts"][name] = result.as_numpy("probabilities").tolist()
    said["forecasts"]["all outputs"] = client.infer(MODEL, inputs("raw", True)).as_numpy("probabilities").tolist()
    try:
        client.infer("other", inputs("raw", True))
    except triton.InferenceServerException as error:
        said["refusal"] = [error.status(), error.message()]
    print(json.dumps(said))


main(sys.argv[1])
