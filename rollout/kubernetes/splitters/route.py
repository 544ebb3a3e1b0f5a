"""HTTPRoute of a model's public host: the chart creates it with host and gateway, rollouts own the weights.

All else in its rules is left as people set it: timeouts, filters, retries, and rules that lead elsewhere.
"""

import math
from collections.abc import Callable, Collection, Mapping

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import Object
from rollout.kubernetes.kinds import HTTP_ROUTE, INFERENCE_SERVICE, SERVICE
from rollout.kubernetes.pods import GRPC
from rollout.kubernetes.splitters.mirror import (
    MIRRORED,
    Mirror,
    find_edit,
    last_mirror,
    own_mirrors,
    to_text,
    with_mirror,
)
from rollout.spec import FULL_WEIGHT
from rollout.splitter import SplitError, Unsplittable

LABEL = "matchday.io/inference-service"
"""Label of the route: the service whose requests it splits. KServe copies a service's labels to routes of its own."""
CHANGED = "matchday.io/split-at"
"""Annotation of the route: Unix seconds of its last change, kept for a process that resumes after a kill."""
SHARES = "matchday.io/shares"
"""Annotation of the route: the weights that a rollout set last, to tell those that somebody else set."""
NO_PERCENT = (
    "the HTTPRoutes of this cluster have no percentage of requests to copy: set shadow.mirror to 100 or 0, or install "
    "the definitions of Gateway API 1.3"
)
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
    """The one route with the label that is not KServe's. put_back: the weights of somebody else that it replaced."""

    def __init__(self, api: Api, service: str, clock: Callable[[], float]) -> None:
        """service: the InferenceService. clock: Unix seconds."""
        self._api = api
        self._service = service
        self._clock = clock
        self.put_back = ""

    def get(self) -> Object:
        """Read it. Raises Unsplittable unless there is exactly one."""
        found = self.find()
        if found is None:
            raise Unsplittable(
                f"0 HTTPRoutes in {self._api.namespace} are labelled {LABEL}={self._service}, so that the public host "
                "leads nowhere: install the chart with rollouts.enabled, or 'helm upgrade' makes a deleted route again"
            )
        return found

    def find(self) -> Object | None:
        """Read it; None where there is none. Raises Unsplittable where there are several."""
        labelled = self._api.list(HTTP_ROUTE, {LABEL: self._service})
        found = [route for route in labelled if not _is_of_kserve(route)]
        if len(found) > 1:
            raise Unsplittable(
                f"{len(found)} HTTPRoutes in {self._api.namespace} are labelled {LABEL}={self._service}, and a rollout "
                "needs one: delete the others, or their label"
            )
        return found[0] if found else None

    def has_backends(self) -> bool:
        """Whether its requests go anywhere yet."""
        return any(backends for backends in backends_of(self.get()))

    def leads_past(self, names: Collection[str]) -> bool:
        """Whether a part of the requests that it splits goes to other Services than these; no route leads nowhere.

        Or copies of them do.
        """
        route = self.find()
        copied = route is not None and any(own_mirrors(rule, self._service) for rule in rules_of(route))
        return copied or any(name not in names for name in self._weights())

    def targets(self) -> list[str]:
        """Names of the Services that have requests now."""
        return sorted(name for name, weight in self._weights().items() if weight)

    def weight_of(self, name: str) -> int:
        """Weight that a Service has now; 0 where there is no route."""
        return self._weights().get(name, 0)

    def copies_to(self, name: str) -> int:
        """Percent of the requests of which a Service gets copies."""
        route = self.find()
        found = [each for rule in rules_of(route) for each in own_mirrors(rule, self._service)] if route else []
        return max((each.percent for each in found if each.name == name), default=0)

    def share_of(self, name: str) -> int:
        """Percent of the requests that a Service has now; 0 where there is no route."""
        weights = self._weights()
        return math.ceil(FULL_WEIGHT * weights.get(name, 0) / (sum(weights.values()) or 1))

    def seconds_since_change(self) -> float:
        """Time since the weights were changed last."""
        return self._clock() - _changed_at(self.get())

    def set_shares(self, shares: Shares, mirror: Mirror | None = None) -> bool:
        """Split requests by these weights. Returns whether the gateway acts on it.

        mirror: who gets copies of them; nobody for None.
        """
        route = self.get()
        rules = self._rules(route, shares, mirror)
        if backends_of({"spec": {"rules": rules}}) != backends_of(route) or self._mirrors(rules) != self._mirrors(
            rules_of(route)
        ):
            self._note_edit(route, shares)
            annotations = {CHANGED: f"{self._clock():.0f}", SHARES: _to_text(shares), MIRRORED: to_text(mirror)}
            change = {"metadata": {"annotations": annotations}, "spec": {"rules": rules}}
            route = self._api.apply(HTTP_ROUTE, route["metadata"]["name"], change)
            if mirror and self._mirrors(rules_of(route)) != self._mirrors(rules):
                self.set_shares(shares)
                raise SplitError(NO_PERCENT)
        return is_accepted(route) and self._clock() - _changed_at(route) >= SETTLE_SECONDS

    def _weights(self) -> dict[str, int]:
        route = self.find()
        return _weights(_split_rules(route, _known(route))) if route else {}

    def _mirrors(self, rules: list[Object]) -> list[list[Mirror]]:
        return [own_mirrors(rule, self._service) for rule in rules]

    def _note_edit(self, route: Object, shares: Shares) -> None:
        """Keep the weights and copies that somebody else has set since a rollout did."""
        ours, rules = _last_shares(route), _split_rules(route, {*shares, *_known(route)})
        found = _to_text(_weights(rules))
        if ours and found != ours:
            self.put_back = f"{found or 'no backend'} in place of {ours}"
        if edited := find_edit(self._mirrors(rules), last_mirror(route)):
            self.put_back = edited

    def _rules(self, route: Object, shares: Shares, mirror: Mirror | None) -> list[Object]:
        """Its rules with these weights: those for REST, one for gRPC where the Services have a port for it, all others.

        A rule that leads to none of the service's predictors stays as it is.
        """
        ports = self._ports(next(iter(shares)))
        known = {*shares, *_known(route)}
        rules = [
            _with_backends(rule, shares, ports) if _is_split(rule, known) else rule
            for rule in rules_of(route)
            if GRPC in ports or not _matches_grpc(rule)
        ]
        if GRPC in ports and not any(map(_matches_grpc, rules)):
            rules = [_with_backends({"matches": [GRPC_MATCH]}, shares, ports), *rules]
        if all(_matches_grpc(rule) or not _is_split(rule, known) for rule in rules):
            rules = [*rules, _with_backends({"matches": [REST_MATCH]}, shares, ports)]
        return [
            with_mirror(rule, self._service, mirror if _is_split(rule, known) else None, _port(rule, ports))
            for rule in rules
        ]

    def _ports(self, name: str) -> dict[str, int]:
        """Ports of a Service of KServe's: the one for gRPC as GRPC, any other as ''."""
        found = self._api.find(SERVICE, name)
        if found is None:
            raise SplitError(f"there is no Service {name} yet")
        return {GRPC if _is_grpc(port) else "": int(port["port"]) for port in found["spec"]["ports"]}


def rules_of(route: Object) -> list[Object]:
    """Its rules."""
    return route["spec"].get("rules") or []


def backends_of(route: Object) -> list[list[tuple[str, int, int]]]:
    """Name, port and weight of each backend of each rule."""
    return [
        [(each["name"], int(each["port"]), int(each.get("weight", 1))) for each in rule.get("backendRefs") or []]
        for rule in rules_of(route)
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


def _changed_at(route: Object) -> float:
    return float((route["metadata"].get("annotations") or {}).get(CHANGED, "0"))


def _matches_grpc(rule: Object) -> bool:
    paths = [(match.get("path") or {}).get("value") for match in rule.get("matches") or []]
    return GRPC_MATCH["path"]["value"] in paths  # type: ignore[index]


def _matches_all(rule: Object) -> bool:
    """Whether a rule takes every request, as one without matches does."""
    matches = rule.get("matches") or [REST_MATCH]
    return any(match.get("path", REST_MATCH["path"]) == REST_MATCH["path"] and len(match) <= 1 for match in matches)


def _is_split(rule: Object, names: Collection[str]) -> bool:
    """Whether a rule's requests are split: those of REST and gRPC, and all that lead to one of these Services."""
    leads = any(each["name"] in names for each in rule.get("backendRefs") or [])
    return leads or _matches_grpc(rule) or _matches_all(rule)


def _split_rules(route: Object, names: Collection[str]) -> list[Object]:
    return [rule for rule in rules_of(route) if _is_split(rule, names)]


def _weights(rules: list[Object]) -> dict[str, int]:
    """Weight of each Service in these rules; the greatest where they differ."""
    found: dict[str, int] = {}
    for backends in backends_of({"spec": {"rules": rules}}):
        for name, _, weight in backends:
            found[name] = max(weight, found.get(name, 0))
    return found


def _to_text(shares: Shares) -> str:
    return ",".join(f"{name}={weight}" for name, weight in sorted(shares.items()))


def _last_shares(route: Object) -> str:
    """The weights that a rollout set last, as text; empty where none did."""
    return str((route["metadata"].get("annotations") or {}).get(SHARES, ""))


def _known(route: Object) -> set[str]:
    """Names of the Services to which a rollout has led the requests."""
    return {each.partition("=")[0] for each in _last_shares(route).split(",") if each}


def _with_backends(rule: Object, shares: Shares, ports: Mapping[str, int]) -> Object:
    """A rule with these weights; what it has beside them stays, filters of a backend too."""
    known = {each["name"]: each for each in rule.get("backendRefs") or []}
    port = _port(rule, ports)
    backends = [
        {**known.get(name, {}), "group": "", "kind": "Service", "name": name, "port": port, "weight": weight}
        for name, weight in shares.items()
    ]
    matches = rule.get("matches") or [REST_MATCH]
    return {**rule, "matches": matches, "backendRefs": backends}


def _port(rule: Object, ports: Mapping[str, int]) -> int:
    """Port of the Services for a rule's requests."""
    return ports[GRPC] if _matches_grpc(rule) else ports[""]


def _is_grpc(port: Object) -> bool:
    return str(port.get("name", "")).startswith(GRPC) or port.get("appProtocol") == "kubernetes.io/h2c"
