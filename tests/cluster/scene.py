"""What the stages of the cluster test share."""

import json
import os
from contextlib import ExitStack
from functools import cached_property
from typing import Any

import httpx
import numpy as np

from tests.cluster import forecasts, loading
from tests.cluster.kube import Kube
from tests.cluster.release import Release


class Scene:
    """What they share.

    wanted: the embedded forecast. gateway: its address. first: the version that was champion first. versions: others,
    by name. knative: whether the service is in Knative mode by now.
    """

    def __init__(self, kube: Kube, release: Release, stack: ExitStack, built: bool) -> None:
        self.kube = kube
        self.release = release
        self.stack = stack
        self.built = built
        self.tag = loading.tag()
        self.kfp = os.environ.get("KFP_ENDPOINT", "")
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

    def ask(self, client: httpx.Client) -> httpx.Response:
        """The question, through the gateway."""
        return client.post(forecasts.INFER, json=forecasts.BODY, headers={"Host": self.host})
