"""Splitter for KServe's Standard mode: the candidate's pods by `spec.canary`, requests by an HTTPRoute of our own.

KServe 0.20 starts a canary's pods and sends them nothing; from 0.21 its own routes carry the weight as well. Both have
a Service for each predictor, and our route splits over those, so the difference does not matter here. No request is
lost while KServe removes a predictor, because the public host has left it before.
"""

import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import Object
from rollout.kubernetes.conditions import StatusCondition
from rollout.kubernetes.leftover import Leftover
from rollout.kubernetes.pods import ServerPod, count_restarts, readiness
from rollout.kubernetes.splitters.budgets import DisruptionBudgets, selector_of
from rollout.kubernetes.splitters.canary import (
    canary_entry,
    canary_of,
    foreign_canaries,
    identity_of,
    stable_beside,
    version_of,
    weight_of,
    with_borrowed,
    with_weight,
)
from rollout.kubernetes.splitters.hand_back import HandBack, next_step
from rollout.kubernetes.splitters.inference_service import InferenceService, uri_of, version_of_uri
from rollout.kubernetes.splitters.lending import Lending
from rollout.kubernetes.splitters.mirror import Mirror
from rollout.kubernetes.splitters.predictors import Predictors
from rollout.kubernetes.splitters.route import PublicRoute
from rollout.kubernetes.splitters.server_probe import ServerProbe
from rollout.kubernetes.splitters.sizes import weight_like
from rollout.kubernetes.splitters.standard_conditions import foreign_message, standard_conditions
from rollout.spec import FULL_WEIGHT
from rollout.splitter import Endpoints, Readiness, SplitError, Unsplittable

MODE = "Standard"


class StandardSplitter:
    """One InferenceService in Standard mode. last_conditions: those that were asked for last."""

    mirrors = True
    limitations: tuple[str, ...] = (
        "Only the public host is split: a caller of a predictor's Service in the cluster gets that predictor.",
        "The candidate's pods are started beside the stable ones. Where no node has room for them, and no autoscaler "
        "sizes the stable version, each takes the place of a stable pod, never of the last one.",
        "The candidate's number of pods follows the stable version's; no autoscaler of its own sizes it.",
        "A drain of a node waits for a version's only pod until the rollout ends.",
    )

    def __init__(
        self,
        api: Api,
        service: str,
        model: str,
        probe: ServerProbe | None = None,
        clock: Callable[[], float] = time.time,
        candidate_uri: str = "",
    ) -> None:
        """service: the InferenceService. probe: in place of asking the pods. candidate_uri: as in InferenceService."""
        self._api = api
        self._candidate_uri = candidate_uri
        self._service = InferenceService(api, service, model, candidate_uri)
        self._route = PublicRoute(api, service, clock)
        self._predictors = Predictors(api, service, clock)
        self._lending = Lending(service, self._predictors, self._route)
        self._budgets = DisruptionBudgets(api, service)
        self._probe = probe or ServerProbe()
        self.last_conditions: list[StatusCondition] = []

    def check(self, stable: str) -> None:
        """Raises Unsplittable for a service that cannot be split, or that is pinned to another version."""
        service = self._service.check(MODE, stable)
        self._route.get()
        if names := foreign_canaries(service):
            raise Unsplittable(
                f"{self._service.name} has a canary already that no rollout made ({', '.join(names)}): remove it first"
            )
        if self.leftover():
            raise SplitError("waits until the candidate of a deleted rollout is gone")

    def prepare(self) -> None:
        """Lead the public host to the stable pods, and pin those to the version that they serve."""
        service = self._service.check(MODE)
        canary = canary_of(service)
        if not self._route.has_backends():
            self._send_all_to_stable()
        if not self._service.pin(service):
            self._apply(self._served_version(), None if foreign_canaries(service) else canary)
        if not canary:
            self._budgets.keep(service, {})

    def deploy(self, version: str) -> None:
        """Start servers of the candidate; they replace those of another candidate."""
        service = self._service_without_foreign_canary()
        pin = self._service.pin(service) or self._served_version()
        canary = canary_of(service)
        uri = self._service.storage_of(service, version)
        wanted = canary_entry(version, service, uri, pin, self._service.model)
        if not canary or identity_of(canary)[:2] != identity_of(wanted)[:2]:
            self._apply(pin, wanted)
        elif identity_of(canary) != identity_of(wanted):  # made by an earlier release
            self._apply(pin, with_weight(wanted, weight_of(canary)))
        elif not self._service.pin(service):
            self._apply(pin, canary)

    def readiness(self) -> Readiness:
        """Whether the candidate has as many ready pods as it asks for.

        Once its share of the requests, or of copies, is in force, a pod more that finds no node does not count.
        """
        canary = self._canary(self._service.get())
        name = self._predictors.candidate_name(canary)
        pods = self._predictors.pods(name)
        wanted = self._predictors.size(name).read() or 1
        if self._route.share_of(name) or self._route.copies_to(name):
            wanted = max(1, wanted - sum(pod.unplaced_since is not None for pod in pods))
        return self._readiness(canary, pods, wanted)

    def serving(self) -> Readiness:
        """Whether each version that has requests has a ready pod, and the candidate where it is to have them all."""
        return self._lending.serving(self._service.get())

    def split(self, weight: int, mirror: int = 0) -> bool:
        """Send the candidate `weight` percent once it has enough pods; nothing while it has no ready pod.

        Raises SplitError while no stable pod is ready: then the candidate's pods have all requests, but not in the
        shadow step, where it has none.
        """
        service = self._service_without_foreign_canary()
        canary = self._canary(service)
        if not weight:
            return self._withhold(service, canary, mirror)
        name = self._predictors.candidate_name(canary)
        canary, needed = self._grow(service, canary, weight)
        pods = self._predictors.pods(name)
        if not any(pod.ready for pod in pods):
            self._send_all_to_stable()
            self._lending.require_stable("none of the candidate's is")
            return False
        enough = self._readiness(canary, pods, needed).ready
        if not (enough and weight == FULL_WEIGHT):
            self._lending.lend_to_candidate(name)
        if not enough:
            self._lending.give_back(canary)
            return False
        if weight_of(canary) != weight:
            self._apply(self._service.pin(service), with_weight(canary, weight))
        self._keep_budgets(service, self._predictors.stable_name, name)
        return self._route.set_shares(self._lending.shares(canary, weight))

    def endpoints(self) -> Endpoints:
        """URLs of the ready pods."""
        canary = canary_of(self._service.get())
        predictors = self._predictors
        return Endpoints(
            stable=tuple(pod.url for pod in predictors.ready_pods(predictors.stable_name)),
            canary=tuple(pod.url for pod in predictors.ready_pods(predictors.candidate_name(canary))) if canary else (),
        )

    def restarts(self, promoted: bool = False) -> Mapping[str, int]:
        """Restarts of the server in each of the candidate's pods, or of the stable version's."""
        if promoted:
            return count_restarts(self._api, selector_of(self._predictors.stable_name))
        canary = canary_of(self._service.get())
        return count_restarts(self._api, selector_of(self._predictors.candidate_name(canary))) if canary else {}

    def promote(self, version: str) -> bool:
        """Pin the stable pods to the candidate's version while the candidate answers, then give the requests back."""
        service = self._service_without_foreign_canary()
        canary = canary_of(service)
        if canary:
            self._lending.move_from_unready(canary)
        if self._service.pin(service) != version:
            self._apply(version, canary)
            return False
        if not self._stable_serves(version):
            if canary:
                self._predictors.make_room(canary, self._predictors.stable_size(service, canary, self._route))
            return False
        if canary and not self._hand_back(service, canary):
            return False
        return self._send_all_to_stable() and self._remove_canary(service, canary)

    def roll_back(self, stable: str) -> bool:
        """Send all requests to stable pods of that version, then remove the candidate's.

        Without a route no request is split any more, so that the candidate can go.
        """
        service = self._service.find()
        if service is None:
            return True
        canary, foreign = canary_of(service), foreign_canaries(service)
        if self._service.pin(service) != stable:
            self._apply(stable, None if foreign else canary)
            return False
        ready = self._predictors.ready_pods(self._predictors.stable_name)
        if not ready or any(pod.pin != stable for pod in ready):
            raise SplitError(f"waits for ready pods of version {stable} to give the requests to")
        if self._route.find() and not self._send_all_to_stable():
            return False
        if foreign and canary:
            raise SplitError(foreign_message(self._service.name, foreign))
        return self._remove_canary(service, canary)

    def leftover(self) -> Leftover | None:
        """The candidate of a rollout, or a route that leads elsewhere than to the stable pods."""
        service = self._service.find()
        if service is None:
            return None
        canary, pin = canary_of(service), self._service.pin(service)
        if canary:
            return Leftover(version_of(canary), stable_beside(canary) or (pin if pin != version_of(canary) else ""))
        return Leftover("", pin) if self._route.leads_past({self._predictors.stable_name}) else None

    def conditions(self) -> list[StatusCondition]:
        """How the service is split and sized, and what disturbs that; nothing where there is no canary."""
        service = self._service.find()
        if service is None or not service["spec"].get("canary"):
            return []
        self.last_conditions = standard_conditions(self._api, service, self._predictors, self._route, self._budgets)
        return self.last_conditions

    def _send_all_to_stable(self, mirror: Mirror | None = None) -> bool:
        return self._route.set_shares({self._predictors.stable_name: FULL_WEIGHT}, mirror)

    def _withhold(self, service: Object, canary: Object, mirror: int) -> bool:
        """Whether the candidate gets no request but copies of `mirror` percent, and every stable pod answers."""
        canary, _ = self._grow(service, canary, 0, weight_like(mirror))
        self._keep_budgets(service, self._predictors.stable_name)
        sent = self._send_all_to_stable(Mirror(self._predictors.candidate_name(canary), mirror) if mirror else None)
        self._lending.require_stable("the candidate gets no request in this step")
        return sent and self._stable_serves(self._service.pin(service))

    def _grow(self, service: Object, canary: Object, weight: int, load: int | Fraction = 0) -> tuple[Object, int]:
        """Give the candidate the pods that it needs for a weight. Returns its entry and how many it needs.

        load: a weight for which it gets pods where there is room for them.
        """
        stable = self._predictors.stable_size(service, canary, self._route)
        self._predictors.resize(canary, stable, max(weight, load))
        if self._predictors.must_borrow(canary, stable, weight):
            canary = with_borrowed(canary, stable.borrowed + 1)
            self._apply(self._service.pin(service), canary)
        return canary, self._predictors.needs(canary, stable, weight)

    def _keep_budgets(self, service: Object, *names: str) -> None:
        """Have a budget for each of these predictors."""
        self._budgets.keep(service, {name: self._predictors.size(name).read() or 1 for name in names})

    def _service_without_foreign_canary(self) -> Object:
        """The service. Raises SplitError where it has a canary that no rollout made.

        Where that took the place of the candidate, whose pods are gone with its entry, stable pods have all requests.
        """
        service = self._service.get()
        if names := foreign_canaries(service):
            if not canary_of(service):
                self._send_all_to_stable()
            raise SplitError(foreign_message(self._service.name, names))
        return service

    def _canary(self, service: Object) -> Object:
        canary = canary_of(service)
        if not canary:
            raise SplitError(f"{self._service.name} has no canary: somebody removed it")
        return canary

    def _readiness(self, canary: Object, pods: list[ServerPod], wanted: int) -> Readiness:
        """Whether enough of these pods are ready and answer with the canary's version."""
        answering = [pod for pod in pods if not pod.ready or self._serves(pod, version_of(canary))]
        return readiness(answering, wanted)

    def _serves(self, pod: ServerPod, version: str) -> bool:
        return self._probe.is_ready(pod.url, self._service.model, version)

    def _served_version(self) -> str:
        """The version that the stable pods serve. Raises SplitError where they disagree."""
        if self._candidate_uri:
            return version_of_uri(uri_of(self._service.get()))
        urls = [pod.url for pod in self._predictors.ready_pods(self._predictors.stable_name)]
        return self._probe.served_version(urls, self._service.model)

    def _stable_serves(self, version: str) -> bool:
        """Whether every stable pod is ready and answers with this version."""
        pods = self._predictors.pods(self._predictors.stable_name)
        return bool(pods) and all(pod.ready and pod.pin == version and self._serves(pod, version) for pod in pods)

    def _hand_back(self, service: Object, canary: Object) -> bool:
        """Whether the stable pods, which have the candidate's version now, have all the requests again."""
        candidate, stable = self._predictors.candidate_name(canary), self._predictors.stable_name
        now = len(self._predictors.ready_pods(candidate))
        if not now:
            return self._send_all_to_stable()
        ready = len(self._predictors.ready_pods(stable))
        size = self._predictors.stable_size(service, canary, self._route)
        offered = self._route.weight_of(candidate) if self._route.weight_of(stable) else None
        step = next_step(HandBack(ready, now, size, offered, self._route.seconds_since_change()))
        if step is None:
            return False
        if step.candidate == 0:
            return self._send_all_to_stable()
        if self._route.set_shares({stable: ready, candidate: step.candidate}) and step.candidate < now:
            self._predictors.size(candidate).write(step.candidate)
            if size.borrowed:
                self._apply(self._service.pin(service), with_borrowed(canary, step.borrowed))
        return False

    def _remove_canary(self, service: Object, canary: Object) -> bool:
        """Whether the candidate's servers are gone. KServe's own route leaves them first, where it knew them."""
        self._budgets.keep(service, {})
        if not canary:
            return True
        self._apply(self._service.pin(service), with_weight(canary, 0) if weight_of(canary) else None)
        return False

    def _apply(self, pin: str, canary: Object | None) -> None:
        fields: dict[str, Any] = {"canary": [canary]} if canary else {}
        self._service.apply_pin(pin, **fields)
