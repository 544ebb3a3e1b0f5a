"""Requests of a version without a ready pod: the other version's pods have them until one is ready again."""

from rollout.kubernetes.client import Object
from rollout.kubernetes.splitters.canary import canary_of, weight_of
from rollout.kubernetes.splitters.predictors import Predictors
from rollout.kubernetes.splitters.route import PublicRoute, Shares
from rollout.spec import FULL_WEIGHT
from rollout.splitter import Readiness, SplitError


class Lending:
    """Both predictors of one service, and the route that splits its requests between them."""

    def __init__(self, service: str, predictors: Predictors, route: PublicRoute) -> None:
        """service: the InferenceService."""
        self._service = service
        self._predictors = predictors
        self._route = route

    def shares(self, canary: Object, weight: int) -> Shares:
        """Shares that give the candidate `weight` percent."""
        candidate, stable = self._predictors.candidate_name(canary), self._predictors.stable_name
        if weight == FULL_WEIGHT:
            return {candidate: FULL_WEIGHT}
        return {stable: FULL_WEIGHT - weight, **({candidate: weight} if weight else {})}

    def serving(self, service: Object) -> Readiness:
        """Whether each version that has requests has a ready pod, and the candidate where it is to have them all."""
        canary, names = canary_of(service), set(self._route.targets())
        if canary and weight_of(canary) == FULL_WEIGHT:
            names.add(self._predictors.candidate_name(canary))
        empty = [name for name in sorted(names) if not self._predictors.ready_pods(name)]
        return Readiness(not empty, f"requests go to {', '.join(empty)}, which has no ready pod" if empty else "")

    def require_stable(self, otherwise: str) -> None:
        """Raises SplitError unless a stable pod is ready. otherwise: what that means for its requests."""
        if not self._predictors.ready_pods(self._predictors.stable_name):
            raise SplitError(f"no pod of the stable version of {self._service} is ready, and {otherwise}")

    def lend_to_candidate(self, candidate: str) -> None:
        """Send all requests to the candidate while no stable pod is ready, and raise SplitError."""
        if not self._predictors.ready_pods(self._predictors.stable_name):
            self._route.set_shares({candidate: FULL_WEIGHT})
        self.require_stable("the candidate's pods have all its requests until one is")

    def give_back(self, canary: Object) -> None:
        """Go back to the last shares in force, where the stable version had lent all its requests."""
        lent = self._route.share_of(self._predictors.stable_name) == 0
        if lent and weight_of(canary) < FULL_WEIGHT:
            self._route.set_shares(self.shares(canary, weight_of(canary)))

    def move_from_unready(self, canary: Object) -> None:
        """In a promotion: send the requests of a version without a ready pod to the other, and raise SplitError."""
        candidate, stable = self._predictors.candidate_name(canary), self._predictors.stable_name
        ready = {name: bool(self._predictors.ready_pods(name)) for name in (candidate, stable)}
        for name, other in ((candidate, stable), (stable, candidate)):
            if self._route.share_of(name) and not ready[name] and ready[other]:
                self._route.set_shares({other: FULL_WEIGHT})
                raise SplitError(f"no pod of {name} is ready, and those of {other} have all requests")
