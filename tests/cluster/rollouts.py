"""Stages of the cluster test about rollouts: two versions behind one public host, and the judge between them.

Requests go through the gateway all the while; not one may fail.
"""

import json
import math
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from console.demo import variants
from matchday.bundle import read_bundle
from tests.cluster import forecasts
from tests.cluster.kube import Kube, is_ready
from tests.cluster.release import NAME
from tests.cluster.scene import Scene
from tests.cluster.shell import Failure, run
from tests.cluster.traffic import Traffic, traffic

MODEL = forecasts.MODEL
PODS = f"serving.kserve.io/inferenceservice={MODEL}"
OPERATOR = "app.kubernetes.io/component=rollout"
PREDICTOR = f"app=isvc.{MODEL}-predictor"
PIN = "matchday.io/version"
DEFINITION = "modelrollouts.matchday.io"
MEASURED = 2000
"""Requests over which a share is measured."""
ERRORS = 3
"""Standard errors within which it lies."""
WEIGHT = 20
MOST_SECONDS = 600.0
PAUSE_SECONDS = 0.01
"""Between two requests of a client: the judge passes nothing without evidence, and a 99th percentile takes some."""
KNATIVE_GATEWAY = "MATCHDAY_KNATIVE_GATEWAY"
"""Address of Knative's own gateway; without it nothing is played in Knative mode."""
NOT_PLAYED = f"{KNATIVE_GATEWAY} names no gateway: not played"
WEIGHTS = "MATCHDAY_CANARY_WEIGHTS"
"""A program that is called with `on` or `off`: whether KServe's own routes carry a canary's weight."""
SPEC = {
    "inferenceService": MODEL,
    "promotion": "Automatic",
    "cooldownSeconds": 0,
}
STRICT = {"errors": 0.02, "latency": 4}
"""The judge's limits, but for what a small machine with other work on it cannot keep."""
WIDE = {**STRICT, "distance": 0.25, "shift": 0.1, "favourites": 0.2, "spread": 1}
"""For the goals model alone, which differs more than a new training would."""


def enabled(scene: Scene) -> list[str]:
    """The operator comes; it pins what is served and opens the public host. Two more versions are registered."""
    kube = scene.kube
    there = DEFINITION in kube("get", "crd", "--output", "name")
    small = ("rollouts.interval=3", "rollouts.resources.requests.memory=256Mi")
    scene.release.set("rollouts.enabled=true", f"rollouts.definition={str(not there).lower()}", *small)
    kube.until("the operator ready", lambda: kube.ready(OPERATOR), 180)
    kube.until("the predictor pinned", lambda: _pin(kube) == _served_versions(kube), 180)
    kube.until("an answer at the public host", lambda: _asked(scene).is_success, 60)
    scene.versions = _registered(scene)
    known = ", ".join(f"{name} is version {version}" for name, version in scene.versions.items())
    return [f"{_host(scene)} answers, pinned to version {_pin(kube)}", known]


def promoted(scene: Scene) -> list[str]:
    """A good candidate: shadow, 20 %, 50 %, promotion with the alias."""
    version = scene.versions[variants.SIMPLER.name]
    steps = [_step(WEIGHT, approval=True), _step(50)]
    with _requests(scene) as seen:
        begun = time.monotonic()
        _begin(scene, "simpler", version, steps=steps)
        _until(scene, "simpler", "waits for approval", lambda status: status.get("gate") == f"1/{WEIGHT}")
        facts = [f"{WEIGHT} % {how}: {_measured(seen, version)}" for how in _ways()]
        _annotate(scene, "simpler", "approved", f"1/{WEIGHT}")
        _until(scene, "simpler", "is promoted", lambda status: status.get("phase") == "Promoted")
        passed = time.monotonic() - begun
        time.sleep(5)
    _no_failure(seen)
    if (champion := _champion(scene)) != version:
        raise Failure(f"the rollout promoted version {version}, and the alias champion means {champion}")
    return [*facts, f"version {version} promoted in {passed:.0f} s: {seen}", *_story(scene, "simpler")]


def stays(scene: Scene) -> list[str]:
    """Neither an upgrade of the chart, nor a new pod, nor a moved alias changes what a rollout has let in."""
    kube, version = scene.kube, scene.versions[variants.SIMPLER.name]
    scene.release.set("inferenceService.stopSeconds=21")
    _settled(kube, version)
    with scene.registry() as (registry, _):
        registry.set_alias(MODEL, "champion", scene.versions[variants.SWAPPED.name])
        try:
            kube("delete", "pod", "--selector", PODS, "--wait=true", seconds=120)
            _settled(kube, version)
        finally:
            registry.set_alias(MODEL, "champion", version)
    return [f"after helm upgrade and a deleted pod with the alias elsewhere: version {version} still"]


def rolled_back(scene: Scene) -> list[str]:
    """A spoiled candidate gets a share of the requests, and is taken back."""
    before, version = _champion(scene), scene.versions[variants.SWAPPED.name]
    with _requests(scene) as seen:
        _begin(scene, "swapped", version, limits=STRICT, shadow={"rows": 0}, steps=[_step(WEIGHT), _step(50)])
        status = _until(scene, "swapped", "is rolled back", lambda status: status.get("phase") == "RolledBack")
        time.sleep(5)
    _no_failure(seen)
    if version in seen.versions[-100:] or (champion := _champion(scene)) != before:
        raise Failure(f"version {version} was rolled back and still answers, or the champion is {champion}")
    return [
        f"rolled back: {status['reason']}",
        f"{seen}, {seen.versions.count(version)} of them by the spoiled version",
    ]


def resumed(scene: Scene) -> list[str]:
    """The operator's pod is killed in the middle of a step; the next one goes on in the same window."""
    kube, version = scene.kube, scene.first
    with _requests(scene) as seen:
        _begin(scene, "back", version, shadow={"rows": 0}, steps=[_step(WEIGHT, holdSeconds=45)])
        _until(scene, "back", "has looked", lambda status: "canary" in _counted(status))
        before, holder = _status(scene, "back"), _holder(kube)
        kube("delete", "pod", "--selector", OPERATOR, "--grace-period=0", "--force", seconds=60)
        begun = time.monotonic()
        kube.until("another operator acting", lambda: _holder(kube) not in ("", holder), 120)
        taken_over = time.time()
        after = _until(scene, "back", "is looked at again", lambda status: status["tick"] > taken_over)
        away = time.monotonic() - begun
        _until(scene, "back", "is promoted", lambda status: status.get("phase") == "Promoted")
        time.sleep(5)
    _no_failure(seen)
    if (after["attempt"], after["since"]) != (before["attempt"], before["since"]):
        raise Failure("the rollout began its step anew after the operator was killed")
    return [f"operator killed at {WEIGHT} %, another went on after {away:.0f} s in the same window: {seen}"]


def knative(scene: Scene) -> list[str]:
    """The same service in Knative mode, where Knative's gateway is named; its versions and registry stay."""
    kube = scene.kube
    if KNATIVE_GATEWAY not in os.environ:
        return [NOT_PLAYED]
    kube("delete", "inferenceservice", MODEL, "--wait=true", seconds=180)
    kube.until("the predictor gone", lambda: not kube.get("pods", "--selector", PODS)["items"], 180)
    labels = {f"pod-security.kubernetes.io/{mode}": "baseline" for mode in ("enforce", "warn")}
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": kube.namespace, "labels": labels}})
    scene.knative = True
    scene.release.set("inferenceService.mode=Knative")
    kube.until("the InferenceService Ready", lambda: is_ready(kube.get("inferenceservice", MODEL)), 300)
    champion = _champion(scene)
    kube.until("the predictor pinned", lambda: _pin(kube) == champion, 180)
    kube.until("an answer at the public host", lambda: _asked(scene).is_success, 60)
    return [f"{_host(scene)} answers, pinned to version {_pin(kube)}"]


def knative_rollouts(scene: Scene) -> list[str]:
    """In Knative mode: 20 %, promotion, a spoiled candidate rolled back."""
    if not scene.knative:
        return [NOT_PLAYED]
    version, spoiled = scene.versions[variants.SIMPLER.name], scene.versions[variants.SWAPPED.name]
    with _requests(scene) as seen:
        _begin(scene, "simpler-knative", version, shadow={"rows": 0}, steps=[_step(WEIGHT, approval=True)])
        _until(scene, "simpler-knative", "waits for approval", lambda status: status.get("gate"))
        fact = f"{WEIGHT} %: {_measured(seen, version)}"
        _annotate(scene, "simpler-knative", "approved", "1/promotion")
        _until(scene, "simpler-knative", "is promoted", lambda status: status.get("phase") == "Promoted")
        _begin(scene, "swapped-knative", spoiled, limits=STRICT, shadow={"rows": 0}, steps=[_step(WEIGHT)])
        status = _until(scene, "swapped-knative", "is rolled back", lambda status: status.get("phase") == "RolledBack")
        time.sleep(5)
    _no_failure(seen)
    if (champion := _champion(scene)) != version or spoiled in seen.versions[-100:]:
        raise Failure(f"the champion is {champion}, or the spoiled version {spoiled} still answers")
    return [fact, f"version {version} promoted, then {status['reason']}", str(seen)]


def ended(kube: Kube) -> None:
    """Take back what is under way, while there is an operator for it."""
    if DEFINITION.partition(".")[0] in kube("api-resources", "--output", "name"):
        kube("delete", "modelrollouts", "--all", "--timeout", "120s", seconds=130)


def forgotten(kube: Kube) -> None:
    """Delete the definition, which outlives a release, where it was this one's."""
    found = json.loads(kube("get", "crd", "--output", "json"))["items"]
    for each in found:
        notes = each["metadata"].get("annotations") or {}
        if each["metadata"]["name"] == DEFINITION and notes.get("meta.helm.sh/release-namespace") == kube.namespace:
            kube("delete", "crd", DEFINITION, "--timeout", "60s")


STAGES = [
    ("rollouts", enabled),
    ("rollout, promoted", promoted),
    ("nothing else moves it", stays),
    ("rollout, rolled back", rolled_back),
    ("rollout, operator killed", resumed),
    ("Knative mode", knative),
    ("Knative rollouts", knative_rollouts),
]


def _host(scene: Scene) -> str:
    if scene.knative:
        url = scene.kube.get("inferenceservice", MODEL)["status"]["url"]
        return str(url).partition("://")[2]
    return f"{MODEL}.{scene.kube.namespace}.example.com"


def _gateway(scene: Scene) -> str:
    return os.environ[KNATIVE_GATEWAY] if scene.knative else scene.gateway


def _asked(scene: Scene) -> httpx.Response:
    try:
        with httpx.Client(base_url=_gateway(scene), timeout=10) as client:
            return client.post(forecasts.INFER, json=forecasts.BODY, headers={"Host": _host(scene)})
    except httpx.HTTPError:
        return httpx.Response(503)


@contextmanager
def _requests(scene: Scene) -> Iterator[Traffic]:
    """To the public host, as long as the block takes."""
    headers = {"Host": _host(scene)}

    def ask(client: httpx.Client) -> httpx.Response:
        return client.post(forecasts.INFER, json=forecasts.BODY, headers=headers)

    with traffic(ask, _gateway(scene), MOST_SECONDS, PAUSE_SECONDS) as seen:
        yield seen


def _registered(scene: Scene) -> dict[str, str]:
    """Versions by the names of the variants that they are."""
    with scene.registry() as (registry, _), tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        champion = registry.resolve(f"mlflow://{MODEL}@champion")
        scene.first = champion.version
        registry.download(champion.uri, scratch / "champion")
        bundle = read_bundle(scratch / "champion")
        made = (variants.SIMPLER, variants.SWAPPED)
        return {each.name: variants.register(registry, champion, each, bundle, scratch) for each in made}


def _champion(scene: Scene) -> str:
    with scene.registry() as (registry, _):
        return registry.resolve(f"mlflow://{MODEL}@champion").version


def _step(weight: int, **changes: Any) -> dict[str, Any]:
    return {"weight": weight, "holdSeconds": 5, "minRequests": 100, "deadlineSeconds": 300, **changes}


def _begin(scene: Scene, name: str, version: str, **spec: Any) -> None:
    thing = {"apiVersion": "matchday.io/v1alpha1", "kind": "ModelRollout", "metadata": {"name": name}}
    scene.kube.apply({**thing, "spec": {**SPEC, "limits": WIDE, "candidate": version, **spec}})


def _annotate(scene: Scene, name: str, key: str, value: str) -> None:
    scene.kube("annotate", "--overwrite", "modelrollout", name, f"rollout.matchday.io/{key}={value}")


def _status(scene: Scene, name: str) -> dict[str, Any]:
    return dict(scene.kube.get("modelrollout", name).get("status") or {})


def _until(scene: Scene, name: str, what: str, wanted: Any, seconds: float = 240) -> dict[str, Any]:
    """Wait for a status. Raises Failure with what it says where it ends otherwise."""
    deadline = time.monotonic() + seconds
    while not wanted(status := _status(scene, name)):
        late = time.monotonic() > deadline
        if late or status.get("phase") in ("Refused", "RolledBack", "Promoted"):
            raise Failure(
                f"{name} never {what}: {status.get('phase')} at {status.get('weight')} %, {status.get('reason')}"
            )
        time.sleep(1)
    return status


def _holder(kube: Kube) -> str:
    """The operator that acts."""
    return str(kube.get("lease", f"{NAME}-rollout")["spec"].get("holderIdentity") or "")


def _counted(status: Mapping[str, Any]) -> str:
    """`canary` once a window has been looked at."""
    return "canary" if status.get("phase") == "Progressing" and status.get("verdict") else ""


def _ways() -> Iterator[str]:
    """With KServe's own routes as they are; where a program can switch them, without the weight and with it."""
    if not (program := os.environ.get(WEIGHTS)):
        yield "of the public host"
        return
    for way in ("off", "on"):
        run(program, way, seconds=60)
        time.sleep(3)
        yield f"with KServe's own weights {way}"


def _measured(seen: Traffic, version: str) -> str:
    """The share that a version has of the next requests. Raises Failure when it is not what was asked for."""
    begin = len(seen.versions)
    while len(seen.versions) < begin + MEASURED:
        time.sleep(0.5)
    mine = seen.versions[begin : begin + MEASURED].count(version)
    wanted, error = MEASURED * WEIGHT / 100, math.sqrt(MEASURED * WEIGHT / 100 * (1 - WEIGHT / 100))
    if abs(mine - wanted) > ERRORS * error:
        raise Failure(
            f"{mine} of {MEASURED} requests went to version {version}, not {wanted:.0f} +- {ERRORS * error:.0f}"
        )
    return f"{mine} of {MEASURED} requests"


def _no_failure(seen: Traffic) -> None:
    if seen.failed:
        raise Failure(f"requests failed: {seen}")


def _pin(kube: Kube) -> str:
    predictor = kube.get("inferenceservice", MODEL)["spec"]["predictor"]
    return str((predictor.get("annotations") or {}).get(PIN, ""))


def _served_versions(kube: Kube) -> str:
    """The versions that the predictor's pods were started with, once all are ready."""
    pods = kube.pods(PREDICTOR)
    if not pods or not all(map(is_ready, pods)):
        return "not ready"
    return ",".join(sorted({(pod["metadata"].get("annotations") or {}).get(PIN, "") for pod in pods}))


def _settled(kube: Kube, version: str) -> None:
    """Wait until ready pods, and no others, serve; and that is this version by their own word."""
    kube.until(f"version {version} served", lambda: _served_versions(kube) == version, 180)
    [pod, *_] = kube.ready(PREDICTOR)
    with kube.forwarded(f"pod/{pod}", 8080) as port:
        said = httpx.get(f"http://127.0.0.1:{port}/v2/models/{MODEL}", timeout=10).json()["versions"]
    if said != [version]:
        raise Failure(f"the pod {pod} is pinned to version {version} and serves {said}")


def _story(scene: Scene, name: str) -> list[str]:
    """What `kubectl` shows people of it."""
    listed = scene.kube("get", "modelrollouts", name).strip().splitlines()
    events = scene.kube(
        "get",
        "events",
        f"--field-selector=involvedObject.name={name}",
        "--sort-by=.metadata.creationTimestamp",
        "--output=custom-columns=TYPE:.type,REASON:.reason,MESSAGE:.message",
        "--no-headers",
    )
    return [*listed, *(line.strip() for line in events.strip().splitlines())]
