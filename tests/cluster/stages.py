"""What the cluster test plays, in order; each stage says what held, or raises Failure."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np

from tests.cluster import faults, forecasts, loading, rollouts
from tests.cluster.kube import Kube, is_ready
from tests.cluster.release import NAME
from tests.cluster.scene import Scene
from tests.cluster.shell import Failure
from tests.cluster.traffic import traffic

INSTALL_SECONDS = 1500
PREDICTOR = f"serving.kserve.io/inferenceservice={forecasts.MODEL}"
GATEWAY = ("envoy-gateway-system", "gateway.envoyproxy.io/owning-gateway-name=kserve-ingress-gateway")
TOLERANCE = 1e-6


def images(scene: Scene) -> list[str]:
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


def champion(scene: Scene) -> list[str]:
    """In MLflow a champion, in the bucket its bundle, in Redis the features."""
    with scene.registry() as (registry, _):
        version = registry.resolve(f"mlflow://{forecasts.MODEL}@champion")
    [redis] = scene.kube.ready("app.kubernetes.io/component=redis")
    size = scene.kube(*("exec", redis, "--", "sh", "-c", 'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli dbsize')).strip()
    if int(size.split()[-1]) < 20:
        raise Failure(f"Redis holds {size} entities, expected a season's 20 teams")
    return [f"champion: version {version.version}", f"Redis: {size} entities"]


def embedded(scene: Scene) -> list[str]:
    """The forecast of one machine, which the cluster's must equal."""
    scene.wanted = scene.embedded.forecast()
    return [f"{home} - {away}: {row.round(4).tolist()}" for (home, away), row in _rows(scene.wanted)]


def served(scene: Scene) -> list[str]:
    """The champion through the gateway, in every protocol, equal to the embedded forecast."""
    kube = scene.kube
    kube.until("the InferenceService Ready", lambda: is_ready(kube.get("inferenceservice", forecasts.MODEL)), 300)
    scene.gateway = scene.stack.enter_context(_gateway())
    facts = []
    with httpx.Client(base_url=scene.gateway, headers={"Host": scene.host}, timeout=20) as client:
        kube.until("an answer through the gateway", lambda: client.get("/v2/health/live").is_success, 60)
        answer = client.post(forecasts.INFER, json=forecasts.BODY)
        facts.append(_equal("V2 REST", forecasts.of_v2(answer), scene))
        facts.append(f"answered by version {answer.json()['model_version']}")
        facts.append(_equal("V1", forecasts.over_v1(client), scene))
    facts.append(_equal("KServe's REST client", forecasts.over_kserve_rest(scene.gateway, scene.host), scene))
    routed = forecasts.routes_grpc(scene.gateway, scene.host)
    facts.append(f"the gateway {'routes' if routed else 'does not route'} gRPC")
    [pod, *_] = kube.ready(PREDICTOR)
    with kube.forwarded(f"pod/{pod}", 8081) as port:
        facts.append(_equal("KServe's gRPC client, at the pod", forecasts.over_kserve_grpc(port), scene))
    return facts


def helm_test(scene: Scene) -> list[str]:
    """`helm test` makes a forecast."""
    scene.release("test", NAME, "--timeout", "180s", seconds=200)
    return ["helm test passed"]


def upgrade(scene: Scene) -> list[str]:
    """Another replica count and back, under traffic, without a failed request."""
    kube, before = scene.kube, scene.release.revision()
    with traffic(scene.ask, scene.gateway) as seen:
        scene.release.set("models.match-outcome.replicas=2")
        kube.until("two predictors", lambda: len(kube.ready(PREDICTOR)) == 2, 180)
        time.sleep(5)
        scene.release("rollback", NAME, str(before), "--timeout", "300s", seconds=330)
        kube.until("one predictor", lambda: len(kube.pods(PREDICTOR)) == 1, 120)
        time.sleep(10)
    if seen.failed:
        raise Failure(f"upgrade and rollback failed requests: {seen}")
    return [f"upgrade to two replicas and rollback: {seen}"]


def redis_killed(scene: Scene) -> list[str]:
    """Without Redis answers go on, degraded; with it they are fresh again."""
    kube = scene.kube
    with traffic(scene.ask, scene.gateway) as seen:
        time.sleep(3)
        kube("scale", "statefulset", f"{NAME}-redis", "--replicas", "0")
        kube("delete", "pod", f"{NAME}-redis-0", "--grace-period=0", "--force", "--ignore-not-found", seconds=60)
        kube.until("degraded answers", lambda: any(seen.degraded[-20:]), 90)
        time.sleep(5)
        away = seen.degraded[-20:]
        kube("scale", "statefulset", f"{NAME}-redis", "--replicas", "1")
        kube.until("Redis back", lambda: kube.ready("app.kubernetes.io/component=redis"), 120)
        kube.until("fresh answers", lambda: not any(seen.degraded[-20:]), 120)
    if seen.failed:
        raise Failure(f"requests failed while Redis was away: {seen}")
    if not all(away):
        raise Failure("answers were not marked as degraded while Redis was away")
    return [f"Redis away and back: {seen}, {sum(seen.degraded)} of them degraded"]


MOST_IN_FLIGHT = 4
"""The most requests that one predictor can be answering: traffic has as many clients."""


def pod_killed(scene: Scene) -> list[str]:
    """One of two predictors killed at once: what it was answering may fail, nothing else."""
    kube = scene.kube
    scene.release.set("models.match-outcome.replicas=2")
    kube.until("two predictors", lambda: len(kube.ready(PREDICTOR)) == 2, 180)
    with traffic(scene.ask, scene.gateway) as seen:
        time.sleep(3)
        kube("delete", "pod", kube.ready(PREDICTOR)[0], "--grace-period=0", "--force", seconds=60)
        kube.until("two predictors again", lambda: len(kube.ready(PREDICTOR)) == 2, 180)
        time.sleep(5)
    if seen.failed > MOST_IN_FLIGHT:
        raise Failure(f"a killed predictor failed more than what it was answering: {seen}")
    return [f"one predictor of two killed: {seen}"]


def clear(scene: Scene) -> list[str]:
    """Uninstall; only what the documentation names is left; then the namespace goes."""
    kube = scene.kube
    facts = []
    rollouts.ended(kube)
    if NAME in scene.release("list", "--short").split():
        left = scene.release.uninstall()
        facts.append(f"left after helm uninstall, beside the pods of these jobs: {', '.join(left) or 'nothing'}")
    rollouts.forgotten(kube)
    kube("delete", "namespace", kube.namespace, "--ignore-not-found", "--timeout", "300s", seconds=320)
    return [*facts, "the namespace is deleted"]


STAGES = [
    ("images", images),
    ("install", install),
    ("champion", champion),
    ("embedded forecast", embedded),
    ("forecasts", served),
    ("helm test", helm_test),
    ("upgrade, rollback", upgrade),
    ("Redis killed", redis_killed),
    ("predictor killed", pod_killed),
    *faults.STAGES,
    *rollouts.STAGES,
]


def _values(scene: Scene) -> dict[str, Any]:
    values: dict[str, Any] = {"images": scene.images()}
    if scene.kfp:
        inside = os.environ.get("KFP_ENDPOINT_IN_CLUSTER", "http://ml-pipeline.kubeflow.svc:8888")
        values["pipelines"] = {"namespace": "kubeflow", "kfp": {"endpoint": inside}}
    return values


@contextmanager
def _gateway() -> Iterator[str]:
    """The address of the gateway: as `MATCHDAY_GATEWAY` says, or by a port of this machine."""
    if address := os.environ.get("MATCHDAY_GATEWAY"):
        yield address
        return
    namespace, selector = GATEWAY
    there = Kube(namespace)
    [service] = there.get("services", "--selector", selector)["items"]
    with there.forwarded(f"service/{service['metadata']['name']}", 80) as port:
        yield f"http://127.0.0.1:{port}"


def _equal(name: str, given: np.ndarray[Any, Any], scene: Scene) -> str:
    apart = float(np.abs(given - scene.wanted).max())
    if not apart <= TOLERANCE:
        raise Failure(f"{name}: off by {apart:.1e} from the embedded forecast: {given.tolist()}")
    return f"{name} equals the embedded forecast ({apart:.0e} apart)"


def _rows(matrix: np.ndarray[Any, Any]) -> Any:
    return zip(forecasts.MATCHES, matrix, strict=True)


def _all_ready(kube: Kube) -> bool:
    pods = [pod for pod in kube.get("pods")["items"] if pod["status"].get("phase") != "Succeeded"]
    return all(is_ready(pod) for pod in pods if "batch.kubernetes.io/job-name" not in pod["metadata"].get("labels", {}))
