"""Pods and sizes of both predictors of an InferenceService in Standard mode."""

from collections.abc import Callable
from fractions import Fraction

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import Object
from rollout.kubernetes.kinds import POD
from rollout.kubernetes.pods import ServerPod, list_pods
from rollout.kubernetes.splitters.budgets import selector_of
from rollout.kubernetes.splitters.canary import borrowed_by
from rollout.kubernetes.splitters.deployment import DeploymentSize
from rollout.kubernetes.splitters.inference_service import autoscaler_of, replicas_of
from rollout.kubernetes.splitters.route import PublicRoute
from rollout.kubernetes.splitters.sizes import StableSize, follow, least_pods, most_borrowed, needed_pods

ROOM_SECONDS = 60.0
"""Time for a node to come before a pod that finds none takes the place of a stable one."""


class Predictors:
    """The stable predictor and the candidate's, by the names of their Services and Deployments."""

    def __init__(self, api: Api, service: str, clock: Callable[[], float]) -> None:
        """service: the InferenceService. clock: Unix seconds."""
        self._api = api
        self._service = service
        self._clock = clock

    @property
    def stable_name(self) -> str:
        """Name of the stable predictor."""
        return f"{self._service}-predictor"

    def candidate_name(self, canary: Object) -> str:
        """Name of the candidate's predictor."""
        return f"{self._service}-{canary['predictor']['name']}-predictor"

    def pods(self, name: str) -> list[ServerPod]:
        """Pods of a predictor, without those that end."""
        return list_pods(self._api, selector_of(name))

    def ready_pods(self, name: str) -> list[ServerPod]:
        """Ready pods of a predictor."""
        return [pod for pod in self.pods(name) if pod.ready]

    def size(self, name: str) -> DeploymentSize:
        """Size of a predictor's Deployment."""
        return DeploymentSize(self._api, name)

    def stable_size(self, service: Object, canary: Object, route: PublicRoute) -> StableSize:
        """Size of the stable version. KServe holds it at `minReplicas` where no autoscaler sizes it."""
        least, most = replicas_of(service)
        borrowed = borrowed_by(canary)
        if autoscaler_of(service) == "none":
            return StableSize(max(1, least - borrowed), least, borrowed=borrowed)
        pods = self.size(self.stable_name).read() or least
        return StableSize(pods, most, autoscaled=True, share=route.share_of(self.candidate_name(canary)))

    def resize(self, canary: Object, stable: StableSize, weight: int | Fraction) -> None:
        """Size the candidate's Deployment for a weight."""
        size = self.size(self.candidate_name(canary))
        now = size.read()
        if now is not None and (wanted := follow(now, needed_pods(stable, weight, now))) != now:
            size.write(wanted)

    def needs(self, canary: Object, stable: StableSize, weight: int) -> int:
        """Ready pods that the candidate needs for a weight: fewer where no node has room for one of them."""
        now = self.size(self.candidate_name(canary)).read() or 0
        return (
            least_pods(stable, weight)
            if self._lacks_room(self.candidate_name(canary))
            else needed_pods(stable, weight, now)
        )

    def make_room(self, canary: Object, stable: StableSize) -> None:
        """Have the candidate, which has every request, give up a pod where an update of the stable pods finds no node.

        One, and the next only when that is gone; a stable version of a fixed size needs no more than one.
        """
        name = self.candidate_name(canary)
        pods = len(self._api.list(POD, selector_of(name)))
        least = 1 if stable.autoscaled else max(1, stable.whole - 1)
        if self._lacks_room(self.stable_name) and self.size(name).read() == pods > least:
            self.size(name).write(pods - 1)

    def must_borrow(self, canary: Object, stable: StableSize, weight: int) -> bool:
        """Whether the candidate is to take the place of one more stable pod; not before it has the last one."""
        if not self._lacks_room(self.candidate_name(canary)) or stable.borrowed >= most_borrowed(stable, weight):
            return False
        has_last = len(self._api.list(POD, selector_of(self.stable_name))) <= stable.pods
        return has_last and len(self.ready_pods(self.candidate_name(canary))) < least_pods(stable, weight)

    def _lacks_room(self, name: str) -> bool:
        """Whether no node has had room for a pod of a predictor for a while."""
        long_ago = self._clock() - ROOM_SECONDS
        since = (pod.unplaced_since for pod in self.pods(name))
        return any(each is not None and each <= long_ago for each in since)
