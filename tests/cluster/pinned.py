"""The version that the predictor is pinned to, and the one that its pods serve."""

import httpx

from tests.cluster.context import StageContext
from tests.cluster.forecasts import MODEL
from tests.cluster.kube import Kube, is_ready
from tests.cluster.shell import Failure

PIN = "matchday.io/version"
STABLE = f"app=isvc.{MODEL}-predictor"
"""Selects the stable predictor's pods, and no candidate's."""


def champion(context: StageContext) -> str:
    """The version that the alias means."""
    with context.registry() as (registry, _):
        return registry.resolve(f"mlflow://{MODEL}@champion").version


def pin(kube: Kube) -> str:
    """The version that a rollout has let in; empty where none has."""
    predictor = kube.get("inferenceservice", MODEL)["spec"]["predictor"]
    return str((predictor.get("annotations") or {}).get(PIN, ""))


def served_versions(kube: Kube) -> str:
    """The versions that the predictor's pods were started with, once all are ready."""
    pods = kube.pods(STABLE)
    if not pods or not all(map(is_ready, pods)):
        return "not ready"
    return ",".join(sorted({(pod["metadata"].get("annotations") or {}).get(PIN, "") for pod in pods}))


def wait_until_served(kube: Kube, version: str) -> None:
    """Wait until every pod is ready and pinned to this version. Raises Failure where its server has another."""
    kube.until(f"version {version} served", lambda: served_versions(kube) == version, 180)
    [pod, *_] = kube.ready(STABLE)
    with kube.forwarded(f"pod/{pod}", 8080) as port:
        said = httpx.get(f"http://127.0.0.1:{port}/v2/models/{MODEL}", timeout=10).json()["versions"]
    if said != [version]:
        raise Failure(f"the pod {pod} is pinned to version {version} and serves {said}")
