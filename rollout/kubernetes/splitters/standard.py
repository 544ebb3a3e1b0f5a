"""KServe's Standard mode: candidate pods by `spec.canary`, requests by an HTTPRoute of the rollout's own.

KServe 0.20 starts a canary's pods and sends them nothing; from 0.21 its own routes carry the weight as well. Both have
a Service for each predictor, and the route splits over those: so neither matters here, and no request is lost while
KServe takes a predictor away, as the public host has left it before.

A canary's entry says only what differs from the stable predictor: KServe merges the one over the other, so what an
upgrade of the chart changes, changes for both.
"""

import math
import time
from collections.abc import Callable
from typing import Any

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import Object
from rollout.kubernetes.kinds import HTTP_ROUTE
from rollout.kubernetes.model_rollout import StatusCondition
from rollout.kubernetes.pods import PIN, ServerPod, list_pods, readiness
from rollout.kubernetes.splitters.inference_service import InferenceService, pin_of, pinned, predictor_of
from rollout.kubernetes.splitters.route import Route, Shares, backends_of
from rollout.kubernetes.splitters.server_probe import ServerProbe
from rollout.spec import FULL_WEIGHT
from rollout.splitter import Endpoints, Readiness, SplitError, Unsplittable

MODE = "Standard"


class StandardSplitter:
    """One InferenceService in Standard mode."""

    limitations: tuple[str, ...] = (
        "Only the public host is split: who calls a predictor's Service in the cluster gets that predictor.",
        "KServe takes a canary's pods off the stable predictor's replicas while the canary runs, down to one.",
        "A canary has as many pods as its weight is of the stable predictor's replicas; it is not autoscaled.",
        "A roll-back gives the stable pods everything at once, and KServe starts the others again only then.",
    )

    def __init__(
        self,
        api: Api,
        service: str,
        model: str,
        servers: ServerProbe | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """service: the InferenceService. servers: in place of the pods' own word."""
        self._api = api
        self._service = InferenceService(api, service, model)
        self._route = Route(api, service, clock)
        self._servers = servers or ServerProbe()

    def check(self, stable: str) -> None:
        """Raises Unsplittable for a service that it cannot split, or that is pinned to another version."""
        service = self._service.check(MODE, stable)
        self._route.get()
        if _canary(service) and not _is_ours(service):
            raise Unsplittable(f"{self._service.name} has a canary already that no rollout made: take it away first")

    def adopt(self) -> None:
        """See that the public host leads to the stable pods, and that those are pinned to what they serve."""
        service = self._service.check(MODE)
        if not self._route.is_open():
            self._route.direct({self._stable: FULL_WEIGHT})
        if not pin_of(service):
            self._apply(self._served(), _canary(service) if _is_ours(service) else None)

    def deploy(self, version: str) -> None:
        """Start servers of the candidate; what was a candidate before goes."""
        service = self._service.get()
        pin = pin_of(service) or self._served()
        canary = _canary(service)
        wanted = _entry(version, canary.get("trafficPercent", 0), service, self._service.model)
        if not canary or _what(canary) != _what(wanted):
            self._apply(pin, _entry(version, 0, service, self._service.model))
        elif not pin_of(service):
            self._apply(pin, canary)

    def readiness(self) -> Readiness:
        """Whether as many of the candidate's pods are ready as its share of the requests asks for."""
        canary = self._running()
        return self._readiness(canary, self._pods(self._candidate(canary)))

    def split(self, weight: int) -> bool:
        """Give the candidate `weight` percent of the requests, once it has the pods for them, and none without any."""
        service, canary = self._service.get(), self._running()
        wanted = _entry(_version(canary), weight, service, self._service.model)
        if _share_of(canary) != _share_of(wanted):
            self._apply(pin_of(service), wanted)
        if not weight:
            return self._route.direct({self._stable: FULL_WEIGHT}) and self._settled(pin_of(service))
        found = self._pods(self._candidate(canary))
        if not any(pod.ready for pod in found):
            self._route.direct({self._stable: FULL_WEIGHT})
            return False
        return self._readiness(wanted, found).ready and self._route.direct(self._shares(canary, weight))

    def endpoints(self) -> Endpoints:
        """The pods themselves, those that are ready."""
        service = self._service.get()
        canary = _canary(service)
        return Endpoints(
            stable=tuple(pod.url for pod in self._pods(self._stable) if pod.ready),
            canary=tuple(pod.url for pod in self._pods(self._candidate(canary)) if pod.ready) if canary else (),
        )

    def promote(self, version: str) -> bool:
        """Pin the stable pods to the candidate's version while the candidate answers, then give the requests back."""
        service = self._service.get()
        canary = _canary(service)
        if pin_of(service) != version:
            self._apply(version, canary)
            return False
        if not self._settled(version):
            return False
        if canary and not self._handed_back(service, canary):
            return False
        return self._route.direct({self._stable: FULL_WEIGHT}) and self._ended(version, canary)

    def withdraw(self, stable: str) -> bool:
        """Give all requests to stable pods of that version, then end the candidate's."""
        service = self._service.find()
        if service is None:
            return True
        canary = _canary(service)
        if canary and not _is_ours(service):
            return True
        if pin_of(service) != stable:
            self._apply(stable, canary)
            return False
        ready = [pod for pod in self._pods(self._stable) if pod.ready]
        if not ready or any(pod.pin != stable for pod in ready):
            raise SplitError(f"waits for ready pods of version {stable} to give the requests to")
        if not self._route.direct({self._stable: FULL_WEIGHT}):
            return False
        return self._ended(stable, canary)

    def conditions(self) -> list[StatusCondition]:
        """Whether KServe's own route carries the weight as well; found by looking at it."""
        service, route = self._service.find(), self._api.find(HTTP_ROUTE, self._service.name)
        canary = service and _canary(service)
        if not canary:
            return []
        name = self._candidate(canary)
        weighted = route is not None and any(name == each[0] for rule in backends_of(route) for each in rule)
        told = (
            f"KServe's own route sends {name} its share as well"
            if weighted
            else "KServe's own route sends a canary nothing: only the public host is split"
        )
        return [StatusCondition("SplitByKServe", str(weighted), "Weighted" if weighted else "StableOnly", told)]

    @property
    def _stable(self) -> str:
        """Name of the stable predictor's Service, and of its Deployment."""
        return f"{self._service.name}-predictor"

    def _candidate(self, canary: Object) -> str:
        """Name of the candidate's."""
        return f"{self._service.name}-{canary['predictor']['name']}-predictor"

    def _shares(self, canary: Object, weight: int) -> Shares:
        candidate = self._candidate(canary)
        return (
            {candidate: FULL_WEIGHT}
            if weight == FULL_WEIGHT
            else {self._stable: FULL_WEIGHT - weight, candidate: weight}
        )

    def _running(self) -> Object:
        canary = _canary(self._service.get())
        if not canary:
            raise SplitError(f"{self._service.name} has no canary: somebody took it away")
        return canary

    def _pods(self, predictor: str) -> list[ServerPod]:
        return list_pods(self._api, {"app": f"isvc.{predictor}"})

    def _readiness(self, canary: Object, found: list[ServerPod]) -> Readiness:
        """Whether enough of these pods are ready, and answer with the canary's version."""
        answering = [pod for pod in found if not pod.ready or self._answers(pod, _version(canary))]
        return readiness(answering, int(canary["predictor"]["minReplicas"]))

    def _answers(self, pod: ServerPod, version: str) -> bool:
        return self._servers.has(pod.url, self._service.model, version)

    def _served(self) -> str:
        """The version that the stable pods answer with, by their own word. Raises SplitError where they disagree."""
        return self._servers.version([pod.url for pod in self._pods(self._stable) if pod.ready], self._service.model)

    def _settled(self, version: str) -> bool:
        """Whether every stable pod is ready and answers with this version."""
        found = self._pods(self._stable)
        return bool(found) and all(pod.ready and pod.pin == version and self._answers(pod, version) for pod in found)

    def _handed_back(self, service: Object, canary: Object) -> bool:
        """Whether the stable pods, which have the candidate's version now, have all the requests again.

        A pod at a time, with requests by the number of pods: KServe lets the stable predictor have a pod again for
        each that the canary gives up.
        """
        count = int(canary["predictor"]["minReplicas"])
        stable = sum(pod.ready for pod in self._pods(self._stable))
        if stable < max(_replicas(service) - count, 1):
            return False
        if count == 1:
            return self._route.direct({self._stable: FULL_WEIGHT})
        if self._route.direct({self._stable: stable, self._candidate(canary): count - 1}):
            fewer = {**canary, "predictor": {**canary["predictor"], "minReplicas": count - 1}}
            self._apply(pin_of(service), fewer)
        return False

    def _ended(self, pin: str, canary: Object) -> bool:
        """Whether the candidate's servers are gone; first KServe's own route leaves them, where it knew them."""
        if not canary:
            return True
        if canary.get("trafficPercent"):
            self._apply(pin, {**canary, "trafficPercent": 0})
        else:
            self._apply(pin, None)
        return False

    def _apply(self, pin: str, canary: Object | None) -> None:
        fields: dict[str, Any] = {"canary": [canary]} if canary else {}
        self._service.apply(pinned(pin), **fields)


def _canary(service: Object) -> Object:
    """The canary's entry; empty when there is none."""
    entries = service["spec"].get("canary") or []
    return dict(entries[0]) if entries else {}


def _is_ours(service: Object) -> bool:
    """Whether the canary is one that a rollout made."""
    entries = service["spec"].get("canary") or []
    return len(entries) == 1 and PIN in (entries[0]["predictor"].get("annotations") or {})


def _entry(version: str, weight: int, service: Object, model: str) -> Object:
    """The canary as it should be: what differs from the stable predictor."""
    format_ = (predictor_of(service).get("model") or {}).get("modelFormat") or {}
    return {
        "trafficPercent": weight,
        "predictor": {
            "name": _name(version),
            "minReplicas": max(1, math.ceil(_replicas(service) * weight / FULL_WEIGHT)),
            **pinned(version),
            "model": {"modelFormat": format_, "storageUri": f"mlflow://{model}/{version}"},
        },
    }


def _share_of(canary: Object) -> tuple[int, int]:
    """Percent and pods of a canary."""
    return int(canary.get("trafficPercent", 0)), int(canary["predictor"]["minReplicas"])


def _what(canary: Object) -> tuple[str, str]:
    """Name and model of a canary."""
    return canary["predictor"]["name"], str((canary["predictor"].get("model") or {}).get("storageUri"))


def _name(version: str) -> str:
    return f"v{version}"


def _version(canary: Object) -> str:
    return str(canary["predictor"]["annotations"][PIN])


def _replicas(service: Object) -> int:
    """The least number of pods that the stable predictor has by itself."""
    return int(predictor_of(service).get("minReplicas") or 1)
