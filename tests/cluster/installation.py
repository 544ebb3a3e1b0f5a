"""Stages that install the chart, and the last one, which takes all of it away."""

import time
from typing import Any

from tests.cluster import loading, rollouts
from tests.cluster.context import StageContext
from tests.cluster.forecasts import MODEL
from tests.cluster.kube import Kube, is_ready
from tests.cluster.release import NAME
from tests.cluster.shell import Failure

INSTALL_SECONDS = 1500
TEAMS = 20
"""Of a season; each is an entity of the online store."""


def build_images(context: StageContext) -> list[str]:
    """Build the images and bring them into the nodes."""
    if not context.built:
        loading.build()
        loading.load()
    return [", ".join(loading.names())]


def install(context: StageContext) -> list[str]:
    """The chart, with its own stores, where PodSecurity is `restricted`; its hooks train a champion.

    This machine trains the same model meanwhile, as the cluster mostly waits.
    """
    context.stack.enter_context(context.local)
    earlier = context.kube.clear_earlier()
    rollouts.delete_definition(context.kube)
    context.kube.create()
    begun = time.monotonic()
    context.release.install(_values(context), INSTALL_SECONDS)
    context.kube.until("every pod ready", lambda: _all_ready(context.kube), 300)
    jobs = [job["metadata"]["name"] for job in context.kube.get("jobs")["items"] if job["status"].get("succeeded")]
    return [
        *(f"left by an earlier run, and deleted: {name}" for name in earlier),
        f"helm install, hooks included: {time.monotonic() - begun:.0f} s",
        f"jobs done: {', '.join(sorted(jobs))}",
    ]


def find_champion(context: StageContext) -> list[str]:
    """MLflow has a champion, and Redis the features of a season's teams."""
    with context.registry() as (registry, _):
        version = registry.resolve(f"mlflow://{MODEL}@champion")
    [redis] = context.kube.ready("app.kubernetes.io/component=redis")
    size = context.kube(*("exec", redis, "--", "sh", "-c", 'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli dbsize')).strip()
    if int(size.split()[-1]) < TEAMS:
        raise Failure(f"Redis holds {size} keys, expected at least a season's {TEAMS} teams")
    return [f"champion: version {version.version}", f"Redis: {size} keys"]


def clear(context: StageContext) -> list[str]:
    """Uninstall; only what the documentation names is left; then the namespace goes."""
    kube = context.kube
    facts = []
    rollouts.end_rollouts(kube)
    if NAME in context.release("list", "--short").split():
        left = context.release.uninstall()
        facts.append(f"left after helm uninstall, beside the pods of these jobs: {', '.join(left) or 'nothing'}")
    rollouts.delete_definition(kube)
    kube("delete", "namespace", kube.namespace, "--ignore-not-found", "--timeout", "300s", seconds=320)
    return [*facts, "the namespace is deleted"]


def _values(context: StageContext) -> dict[str, Any]:
    values: dict[str, Any] = {"images": context.images()}
    if context.kfp:
        values["pipelines"] = {"namespace": "kubeflow", "kfp": {"endpoint": context.kfp_inside}}
    return values


def _all_ready(kube: Kube) -> bool:
    pods = [pod for pod in kube.get("pods")["items"] if pod["status"].get("phase") != "Succeeded"]
    return all(is_ready(pod) for pod in pods if "batch.kubernetes.io/job-name" not in pod["metadata"].get("labels", {}))
