"""A cluster in this process: the API as far as rollouts use it, and KServe, Knative and a gateway that act on it.

What they do was seen on a real cluster with KServe 0.20 (docs/decisions/0010). After every write each part of the
public route that has a weight must lead to a ready pod: that is what no request may fail for.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rollout.splitter import SplitError
from tests.rollout.kubernetes.api_server import ApiServer, Object

NAMESPACE = "football"
SERVICE = "match-outcome"
PIN = "matchday.io/version"
AUTOSCALER = "serving.kserve.io/autoscalerClass"
CHAMPION = "mlflow://match-outcome@champion"


@dataclass
class Cluster(ApiServer):
    """clock: Unix seconds. broken: version -> what is wrong with its pods.

    replicas: `minReplicas`. autoscaler: of the service. demand: pods that the load needs, for an autoscaler. room: pods
    that the nodes have room for.
    """

    mode: str = "Standard"
    replicas: int = 1
    autoscaler: str = "none"
    demand: int = 1
    room: int = 1000
    champion: str = "1"
    clock: float = 1_800_000_000.0
    broken: dict[str, str] = field(default_factory=dict)
    weights: bool = False

    def __post_init__(self) -> None:
        predictor = {
            "minReplicas": self.replicas,
            "maxReplicas": max(self.replicas, 20 if self.autoscaler != "none" else 0),
            "model": {"modelFormat": {"name": "matchday"}, "storageUri": CHAMPION},
        }
        notes = {"serving.kserve.io/deploymentMode": self.mode, AUTOSCALER: self.autoscaler}
        labels = {"matchday.io/inference-service": SERVICE}
        self.put("inferenceservices", SERVICE, {"spec": {"predictor": predictor}}, annotations=notes, labels=labels)
        if self.mode == "Standard":
            for name in (SERVICE, f"{SERVICE}-predictor"):  # KServe copies a service's labels to its own routes
                owners = [{"kind": "InferenceService", "name": SERVICE, "controller": True}]
                self.put("httproutes", name, {"spec": {}}, labels=labels, ownerReferences=owners)
            self.put(
                "httproutes",
                f"{SERVICE}-public",
                {"spec": {"hostnames": ["x"], "rules": [{"matches": []}]}},
                labels=labels,
            )
        self.settle(rounds=4)

    # -- KServe, Knative, the gateway

    @property
    def service(self) -> Object:
        return self.get("inferenceservices", SERVICE)

    @property
    def predictor(self) -> Object:
        return dict(self.service["spec"]["predictor"])

    @property
    def pin(self) -> str:
        return str((self.predictor.get("annotations") or {}).get(PIN, ""))

    def settle(self, rounds: int = 1) -> None:
        """What controllers do in a while: a pod that is made is ready in the next."""
        for _ in range(rounds):
            (self._standard if self.mode == "Standard" else self._knative)()
            for route in self.having("httproutes"):
                generation = route["metadata"]["generation"]
                conditions = [
                    {"type": each, "status": "True", "observedGeneration": generation}
                    for each in ("Accepted", "ResolvedRefs")
                ]
                route["status"] = {"parents": [{"conditions": conditions}]}
            self.check_route()

    def _standard(self) -> None:
        canaries = self.service["spec"].get("canary") or []
        self._size(f"{SERVICE}-predictor", self._stable_replicas(canaries))
        self._deployment(f"{SERVICE}-predictor", self.pin, self.pin or self.champion)
        expected = {f"{SERVICE}-predictor"}
        for canary in canaries:
            name = f"{SERVICE}-{canary['predictor']['name']}-predictor"
            expected.add(name)
            uri = canary["predictor"]["model"]["storageUri"]
            notes = canary["predictor"].get("annotations", {})
            if notes.get(AUTOSCALER, self.autoscaler) != "external":
                self._size(name, canary["predictor"]["minReplicas"])
            elif ("deployments", name) not in self.objects:
                self._size(name, 1)
            self._deployment(name, notes.get(PIN, ""), uri.rpartition("/")[2])
        for thing in self.having("services"):
            if thing["metadata"]["name"] not in expected:
                name = thing["metadata"]["name"]
                del self.objects["services", name], self.objects["deployments", name]
                for pod in self.having("pods", f"app=isvc.{name}"):
                    del self.objects["pods", pod["metadata"]["name"]]

    def _stable_replicas(self, canaries: list[Object]) -> int:
        """KServe takes canaries' `minReplicas` off; an autoscaler gives the stable pods what their requests need."""
        least = self.predictor["minReplicas"]
        if canaries:
            least = max(least - sum(each["predictor"]["minReplicas"] for each in canaries), 1)
        if self.autoscaler == "none":
            return int(least)
        targets = self._targets()
        share = sum(weight for name, weight in targets if name == f"{SERVICE}-predictor")
        percent = share / (sum(weight for _, weight in targets) or 1) if targets else 1
        return max(int(least), math.ceil(self.demand * percent))

    def _size(self, name: str, replicas: int) -> None:
        if ("deployments", name) not in self.objects:
            self.put("deployments", name, {"spec": {"replicas": replicas}})
        self.objects["deployments", name]["spec"]["replicas"] = replicas

    def _deployment(self, name: str, pin: str, version: str) -> None:
        """Rolling update: a pod is made before one is taken, and only ready ones replace others."""
        replicas = self.get("deployments", name)["spec"]["replicas"]
        if ("services", name) not in self.objects:
            ports = [{"name": "http1", "port": 80}, {"name": "h2c", "port": 8081, "appProtocol": "kubernetes.io/h2c"}]
            self.put("services", name, {"spec": {"ports": ports}})
        pods = self.having("pods", f"app=isvc.{name}")
        for pod in pods:
            self._progress(pod)
        old = [pod for pod in pods if pod["metadata"]["annotations"].get(PIN, "") != pin]
        new = sorted((pod for pod in pods if pod not in old), key=is_ready, reverse=True)
        ready = [pod for pod in new if is_ready(pod)]
        for _ in range(replicas - len(new)):
            self._pod({"app": f"isvc.{name}"}, pin, version)
        surplus = new[replicas:] + (old[: max(0, len(ready) + len(old) - replicas)] if len(new) >= replicas else [])
        for pod in surplus:
            del self.objects["pods", pod["metadata"]["name"]]

    def _pod(self, labels: dict[str, str], pin: str, version: str) -> None:
        name = f"pod-{self.count}"
        body = {"spec": {"containers": [{"name": "kserve-container", "ports": [{"containerPort": 8080}]}]}}
        notes = {PIN: pin} if pin else {}
        status = {"podIP": f"10.0.0.{self.count}", "conditions": [] if self._has_room() else [self._unplaced()]}
        self.put("pods", name, {**body, "status": status, "version": version}, labels=labels, annotations=notes)

    def _has_room(self) -> bool:
        return sum(not is_unplaced(pod) for pod in self.having("pods")) < self.room

    def _unplaced(self) -> Object:
        since = f"{datetime.fromtimestamp(self.clock, UTC):%Y-%m-%dT%H:%M:%SZ}"
        message = "0/1 nodes are available: 1 Insufficient cpu"
        return {"type": "PodScheduled", "status": "False", "message": message, "lastTransitionTime": since}

    def _progress(self, pod: Object) -> None:
        if is_unplaced(pod):
            if self._has_room():
                pod["status"]["conditions"] = []
            return
        trouble = self.broken.get(pod["version"], "")
        if trouble == "crash":
            pod["status"]["initContainerStatuses"] = [
                {
                    "name": "storage-initializer",
                    "restartCount": 1,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 2, "message": "noise\nMLflow holds it damaged"}},
                }
            ]
        elif not trouble:
            pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}]

    def _knative(self) -> None:
        predictor, ksvc = self.predictor, self.objects.get(("ksvc", f"{SERVICE}-predictor"))
        status = self.service.setdefault("status", {}).setdefault("components", {}).setdefault("predictor", {})
        if ksvc is None:
            ksvc = self.put(
                "ksvc", f"{SERVICE}-predictor", {"spec": {}, "status": {}, "template": None, "revisions": 0}
            )
        template = json.dumps([predictor.get("annotations"), predictor["model"]])
        if template != ksvc["template"]:
            ksvc["template"], ksvc["revisions"] = template, ksvc["revisions"] + 1
            ksvc["status"]["latestCreatedRevisionName"] = f"r{ksvc['revisions']}"
            self._pod({"serving.knative.dev/revision": f"r{ksvc['revisions']}"}, self.pin, self.pin or self.champion)
        share, rolled = predictor.get("canaryTrafficPercent"), status.get("latestRolledoutRevision")
        latest = {"latestRevision": True, "percent": 100 if share is None or not rolled else share}
        traffic = [latest, *([{"revisionName": rolled, "percent": 100 - share}] if latest["percent"] < 100 else [])]
        if traffic != ksvc["spec"].get("traffic"):
            ksvc["spec"]["traffic"] = traffic
            ksvc["metadata"]["generation"] += 1
        for pod in self.having("pods"):
            self._progress(pod)
        created = ksvc["status"]["latestCreatedRevisionName"]
        if any(is_ready(pod) for pod in self.having("pods", f"serving.knative.dev/revision={created}")):
            ksvc["status"]["latestReadyRevisionName"] = created
        self._routed(ksvc, status)

    def _routed(self, ksvc: Object, status: Object) -> None:
        """Traffic goes to revisions that are ready; the service is Ready when its latest one is."""
        own, latest = ksvc["status"], ksvc["status"].get("latestReadyRevisionName")
        if latest:
            own["traffic"] = [
                {"revisionName": each.get("revisionName", latest), "percent": each["percent"]}
                for each in ksvc["spec"]["traffic"]
            ]
        whole = latest == own["latestCreatedRevisionName"]
        own["observedGeneration"] = ksvc["metadata"]["generation"]
        own["conditions"] = [{"type": "Ready", "status": str(whole)}]
        if whole and ksvc["spec"]["traffic"][0]["percent"] == 100:
            status["latestRolledoutRevision"] = latest

    # -- What people see

    def shares(self) -> dict[str, int]:
        """Percent of the public host's requests by version."""
        found: dict[str, int] = {}
        whole = sum(weight for _, weight in self._targets())
        for name, weight in ((name, 100 * weight / whole) for name, weight in self._targets()):
            ready = self._ready(name)
            for pod in ready:
                found[pod["version"]] = found.get(pod["version"], 0) + math.ceil(weight / len(ready))
        return found

    def check_route(self) -> None:
        """No share of the requests leads to nothing."""
        for name, weight in self._targets():
            assert not weight or self._ready(name), f"{weight} % of the requests go to {name}, which has no ready pod"

    def _targets(self) -> list[tuple[str, int]]:
        if self.mode == "Knative":
            ksvc = self.objects.get(("ksvc", f"{SERVICE}-predictor"))
            return [
                (each["revisionName"], each["percent"]) for each in (ksvc or {}).get("status", {}).get("traffic", [])
            ]
        route = self.get("httproutes", f"{SERVICE}-public")
        return [(each["name"], each["weight"]) for each in route["spec"]["rules"][-1].get("backendRefs", [])]

    def _ready(self, name: str) -> list[Object]:
        label = "serving.knative.dev/revision=" if self.mode == "Knative" else "app=isvc."
        return [pod for pod in self.having("pods", label + name) if is_ready(pod)]

    def is_ready(self, url: str, model: str, version: str) -> bool:
        """In place of asking the servers."""
        return self._at(url) == version

    def served_version(self, urls: Iterable[str], model: str) -> str:
        """In place of asking the servers."""
        [version] = {self._at(url) for url in urls} or {""}
        if not version:
            raise SplitError("the stable servers do not say which version they serve")
        return version

    def _at(self, url: str) -> str:
        pods = [pod for pod in self.having("pods") if f"http://{pod['status']['podIP']}:8080" == url and is_ready(pod)]
        return pods[0]["version"] if pods else ""


def is_ready(pod: Object) -> bool:
    return {"type": "Ready", "status": "True"} in pod["status"]["conditions"]


def is_unplaced(pod: Object) -> bool:
    return any(each["type"] == "PodScheduled" for each in pod["status"]["conditions"])
