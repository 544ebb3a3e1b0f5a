"""Canary entry of an InferenceService in Standard mode: an item of `spec.canary`.

It holds only what differs from the stable predictor, because KServe merges one over the other. So an upgrade of the
chart changes both.
"""

import math
from typing import Any

from rollout.kubernetes.client import Object
from rollout.kubernetes.leftover import STABLE
from rollout.kubernetes.pods import PIN
from rollout.kubernetes.splitters.inference_service import pinned, predictor_of
from rollout.spec import FULL_WEIGHT


def canary_of(service: Object) -> Object:
    """The first canary entry of a service; empty when there is none."""
    entries = service["spec"].get("canary") or []
    return dict(entries[0]) if entries else {}


def is_ours(service: Object) -> bool:
    """Whether the only canary entry was made by a rollout."""
    entries = service["spec"].get("canary") or []
    return len(entries) == 1 and PIN in (entries[0]["predictor"].get("annotations") or {})


def canary_entry(version: str, weight: int, service: Object, model: str, stable: str) -> Object:
    """The entry for a candidate at a weight, with that share of the stable predictor's pods.

    stable: the version that is served beside it; empty leaves it out.
    """
    format_: Any = (predictor_of(service).get("model") or {}).get("modelFormat") or {}
    return {
        "trafficPercent": weight,
        "predictor": {
            "name": f"v{version}",
            "minReplicas": max(1, math.ceil(min_replicas(service) * weight / FULL_WEIGHT)),
            **pinned(version, stable),
            "model": {"modelFormat": format_, "storageUri": f"mlflow://{model}/{version}"},
        },
    }


def with_fewer_pods(canary: Object) -> Object:
    """The entry with one pod less."""
    return {**canary, "predictor": {**canary["predictor"], "minReplicas": pods_of(canary) - 1}}


def share_of(canary: Object) -> tuple[int, int]:
    """Percent and pods of a canary."""
    return int(canary.get("trafficPercent", 0)), pods_of(canary)


def identity_of(canary: Object) -> tuple[str, str]:
    """Name and model of a canary."""
    return canary["predictor"]["name"], str((canary["predictor"].get("model") or {}).get("storageUri"))


def version_of(canary: Object) -> str:
    """The version that a canary is pinned to."""
    return str(canary["predictor"]["annotations"][PIN])


def stable_beside(canary: Object) -> str:
    """The version that was served when a canary came; empty where its entry does not say."""
    return str((canary["predictor"].get("annotations") or {}).get(STABLE, ""))


def pods_of(canary: Object) -> int:
    """Number of pods that a canary asks for."""
    return int(canary["predictor"]["minReplicas"])


def min_replicas(service: Object) -> int:
    """Least number of pods of the stable predictor without a canary."""
    return int(predictor_of(service).get("minReplicas") or 1)
