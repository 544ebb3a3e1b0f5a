"""State that the stages of the cluster test share."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import Any
from unittest import mock

import httpx
import numpy as np

from matchday.registry import Registry
from tests.cluster import forecasts, loading
from tests.cluster.kube import Kube
from tests.cluster.release import NAME, Release
from tests.cluster.silence import ApiSilence

PREDICTOR = f"serving.kserve.io/inferenceservice={forecasts.MODEL}"
"""Selects the pods of the release's predictor."""

LOGIN = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")


class StageContext:
    """Cluster, release, and what earlier stages found.

    local: the same model trained on this machine. wanted: its forecast. gateway: its address. first: the version that
    was champion first. versions: others, by name. knative: whether the service is in Knative mode by now.
    silence: of the cluster's API server. kfp, kfp_inside: Kubeflow Pipelines' API, from here and from the cluster.
    """

    def __init__(self, kube: Kube, release: Release, stack: ExitStack, built: bool) -> None:
        self.kube = kube
        self.release = release
        self.stack = stack
        self.silence = ApiSilence(kube.server())
        self.built = built
        self.tag = loading.tag()
        self.kfp = os.environ.get("KFP_ENDPOINT", "")
        self.kfp_inside = os.environ.get("KFP_ENDPOINT_IN_CLUSTER", "http://ml-pipeline.kubeflow.svc:8888")
        self.local = forecasts.LocalMachine()
        self.wanted: np.ndarray[Any, Any] = np.empty((0, 3))
        self.gateway = ""
        self.first = ""
        self.versions: dict[str, str] = {}
        self.knative = False

    @property
    def training(self) -> str:
        """How the champion is made."""
        return "a Kubeflow run" if self.kfp else "a Job with KFP's local runner"

    def kubernetes(self) -> str:
        """Version of the cluster."""
        return str(json.loads(self.kube("version", "--output", "json"))["serverVersion"]["gitVersion"])

    @cached_property
    def host(self) -> str:
        """Public host of the InferenceService; asked for once, as traffic does not wait for kubectl."""
        url = self.kube.get("inferenceservice", forecasts.MODEL)["status"].get("url", "")
        return str(url).removeprefix("http://").removeprefix("https://")

    def images(self) -> dict[str, dict[str, str]]:
        """The chart's value `images`: this checkout's, and the stand-ins."""
        own = {name: {"repository": f"matchday-{name}", "tag": self.tag} for name in ("serving", "pipeline")}
        stores = {"redis": "redis", "database": "postgres", "bucket": "bucket", "kafka": "kafka"}
        return own | {name: {"repository": f"matchday-{image}", "tag": "test"} for name, image in stores.items()}

    @contextmanager
    def registry(self) -> Iterator[tuple[Registry, httpx.Client]]:
        """The release's MLflow as its first user: the registry, and a client of the rest of its API."""
        secret = self.kube.secret(f"{NAME}-credentials")
        login = {key: secret[key] for key in LOGIN}
        with self.kube.forwarded(f"service/{NAME}-mlflow", 5000) as port, mock.patch.dict(os.environ, login):
            address = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=address, auth=(login[LOGIN[0]], login[LOGIN[1]]), timeout=20) as client:
                yield Registry(address), client

    def ask(self, client: httpx.Client) -> httpx.Response:
        """The question, through the gateway."""
        return client.post(forecasts.INFER, json=forecasts.BODY, headers={"Host": self.host})
