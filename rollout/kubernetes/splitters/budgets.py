"""Disruption budgets of a rollout: one for each version, so that no eviction takes the last ready pod of either.

A budget that counts both versions together lets the last pod of one go while the other has enough. Kubernetes refuses
every eviction of a pod that two budgets select. So a version that a budget of somebody else's counts gets none here.
"""

from collections.abc import Collection, Mapping
from typing import Any

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import Object
from rollout.kubernetes.kinds import INFERENCE_SERVICE, POD, POD_DISRUPTION_BUDGET

LABEL = "matchday.io/rollout-of"
"""Label of a budget that a rollout made: the InferenceService."""


class DisruptionBudgets:
    """The budgets of one service's predictors, named for their Services."""

    def __init__(self, api: Api, service: str) -> None:
        self._api = api
        self._service = service

    def keep(self, service: Object, sizes: Mapping[str, int]) -> None:
        """Have a budget for each of these predictors, and none of ours for others. sizes: pods by Service's name."""
        every = self._api.list(POD_DISRUPTION_BUDGET)
        ours = {each["metadata"]["name"]: each for each in every if _is_ours(each, self._service)}
        foreign = [each for each in every if not _is_ours(each, self._service)]
        counted = {
            name
            for name in sizes
            if any(_selects(each, labels) for labels in self._labels_of(name) for each in foreign)
        }
        budgets = [_budget(service, name, pods) for name, pods in sizes.items() if name not in counted]
        wanted = {each["metadata"]["name"]: each for each in budgets}
        for name in ours.keys() - wanted.keys():
            self._api.delete(POD_DISRUPTION_BUDGET, name)
        for name, budget in wanted.items():
            self._write(ours.get(name), budget)

    def shared(self, names: Collection[str]) -> str:
        """Name of a budget that counts the pods of all these predictors together; empty when there is none."""
        every = self._api.list(POD_DISRUPTION_BUDGET)
        labels = [self._labels_of(name) for name in names]
        for each in every:
            if all(any(_selects(each, pod) for pod in pods) for pods in labels):
                return str(each["metadata"]["name"])
        return ""

    def _write(self, known: Object | None, budget: Object) -> None:
        if known is None:
            self._api.create(POD_DISRUPTION_BUDGET, budget)
        elif known["spec"] != budget["spec"]:
            version = known["metadata"]["resourceVersion"]
            changed = {**budget, "metadata": {**budget["metadata"], "resourceVersion": version}}
            self._api.replace(POD_DISRUPTION_BUDGET, changed)

    def _labels_of(self, name: str) -> list[Mapping[str, str]]:
        pods = self._api.list(POD, selector_of(name))
        return [pod["metadata"].get("labels") or {} for pod in pods]


def selector_of(name: str) -> dict[str, str]:
    """Labels of the pods of a predictor, by the name of its Service."""
    return {"app": f"isvc.{name}"}


def _budget(service: Object, name: str, pods: int) -> Object:
    """One pod at a time may be evicted; the only pod may not."""
    allowed: dict[str, int] = {"maxUnavailable": 1} if pods > 1 else {"minAvailable": 1}
    meta = service["metadata"]
    owner = {"apiVersion": INFERENCE_SERVICE.version, "kind": INFERENCE_SERVICE.name, "name": meta["name"]}
    return {
        "metadata": {
            "name": f"{name}-rollout",
            "labels": {LABEL: meta["name"]},
            "ownerReferences": [{**owner, "uid": meta.get("uid", "")}],
        },
        "spec": {
            **allowed,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector_of(name)},
        },
    }


def _is_ours(budget: Object, service: str) -> bool:
    return (budget["metadata"].get("labels") or {}).get(LABEL) == service


def _selects(budget: Object, labels: Mapping[str, str]) -> bool:
    """Whether a budget counts a pod with these labels. An empty selector counts every pod, none at all no pod."""
    selector = budget["spec"].get("selector")
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    return wanted.items() <= labels.items() and all(
        _holds(each, labels) for each in selector.get("matchExpressions") or []
    )


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values") or []
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:
            return value is None
