"""Splitter for KServe's Standard mode: the candidate's pods by `spec.canary`, requests by an HTTPRoute of our own.

KServe 0.20 starts a canary's pods and sends them nothing; from 0.21 its own routes carry the weight as well. Both have
a Service for each predictor, and our route splits over those, so the difference does not matter here. No request is
lost while KServe removes a predictor, because the public host has left it before.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import Object
from rollout.kubernetes.kinds import HTTP_ROUTE
from rollout.kubernetes.leftover import Leftover
from rollout.kubernetes.model_rollout import StatusCondition
from rollout.kubernetes.pods import ServerPod, count_restarts, list_pods, readiness
from rollout.kubernetes.splitters.canary import (
    canary_entry,
    canary_of,
    identity_of,
    is_ours,
    min_replicas,
    pods_of,
    share_of,
    stable_beside,
    version_of,
    with_fewer_pods,
)
from rollout.kubernetes.splitters.inference_service import InferenceService, pin_of, pinned
from rollout.kubernetes.splitters.route import PublicRoute, Shares, backends_of
from rollout.kubernetes.splitters.server_probe import ServerProbe
from rollout.spec import FULL_WEIGHT
from rollout.splitter import Endpoints, Readiness, SplitError, Unsplittable

MODE = "Standard"


class StandardSplitter:
    """One InferenceService in Standard mode."""

    limitations: tuple[str, ...] = (
        "Only the public host is split: a caller of a predictor's Service in the cluster gets that predictor.",
        "KServe takes a canary's pods off the stable predictor's replicas while the canary runs, down to one.",
        "A canary has as many pods as its weight is of the stable predictor's replicas; it is not autoscaled.",
        "A roll-back gives the stable pods all requests at once, and KServe starts the others again only then.",
    )

    def __init__(
        self,
        api: Api,
        service: str,
        model: str,
        probe: ServerProbe | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """service: the InferenceService. probe: in place of asking the pods."""
        self._api = api
        self._service = InferenceService(api, service, model)
        self._route = PublicRoute(api, service, clock)
        self._probe = probe or ServerProbe()

    def check(self, stable: str) -> None:
        """Raises Unsplittable for a service that cannot be split, or that is pinned to another version."""
        service = self._service.check(MODE, stable)
        self._route.get()
        if canary_of(service) and not is_ours(service):
            raise Unsplittable(f"{self._service.name} has a canary already that no rollout made: remove it first")
        if self.leftover():
            raise SplitError("waits until the candidate of a deleted rollout is gone")

    def prepare(self) -> None:
        """Lead the public host to the stable pods, and pin those to the version that they serve."""
        service = self._service.check(MODE)
        if not self._route.has_backends():
            self._send_all_to_stable()
        if not pin_of(service):
            self._apply(self._served_version(), canary_of(service) if is_ours(service) else None)

    def deploy(self, version: str) -> None:
        """Start servers of the candidate; they replace those of another candidate."""
        service = self._service.get()
        pin = pin_of(service) or self._served_version()
        canary = canary_of(service)
        wanted = canary_entry(version, 0, service, self._service.model, pin)
        if not canary or identity_of(canary) != identity_of(wanted):
            self._apply(pin, wanted)
        elif not pin_of(service):
            self._apply(pin, canary)

    def readiness(self) -> Readiness:
        """Whether the candidate has as many ready pods as its share of the requests needs."""
        canary = self._canary()
        return self._readiness(canary, self._pods(self._candidate_name(canary)))

    def split(self, weight: int) -> bool:
        """Send the candidate `weight` percent once it has enough pods; nothing while it has no ready pod."""
        service, canary = self._service.get(), self._canary()
        wanted = canary_entry(version_of(canary), weight, service, self._service.model, stable_beside(canary))
        if share_of(canary) != share_of(wanted):
            self._apply(pin_of(service), wanted)
        if not weight:
            return self._send_all_to_stable() and self._stable_serves(pin_of(service))
        pods = self._pods(self._candidate_name(canary))
        if not any(pod.ready for pod in pods):
            self._send_all_to_stable()
            return False
        return self._readiness(wanted, pods).ready and self._route.set_shares(self._shares(canary, weight))

    def endpoints(self) -> Endpoints:
        """URLs of the ready pods."""
        service = self._service.get()
        canary = canary_of(service)
        return Endpoints(
            stable=tuple(pod.url for pod in self._pods(self._stable_name) if pod.ready),
            canary=tuple(pod.url for pod in self._pods(self._candidate_name(canary)) if pod.ready) if canary else (),
        )

    def restarts(self) -> Mapping[str, int]:
        """Restarts of the server in each of the candidate's pods."""
        canary = canary_of(self._service.get())
        return count_restarts(self._api, _labels(self._candidate_name(canary))) if canary else {}

    def promote(self, version: str) -> bool:
        """Pin the stable pods to the candidate's version while the candidate answers, then give the requests back."""
        service = self._service.get()
        canary = canary_of(service)
        if pin_of(service) != version:
            self._apply(version, canary)
            return False
        if not self._stable_serves(version):
            return False
        if canary and not self._hand_back(service, canary):
            return False
        return self._send_all_to_stable() and self._remove_canary(version, canary)

    def roll_back(self, stable: str) -> bool:
        """Send all requests to stable pods of that version, then remove the candidate's."""
        service = self._service.find()
        if service is None:
            return True
        canary = canary_of(service)
        if canary and not is_ours(service):
            return True
        if pin_of(service) != stable:
            self._apply(stable, canary)
            return False
        ready = [pod for pod in self._pods(self._stable_name) if pod.ready]
        if not ready or any(pod.pin != stable for pod in ready):
            raise SplitError(f"waits for ready pods of version {stable} to give the requests to")
        if not self._send_all_to_stable():
            return False
        return self._remove_canary(stable, canary)

    def leftover(self) -> Leftover | None:
        """The candidate of a rollout, or a route that leads elsewhere than to the stable pods."""
        service = self._service.find()
        if service is None:
            return None
        canary, pin = canary_of(service), pin_of(service)
        if canary and is_ours(service):
            return Leftover(version_of(canary), stable_beside(canary) or (pin if pin != version_of(canary) else ""))
        return Leftover("", pin) if not canary and self._route.leads_past({self._stable_name}) else None

    def conditions(self) -> list[StatusCondition]:
        """Whether KServe's own route carries the weight as well."""
        service, route = self._service.find(), self._api.find(HTTP_ROUTE, self._service.name)
        canary = service and canary_of(service)
        if not canary:
            return []
        name = self._candidate_name(canary)
        weighted = route is not None and any(name == each[0] for rule in backends_of(route) for each in rule)
        message = (
            f"KServe's own route sends {name} its share as well"
            if weighted
            else "KServe's own route sends a canary nothing: only the public host is split"
        )
        return [StatusCondition("SplitByKServe", str(weighted), "Weighted" if weighted else "StableOnly", message)]

    @property
    def _stable_name(self) -> str:
        """Name of the stable predictor's Service and Deployment."""
        return f"{self._service.name}-predictor"

    def _candidate_name(self, canary: Object) -> str:
        """Name of the candidate's Service and Deployment."""
        return f"{self._service.name}-{canary['predictor']['name']}-predictor"

    def _shares(self, canary: Object, weight: int) -> Shares:
        candidate = self._candidate_name(canary)
        if weight == FULL_WEIGHT:
            return {candidate: FULL_WEIGHT}
        return {self._stable_name: FULL_WEIGHT - weight, candidate: weight}

    def _send_all_to_stable(self) -> bool:
        return self._route.set_shares({self._stable_name: FULL_WEIGHT})

    def _canary(self) -> Object:
        canary = canary_of(self._service.get())
        if not canary:
            raise SplitError(f"{self._service.name} has no canary: somebody removed it")
        return canary

    def _pods(self, predictor: str) -> list[ServerPod]:
        return list_pods(self._api, _labels(predictor))

    def _readiness(self, canary: Object, pods: list[ServerPod]) -> Readiness:
        """Whether enough of these pods are ready and answer with the canary's version."""
        answering = [pod for pod in pods if not pod.ready or self._serves(pod, version_of(canary))]
        return readiness(answering, pods_of(canary))

    def _serves(self, pod: ServerPod, version: str) -> bool:
        return self._probe.is_ready(pod.url, self._service.model, version)

    def _served_version(self) -> str:
        """The version that the stable pods serve. Raises SplitError where they disagree."""
        urls = [pod.url for pod in self._pods(self._stable_name) if pod.ready]
        return self._probe.served_version(urls, self._service.model)

    def _stable_serves(self, version: str) -> bool:
        """Whether every stable pod is ready and answers with this version."""
        pods = self._pods(self._stable_name)
        return bool(pods) and all(pod.ready and pod.pin == version and self._serves(pod, version) for pod in pods)

    def _hand_back(self, service: Object, canary: Object) -> bool:
        """Whether the stable pods, which have the candidate's version now, have all the requests again.

        The canary gives up one pod at a time, and KServe starts a stable pod for each; requests are split by the
        number of pods.
        """
        count = pods_of(canary)
        stable = sum(pod.ready for pod in self._pods(self._stable_name))
        if stable < max(min_replicas(service) - count, 1):
            return False
        if count == 1:
            return self._send_all_to_stable()
        if self._route.set_shares({self._stable_name: stable, self._candidate_name(canary): count - 1}):
            self._apply(pin_of(service), with_fewer_pods(canary))
        return False

    def _remove_canary(self, pin: str, canary: Object) -> bool:
        """Whether the candidate's servers are gone. KServe's own route leaves them first, where it knew them."""
        if not canary:
            return True
        self._apply(pin, {**canary, "trafficPercent": 0} if canary.get("trafficPercent") else None)
        return False

    def _apply(self, pin: str, canary: Object | None) -> None:
        fields: dict[str, Any] = {"canary": [canary]} if canary else {}
        self._service.apply(pinned(pin), **fields)


def _labels(predictor: str) -> dict[str, str]:
    """Labels of the pods of a predictor, by the name of its Service."""
    return {"app": f"isvc.{predictor}"}
