"""Splitter for KServe's Knative mode: each pin is a revision, `canaryTrafficPercent` the share of the latest one.

KServe sends the other requests to the revision that last had all of them, so a roll-back always finds it running.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import Object
from rollout.kubernetes.conditions import StatusCondition
from rollout.kubernetes.kinds import KNATIVE_SERVICE
from rollout.kubernetes.leftover import Leftover
from rollout.kubernetes.pods import ServerPod, count_restarts, list_pods, readiness
from rollout.kubernetes.splitters.inference_service import (
    InferenceService,
    pin_of,
    pinned,
    predictor_of,
    stable_of,
)
from rollout.kubernetes.splitters.server_probe import ServerProbe
from rollout.kubernetes.splitters.stable_ready import stable_ready
from rollout.spec import FULL_WEIGHT
from rollout.splitter import Endpoints, Readiness, SplitError, Unsplittable

MODE = "Knative"
SHARE = "canaryTrafficPercent"


@dataclass(frozen=True)
class Revisions:
    """Names of revisions. created: the latest. ready: the latest ready one. stable: the last with every request."""

    created: str
    ready: str
    stable: str


class KnativeSplitter:
    """One InferenceService in Knative mode."""

    mirrors = False
    limitations: tuple[str, ...] = (
        "Requests are not copied to the candidate: Knative's route has no filters.",
        "Requests over gRPC are not split: the servers have one port in this mode.",
        "A candidate that scaled to zero is not observed until requests wake it.",
        "Requests of a stable version without a ready pod wait for one: the candidate does not get them.",
        "A disruption budget counts the pods of both versions together.",
    )

    def __init__(self, api: Api, service: str, model: str, probe: ServerProbe | None = None) -> None:
        """service: the InferenceService. probe: in place of asking the pods."""
        self._api = api
        self._service = InferenceService(api, service, model)
        self._probe = probe or ServerProbe()
        self.last_conditions: list[StatusCondition] = []

    def check(self, stable: str) -> None:
        """Raises Unsplittable for a service that cannot be split, or that is pinned to another version."""
        service = self._service.check(MODE, stable)
        if self.leftover():
            raise SplitError("waits until the candidate of a deleted rollout is gone")
        if _share(service) not in (None, FULL_WEIGHT):
            raise Unsplittable(f"{self._service.name} has a canary already: set {SHARE} to 100 or remove it first")
        if not self._revisions(service).stable:
            raise SplitError(f"{self._service.name} has no revision yet that has had every request")

    def prepare(self) -> None:
        """Pin the stable pods to the version that they serve."""
        service = self._service.check(MODE)
        if pin_of(service):
            return
        revisions = self._revisions(service)
        urls = [pod.url for pod in self._pods(revisions.stable) if pod.ready]
        self._service.apply(pinned(self._probe.served_version(urls, self._service.model)))

    def deploy(self, version: str) -> None:
        """Create a revision of the candidate, without requests."""
        service = self._service.get()
        if pin_of(service) != version:
            self._apply(version, 0, pin_of(service))

    def readiness(self) -> Readiness:
        """Whether the latest revision is ready, and a pod of it answers."""
        service = self._service.get()
        revisions = self._revisions(service)
        pods = self._pods(revisions.created)
        if not pods and revisions.ready == revisions.created:
            return Readiness(True, "scaled to zero: the next request wakes it")
        answering = [pod for pod in pods if not pod.ready or self._serves(pod, pin_of(service))]
        found = readiness(answering, 1)
        if found.ready and revisions.ready != revisions.created:
            return Readiness(False, f"revision {revisions.created} is not ready yet")
        return found

    def serving(self) -> Readiness:
        """Whether the latest revision is ready."""
        return self.readiness()

    def split(self, weight: int, mirror: int = 0) -> bool:
        """Send the latest revision `weight` percent; nothing is copied.

        Raises SplitError while stable pods run and none is ready: Knative holds their requests back until one is.
        """
        service = self._service.get()
        if _share(service) != weight:
            self._apply(pin_of(service), weight, stable_of(service))
            return False
        stable = self._stable_ready(service)
        if weight < FULL_WEIGHT and stable.status == "False":
            raise SplitError(f"{stable.message}, and its requests wait for one")
        return self._in_force(weight)

    def endpoints(self) -> Endpoints:
        """URLs of the pods' servers, not of Knative's queue-proxy."""
        revisions = self._revisions(self._service.get())
        return Endpoints(
            stable=tuple(pod.url for pod in self._pods(revisions.stable) if pod.ready),
            canary=tuple(pod.url for pod in self._pods(revisions.created) if pod.ready),
        )

    def restarts(self, promoted: bool = False) -> Mapping[str, int]:
        """Restarts of the server in each pod of the latest revision: the candidate's, promoted or not."""
        created = self._revisions(self._service.get()).created
        return count_restarts(self._api, _labels(created)) if created else {}

    def promote(self, version: str) -> bool:
        """Let the latest revision keep every request, without a share in the specification."""
        service = self._service.get()
        if pin_of(service) != version:
            raise SplitError(f"{self._service.name} is pinned to {pin_of(service)}, not to version {version}")
        if _share(service) is not None:
            self._apply(version, None, stable_of(service))
            return False
        return self._in_force(FULL_WEIGHT)

    def roll_back(self, stable: str) -> bool:
        """Send all requests to the revision that had them before, then to one pinned to the version `stable`."""
        service = self._service.find()
        if service is None:
            return True
        if pin_of(service) != stable:
            if _share(service) not in (None, 0, FULL_WEIGHT):
                self._apply(pin_of(service), 0, stable_of(service))
            elif _share(service) != 0 or self._current_share() == 0:
                self._apply(stable, 0, stable)
            return False
        if _share(service) is None:
            return self._in_force(FULL_WEIGHT)
        revisions = self._revisions(service)
        if revisions.ready == revisions.created and self._in_force(0):
            self._apply(stable, None, stable_of(service))
        return False

    def leftover(self) -> Leftover | None:
        """The latest revision, where a rollout made it and it has a share in the specification."""
        service = self._service.find()
        if service is None or _share(service) is None or not stable_of(service):
            return None
        return Leftover(pin_of(service), stable_of(service))

    def conditions(self) -> list[StatusCondition]:
        """Whether the stable revision has a ready pod, while there is a candidate."""
        service = self._service.find()
        if service is None or _share(service) is None:
            return []
        self.last_conditions = [self._stable_ready(service)]
        return self.last_conditions

    def _stable_ready(self, service: Object) -> StatusCondition:
        """A stable revision that scaled to zero is ready: the next request wakes it."""
        return stable_ready(self._pods(self._revisions(service).stable), scales_to_zero=True)

    def _apply(self, pin: str, share: int | None, stable: str) -> None:
        """share: of the latest revision; None gives it every request. stable: what was served when it came.

        A revision keeps its annotations to its end: another one would be another revision.
        """
        field: dict[str, Any] = {} if share is None else {SHARE: share}
        self._service.apply({**pinned(pin, stable), **field})

    def _pods(self, revision: str) -> list[ServerPod]:
        return list_pods(self._api, _labels(revision)) if revision else []

    def _serves(self, pod: ServerPod, version: str) -> bool:
        return self._probe.is_ready(pod.url, self._service.model, version)

    def _knative_service(self) -> Object:
        return self._api.get(KNATIVE_SERVICE, f"{self._service.name}-predictor")

    def _revisions(self, service: Object) -> Revisions:
        status = self._knative_service().get("status", {})
        predictor = service.get("status", {}).get("components", {}).get("predictor", {})
        return Revisions(
            created=status.get("latestCreatedRevisionName", ""),
            ready=status.get("latestReadyRevisionName", ""),
            stable=predictor.get("latestRolledoutRevision", ""),
        )

    def _in_force(self, weight: int) -> bool:
        """Whether the latest revision has that share, and the Knative Service is ready."""
        conditions = self._knative_service().get("status", {}).get("conditions", [])
        ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
        return ready and self._current_share() == weight

    def _current_share(self) -> int | None:
        """Percent that the latest revision has; None while Knative has not acted on what KServe asks for."""
        thing = self._knative_service()
        status = thing.get("status", {})
        asked = [each.get("percent") for each in thing["spec"].get("traffic", []) if each.get("latestRevision")]
        latest = status.get("latestCreatedRevisionName")
        current = sum(each.get("percent") or 0 for each in status.get("traffic", []) if each["revisionName"] == latest)
        observed = status.get("observedGeneration") == thing["metadata"].get("generation")
        share = _share(self._service.get())
        return current if observed and asked == [FULL_WEIGHT if share is None else share] == [current] else None


def _share(service: Object) -> int | None:
    share = predictor_of(service).get(SHARE)
    return None if share is None else int(share)


def _labels(revision: str) -> dict[str, str]:
    """Labels of the pods of a revision."""
    return {"serving.knative.dev/revision": revision}
