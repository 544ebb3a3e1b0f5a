"""Triton's gRPC client: prints its answers as JSON. Arguments: HOST:PORT.

A process of its own, as its messages and KServe's have the same names.
"""

import json
import sys
from itertools import product

import numpy as np
import tritonclient.grpc as triton

MODEL = "match-outcome"
TEAMS = {"home": "ARS", "away": "LIV", "kickoff": "2026-05-24T15:00:00Z"}
FEATURES = np.array([[1900.5, 9.0, 7.0, 1850.25, 7.5, 14.0]], np.float32)
COMPRESSIONS = (None, "gzip", "deflate")


def inputs(mode: str) -> list[triton.InferInput]:
    """The inputs of a request in raw or entity mode: always as raw contents."""
    if mode == "raw":
        given = triton.InferInput("features", [1, 6], "FP32")
        given.set_data_from_numpy(FEATURES)
        return [given]
    tensors = []
    for name, text in TEAMS.items():
        tensors.append(triton.InferInput(name, [1], "BYTES"))
        tensors[-1].set_data_from_numpy(np.array([text.encode()], object))
    return tensors


def main(address: str) -> None:
    """Health, metadata, and forecasts by every compression; then a refusal."""
    client = triton.InferenceServerClient(address)
    said = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model ready": client.is_model_ready(MODEL),
        "server": client.get_server_metadata().name,
        "model": list(client.get_model_metadata(MODEL, "12").versions),
        "forecasts": {},
    }
    for mode, compression in product(("raw", "entity"), COMPRESSIONS):
        result = client.infer(
            MODEL, inputs(mode), request_id="t", compression_algorithm=compression, parameters={"ratio": 0.5, "big": 7}
        )
        assert result.get_response().id == "t"
        said["forecasts"][f"{mode}, {compression}"] = result.as_numpy("probabilities").tolist()
    try:
        client.infer("other", inputs("raw"))
    except triton.InferenceServerException as error:
        said["refusal"] = [error.status(), error.message()]
    print(json.dumps(said))


main(sys.argv[1])
