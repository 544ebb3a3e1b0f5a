"""Condition of a ModelRollout in both KServe modes: whether the stable version has a ready pod."""

from collections.abc import Sequence

from rollout.kubernetes.conditions import StatusCondition
from rollout.kubernetes.pods import ServerPod


def stable_ready(pods: Sequence[ServerPod], scales_to_zero: bool = False) -> StatusCondition:
    """The condition for these stable pods. scales_to_zero: whether none at all is as it should be."""
    ready = sum(pod.ready for pod in pods)
    holds = ready > 0 or (scales_to_zero and not pods)
    message = f"{ready} of {len(pods)} pods of the stable version are ready"
    return StatusCondition("StableReady", str(holds), "Ready" if holds else "NoReadyPod", message)
