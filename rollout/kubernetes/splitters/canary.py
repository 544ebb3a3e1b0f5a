"""Canary entry of an InferenceService in Standard mode: an item of `spec.canary`.

It holds only what differs from the stable predictor, because KServe merges one over the other. So an upgrade of the
chart changes both.

KServe takes the entry's `minReplicas` off the stable predictor's, and gives the canary's Deployment that many pods.
With the autoscaler `external` on the canary it leaves that Deployment's size to others. So `minReplicas` says only how
many places of stable pods the candidate takes, none as a rule, and the rollout sizes the Deployment itself.
"""

import re
from typing import Any

from rollout.kubernetes.client import Object
from rollout.kubernetes.leftover import STABLE
from rollout.kubernetes.pods import PIN
from rollout.kubernetes.splitters.inference_service import AUTOSCALER, FORMER, REGISTRY, pinned, predictor_of, uri_of

MODEL = "matchday.io/model"
"""Annotation of a canary that no registry holds: the name by which its server knows the model."""
EXTERNAL = {AUTOSCALER: "external"}
"""Annotation of the canary: neither KServe nor an autoscaler of KServe's sizes its Deployment."""


def canary_of(service: Object) -> Object:
    """The canary entry that a rollout made; empty when there is none."""
    return next((dict(entry) for entry in _entries(service) if _is_ours(entry)), {})


def foreign_canaries(service: Object) -> list[str]:
    """Names of the canary entries that no rollout made."""
    ours = canary_of(service)
    return [str(entry["predictor"].get("name", "")) for entry in _entries(service) if dict(entry) != ours]


def canary_entry(version: str, service: Object, uri: str, stable: str, model: str) -> Object:
    """The entry for a candidate without requests, which takes no stable pod's place. uri: of its storage.

    stable: the version that is served beside it; empty leaves it out. Where no registry holds the model, the entry has
    the annotation that a promotion gives the stable predictor, so that it does not change the candidate's pods, and
    the model's name, which is written nowhere else once the ModelRollout is deleted.
    """
    former = {} if uri.startswith(REGISTRY) else {FORMER: uri_of(service), MODEL: model}
    format_: Any = (predictor_of(service).get("model") or {}).get("modelFormat") or {}
    return {
        "trafficPercent": 0,
        "predictor": {
            "name": f"v{version}",
            "minReplicas": 0,
            "annotations": pinned(version, stable)["annotations"] | EXTERNAL | former,
            "model": {"modelFormat": format_, "storageUri": uri},
        },
    }


def with_weight(canary: Object, weight: int) -> Object:
    """The entry with another share of the requests."""
    return {**canary, "trafficPercent": weight}


def with_borrowed(canary: Object, pods: int) -> Object:
    """The entry with the places of so many stable pods."""
    return {**canary, "predictor": {**canary["predictor"], "minReplicas": pods}}


def weight_of(canary: Object) -> int:
    """Percent of the requests that an entry gives its canary."""
    return int(canary.get("trafficPercent", 0))


def borrowed_by(canary: Object) -> int:
    """Number of stable pods whose places the candidate has."""
    return int(canary["predictor"].get("minReplicas") or 0)


def identity_of(canary: Object) -> tuple[str, str, str]:
    """Name and model of a canary, and what sizes it."""
    predictor = canary["predictor"]
    annotations = predictor.get("annotations") or {}
    return predictor["name"], storage_of(canary), annotations.get(AUTOSCALER, "")


def version_of(canary: Object) -> str:
    """The version that a canary is pinned to."""
    return str(canary["predictor"]["annotations"][PIN])


def storage_of(canary: Object) -> str:
    """The storage URI of a canary's model."""
    return str((canary["predictor"].get("model") or {}).get("storageUri") or "")


def stable_beside(canary: Object) -> str:
    """The version that was served when a canary came; empty where its entry does not say."""
    return str((canary["predictor"].get("annotations") or {}).get(STABLE, ""))


def leftover_storage(service: Object) -> tuple[str, str]:
    """Storage and model of what a deleted rollout may have left, as the service says itself.

    The storage is the candidate's, or the service's own; empty where the registry holds it. The model is empty where
    nothing names it.
    """
    canary = canary_of(service)
    uri = storage_of(canary) if canary else uri_of(service)
    if uri.startswith(REGISTRY):
        return "", re.split("[@/]", uri.removeprefix(REGISTRY))[0]
    return uri, str((canary["predictor"].get("annotations") or {}).get(MODEL, "")) if canary else ""


def _entries(service: Object) -> list[Object]:
    return service["spec"].get("canary") or []


def _is_ours(entry: Object) -> bool:
    return PIN in (entry["predictor"].get("annotations") or {})
