"""HTTPRoute of a model's public host: the chart creates it with host and gateway, rollouts own its rules."""

from collections.abc import Callable, Collection, Mapping

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import Object
from rollout.kubernetes.kinds import HTTP_ROUTE, INFERENCE_SERVICE, SERVICE
from rollout.kubernetes.pods import GRPC
from rollout.splitter import SplitError, Unsplittable

LABEL = "matchday.io/inference-service"
"""Label of the route: the service whose requests it splits. KServe copies a service's labels to routes of its own."""
CHANGED = "matchday.io/split-at"
"""Annotation of the route: Unix seconds of its last change, kept for a process that resumes after a kill."""
SETTLE_SECONDS = 3.0
"""Time that a gateway needs to act on a change after it has accepted it."""

GRPC_MATCH = {
    "path": {"type": "PathPrefix", "value": "/inference.GRPCInferenceService"},
    "headers": [{"type": "RegularExpression", "name": "content-type", "value": "^application/grpc.*"}],
}
REST_MATCH = {"path": {"type": "PathPrefix", "value": "/"}}

Shares = Mapping[str, int]
"""Weights by the name of a Service."""


class PublicRoute:
    """The one route with the label that is not KServe's."""

    def __init__(self, api: Api, service: str, clock: Callable[[], float]) -> None:
        """service: the InferenceService. clock: Unix seconds."""
        self._api = api
        self._service = service
        self._clock = clock

    def get(self) -> Object:
        """Read it. Raises Unsplittable unless there is exactly one."""
        labelled = self._api.list(HTTP_ROUTE, {LABEL: self._service})
        found = [route for route in labelled if not _is_of_kserve(route)]
        if len(found) != 1:
            raise Unsplittable(
                f"{len(found)} HTTPRoutes in {self._api.namespace} are labelled {LABEL}={self._service}, and a rollout "
                "needs one: install the chart with rollouts.enabled"
            )
        return found[0]

    def has_backends(self) -> bool:
        """Whether its requests go anywhere yet."""
        return any(backends for backends in backends_of(self.get()))

    def leads_past(self, names: Collection[str]) -> bool:
        """Whether a part of its requests goes to other Services than these."""
        return any(name not in names for rule in backends_of(self.get()) for name, _, _ in rule)

    def set_shares(self, shares: Shares) -> bool:
        """Split requests by these weights. Returns whether the gateway acts on it."""
        route = self.get()
        rules = self._rules(shares)
        if backends_of({"spec": {"rules": rules}}) != backends_of(route):
            changed = {CHANGED: f"{self._clock():.0f}"}
            change = {"metadata": {"annotations": changed}, "spec": {"rules": rules}}
            route = self._api.apply(HTTP_ROUTE, route["metadata"]["name"], change)
        changed_at = float((route["metadata"].get("annotations") or {}).get(CHANGED, "0"))
        return is_accepted(route) and self._clock() - changed_at >= SETTLE_SECONDS

    def _rules(self, shares: Shares) -> list[Object]:
        """A rule for REST, and one for gRPC where the Services have a port for it."""
        ports = self._ports(next(iter(shares)))
        rules = [_rule(REST_MATCH, shares, ports[""])]
        return [_rule(GRPC_MATCH, shares, ports[GRPC]), *rules] if GRPC in ports else rules

    def _ports(self, name: str) -> dict[str, int]:
        """Ports of a Service of KServe's: the one for gRPC as GRPC, any other as ''."""
        found = self._api.find(SERVICE, name)
        if found is None:
            raise SplitError(f"there is no Service {name} yet")
        return {GRPC if _is_grpc(port) else "": int(port["port"]) for port in found["spec"]["ports"]}


def backends_of(route: Object) -> list[list[tuple[str, int, int]]]:
    """Name, port and weight of each backend of each rule."""
    return [
        [(each["name"], int(each["port"]), int(each.get("weight", 1))) for each in rule.get("backendRefs") or []]
        for rule in route["spec"].get("rules") or []
    ]


def is_accepted(route: Object) -> bool:
    """Whether a gateway has accepted the present generation of the route."""
    generation = route["metadata"].get("generation")
    parents = route.get("status", {}).get("parents", [])
    return any(
        all(_is_true(parent, condition, generation) for condition in ("Accepted", "ResolvedRefs")) for parent in parents
    )


def _is_of_kserve(route: Object) -> bool:
    owners = route["metadata"].get("ownerReferences") or []
    return any(owner["kind"] == INFERENCE_SERVICE.name for owner in owners)


def _is_true(parent: Object, condition: str, generation: int | None) -> bool:
    return any(
        each["type"] == condition and each["status"] == "True" and each.get("observedGeneration") == generation
        for each in parent.get("conditions", [])
    )


def _rule(match: Object, shares: Shares, port: int) -> Object:
    backends = [
        {"group": "", "kind": "Service", "name": name, "port": port, "weight": weight}
        for name, weight in shares.items()
    ]
    return {"matches": [match], "backendRefs": backends}


def _is_grpc(port: Object) -> bool:
    return str(port.get("name", "")).startswith(GRPC) or port.get("appProtocol") == "kubernetes.io/h2c"
