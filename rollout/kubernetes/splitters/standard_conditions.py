"""Conditions of a ModelRollout that say how its service is split and sized in Standard mode, and what disturbs that."""

from collections.abc import Iterable

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import Object
from rollout.kubernetes.conditions import StatusCondition
from rollout.kubernetes.kinds import HTTP_ROUTE
from rollout.kubernetes.splitters.budgets import DisruptionBudgets
from rollout.kubernetes.splitters.canary import borrowed_by, canary_of, foreign_canaries
from rollout.kubernetes.splitters.inference_service import autoscaler_of
from rollout.kubernetes.splitters.predictors import Predictors
from rollout.kubernetes.splitters.route import PublicRoute, backends_of
from rollout.kubernetes.splitters.stable_ready import stable_ready
from rollout.splitter import Unsplittable

TOLD = frozenset({"StableReady", "StableKept", "Undisturbed", "EvictionsCounted"})
"""Conditions whose changes are events: `True` is as it should be."""


def changed_conditions(thing: Object, conditions: Iterable[StatusCondition]) -> list[StatusCondition]:
    """The conditions of which people are told, as they differ from those in the status of a ModelRollout."""
    known = {each["type"]: each["status"] for each in (thing.get("status") or {}).get("conditions", [])}
    return [each for each in conditions if each.type in TOLD and each.status != known.get(each.type, "True")]


def foreign_message(service: str, names: Iterable[str]) -> str:
    """What to do about canary entries that no rollout made."""
    return (
        f"{service} has a canary that no rollout made ({', '.join(names)}), and the rollout leaves the service as it "
        f"is: take it out of spec.canary ('kubectl edit inferenceservice {service}'), or abort the rollout"
    )


def standard_conditions(
    api: Api, service: Object, predictors: Predictors, route: PublicRoute, budgets: DisruptionBudgets
) -> list[StatusCondition]:
    """Conditions of a service that has a canary."""
    canary, undisturbed = canary_of(service), _undisturbed(service, route)
    if not canary:
        return [undisturbed]
    return [
        _split_by_kserve(api, service, predictors.candidate_name(canary)),
        stable_ready(predictors.pods(predictors.stable_name)),
        _sized(service, canary, predictors),
        undisturbed,
        _evictions_counted(budgets, (predictors.stable_name, predictors.candidate_name(canary))),
    ]


def _split_by_kserve(api: Api, service: Object, name: str) -> StatusCondition:
    """Whether KServe's own route carries the weight as well."""
    route = api.find(HTTP_ROUTE, service["metadata"]["name"])
    if route is not None and any(name == each[0] for rule in backends_of(route) for each in rule):
        return StatusCondition(
            "SplitByKServe", "True", "Weighted", f"KServe's own route sends {name} its share as well"
        )
    message = "KServe's own route sends a canary nothing: only the public host is split"
    return StatusCondition("SplitByKServe", "False", "StableOnly", message)


def _sized(service: Object, canary: Object, predictors: Predictors) -> StatusCondition:
    """Whether the candidate has pods of its own, beside all of the stable version's."""
    pods = predictors.pods(predictors.candidate_name(canary))
    asked = predictors.size(predictors.candidate_name(canary)).read() or 0
    stable = predictors.size(predictors.stable_name).read() or 0
    message = (
        f"{asked} pods of the candidate beside {stable} stable ones (autoscaler: {autoscaler_of(service)}); they "
        "follow the stable version's, and no autoscaler sizes them"
    )
    unplaced = next((pod for pod in pods if pod.unplaced_since is not None), None)
    if borrowed := borrowed_by(canary):
        message += f"; no node had room, so that {borrowed} of them took the places of stable pods"
        return StatusCondition("StableKept", "False", "NoRoom", message)
    if unplaced is not None:
        reason = unplaced.trouble.reason if unplaced.trouble else "finds no node"
        return StatusCondition("StableKept", "True", "NoRoomYet", f"{message}; {unplaced.name} {reason}")
    return StatusCondition("StableKept", "True", "Surge", message)


def _undisturbed(service: Object, route: PublicRoute) -> StatusCondition:
    """Whether nobody else changes what the rollout splits."""
    if names := foreign_canaries(service):
        message = foreign_message(service["metadata"]["name"], names)
        return StatusCondition("Undisturbed", "False", "ForeignCanary", message)
    try:
        route.get()
    except Unsplittable as error:
        return StatusCondition("Undisturbed", "False", "NoRoute", str(error))
    if route.put_back:
        message = f"somebody changed the weights of the public route to {route.put_back}: they were put back"
        return StatusCondition("Undisturbed", "False", "WeightsPutBack", message)
    return StatusCondition("Undisturbed", "True", "Undisturbed", "nobody else changes what the rollout splits")


def _evictions_counted(budgets: DisruptionBudgets, names: tuple[str, str]) -> StatusCondition:
    if shared := budgets.shared(names):
        message = (
            f"PodDisruptionBudget {shared} counts the pods of both versions together, and may let the last ready pod "
            f"of one be evicted: have it select app=isvc.{names[0]} alone"
        )
        return StatusCondition("EvictionsCounted", "False", "Shared", message)
    return StatusCondition("EvictionsCounted", "True", "PerVersion", "an eviction leaves each version a ready pod")
