"""One request for forecasts, in every protocol: to a server of this machine, and through the cluster's gateway."""

import asyncio
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

from serving import server
from tests.cluster.shell import run
from tests.services.processes import free_port

MATCHDAY = str(Path(sys.executable).with_name("matchday"))
MODEL = "match-outcome"
KICKOFF = "2026-08-15T14:00:00Z"
MATCHES = [("ARS", "LIV"), ("MCI", "EVE"), ("CHE", "TOT")]


def columns(kickoff: str) -> dict[str, list[str]]:
    """The matches by column, all at one kick-off."""
    return {
        "home": [home for home, _ in MATCHES],
        "away": [away for _, away in MATCHES],
        "kickoff": [kickoff for _ in MATCHES],
    }


def body(kickoff: str) -> dict[str, list[dict[str, Any]]]:
    """The request of the V2 protocol."""
    inputs = columns(kickoff).items()
    return {
        "inputs": [{"name": name, "shape": [len(texts)], "datatype": "BYTES", "data": texts} for name, texts in inputs]
    }


COLUMNS = columns(KICKOFF)
BODY = body(KICKOFF)
INFER = f"/v2/models/{MODEL}/infer"


class LocalMachine:
    """Pipeline, registry, features and server on this machine, in a home of their own. Used in a `with`."""

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="matchday-local-")
        self._environ = {"MATCHDAY_HOME": self._home.name}
        self._threads = ThreadPoolExecutor(1)

    def __enter__(self) -> "LocalMachine":
        """Begin to train."""
        self._trained = self._threads.submit(run, MATCHDAY, "pipeline", "run", environ=self._environ, seconds=600)
        return self

    def __exit__(self, *error: object) -> None:
        """Wait for the end of the training, and leave nothing."""
        self._threads.shutdown()
        self._home.cleanup()

    def refresh(self, as_of: str) -> None:
        """Fill the online store as of a date. Raises Failure when a pipeline failed."""
        self._trained.result()
        run(MATCHDAY, "pipeline", "run", "materialise", "--as-of", as_of, environ=self._environ, seconds=600)

    def forecast(self) -> np.ndarray[Any, Any]:
        """Probabilities (n, 3). Raises Failure when the pipeline failed."""
        self._trained.result()
        port = free_port()
        with mock.patch.dict(os.environ, self._environ), server.running(f"mlflow://{MODEL}@champion", port=port):
            return of_v2(httpx.post(f"http://127.0.0.1:{port}{INFER}", json=BODY, timeout=20))


def of_v2(answer: httpx.Response) -> np.ndarray[Any, Any]:
    """Probabilities (n, 3) of a V2 answer."""
    answer.raise_for_status()
    return np.array(answer.json()["outputs"][0]["data"]).reshape(-1, 3)


def over_v1(client: httpx.Client) -> np.ndarray[Any, Any]:
    """Probabilities over the V1 protocol."""
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
    answer = client.post(f"/v1/models/{MODEL}:predict", json={"instances": rows})
    answer.raise_for_status()
    return np.array(answer.json()["predictions"])


def over_kserve_rest(base_url: str, host: str) -> np.ndarray[Any, Any]:
    """Probabilities that KServe's own REST client is given."""

    async def ask() -> Any:
        async with InferenceRESTClient(RESTConfig(protocol="v2", timeout=20)) as client:
            return await client.infer(base_url, _request(), headers={"Host": host}, model_name=MODEL)

    return np.array(asyncio.run(ask()).outputs[0].as_numpy()).reshape(-1, 3)


def over_kserve_grpc(port: int) -> np.ndarray[Any, Any]:
    """Probabilities that KServe's own gRPC client is given on a port of this machine."""

    async def ask() -> Any:
        async with InferenceGRPCClient(f"127.0.0.1:{port}", timeout=20, retries=0, channel_args=[]) as client:
            return await client.infer(_request())

    return np.array(asyncio.run(ask()).outputs[0].as_numpy()).reshape(-1, 3)


def routes_grpc(gateway: str, host: str) -> bool:
    """Whether the gateway answers gRPC for this host."""
    address = gateway.removeprefix("http://")
    with grpc.insecure_channel(address, options=[("grpc.default_authority", host)]) as channel:
        live = channel.unary_unary("/inference.GRPCInferenceService/ServerLive")
        try:
            live(b"", timeout=5)
        except grpc.RpcError:
            return False
        return True


def _request() -> InferRequest:
    inputs = [InferInput(name, [len(texts)], "BYTES", list(texts)) for name, texts in COLUMNS.items()]
    return InferRequest(MODEL, inputs)
