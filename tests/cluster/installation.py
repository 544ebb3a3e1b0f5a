"""Stages that install the chart, and the last one, which takes all of it away."""

import os
import time
from typing import Any

from tests.cluster import loading, rollouts
from tests.cluster.forecasts import MODEL
from tests.cluster.kube import Kube, is_ready
from tests.cluster.release import NAME
from tests.cluster.scene import Scene
from tests.cluster.shell import Failure

INSTALL_SECONDS = 1500
TEAMS = 20
"""Of a season; each is an entity of the online store."""


def build_images(scene: Scene) -> list[str]:
    """Built and in the nodes."""
    if not scene.built:
        loading.build()
        loading.load()
    return [", ".join(loading.names())]


def install(scene: Scene) -> list[str]:
    """The chart, with its own stores, where PodSecurity is `restricted`; its hooks make a champion.

    A machine of its own trains meanwhile: the cluster mostly waits.
    """
    scene.stack.enter_context(scene.embedded)
    scene.kube.create()
    begun = time.monotonic()
    scene.release.install(_values(scene), INSTALL_SECONDS)
    scene.kube.until("every pod ready", lambda: _all_ready(scene.kube), 300)
    jobs = [job["metadata"]["name"] for job in scene.kube.get("jobs")["items"] if job["status"].get("succeeded")]
    return [f"helm install, hooks included: {time.monotonic() - begun:.0f} s", f"jobs done: {', '.join(sorted(jobs))}"]


def find_champion(scene: Scene) -> list[str]:
    """In MLflow a champion, in the bucket its bundle, in Redis the features."""
    with scene.registry() as (registry, _):
        version = registry.resolve(f"mlflow://{MODEL}@champion")
    [redis] = scene.kube.ready("app.kubernetes.io/component=redis")
    size = scene.kube(*("exec", redis, "--", "sh", "-c", 'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli dbsize')).strip()
    if int(size.split()[-1]) < TEAMS:
        raise Failure(f"Redis holds {size} entities, expected a season's {TEAMS} teams")
    return [f"champion: version {version.version}", f"Redis: {size} entities"]


def clear(scene: Scene) -> list[str]:
    """Uninstall; only what the documentation names is left; then the namespace goes."""
    kube = scene.kube
    facts = []
    rollouts.end_rollouts(kube)
    if NAME in scene.release("list", "--short").split():
        left = scene.release.uninstall()
        facts.append(f"left after helm uninstall, beside the pods of these jobs: {', '.join(left) or 'nothing'}")
    rollouts.delete_definition(kube)
    kube("delete", "namespace", kube.namespace, "--ignore-not-found", "--timeout", "300s", seconds=320)
    return [*facts, "the namespace is deleted"]


def _values(scene: Scene) -> dict[str, Any]:
    values: dict[str, Any] = {"images": scene.images()}
    if scene.kfp:
        inside = os.environ.get("KFP_ENDPOINT_IN_CLUSTER", "http://ml-pipeline.kubeflow.svc:8888")
        values["pipelines"] = {"namespace": "kubeflow", "kfp": {"endpoint": inside}}
    return values


def _all_ready(kube: Kube) -> bool:
    pods = [pod for pod in kube.get("pods")["items"] if pod["status"].get("phase") != "Succeeded"]
    return all(is_ready(pod) for pod in pods if "batch.kubernetes.io/job-name" not in pod["metadata"].get("labels", {}))
