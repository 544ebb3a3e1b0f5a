"""Steps in which a promoted candidate gives the requests back to the stable pods. Pure: no cluster, no clock."""

from dataclasses import dataclass

from rollout.kubernetes.splitters.sizes import StableSize

STEP_SECONDS = 60.0
"""Time for an autoscaler to act on the load that the candidate's pods gave up."""


@dataclass(frozen=True)
class HandBack:
    """How far it is. stable: ready stable pods. candidate: its ready pods.

    offered: pods of the candidate by which the route splits the requests; None before the first step. waited: seconds
    since the route was changed.
    """

    stable: int
    candidate: int
    size: StableSize
    offered: int | None
    waited: float


@dataclass(frozen=True)
class HandBackStep:
    """The next step. candidate: pods that it keeps, 0 to end; requests are split by pods. borrowed: places it keeps."""

    candidate: int
    borrowed: int = 0


def next_step(now: HandBack) -> HandBackStep | None:
    """The next step; None to wait for stable pods.

    A stable version of a fixed size takes all requests at once, when every pod is ready. Places of stable pods are
    given back one by one. An autoscaled version follows the load: the candidate gives up a quarter of its pods each
    minute.
    """
    if now.size.autoscaled:
        return HandBackStep(_autoscaled(now))
    if now.stable < now.size.pods:
        return None
    if now.size.borrowed > 1 and now.candidate > 1:
        return HandBackStep(now.candidate - 1, now.size.borrowed - 1)
    return HandBackStep(0)


def _autoscaled(now: HandBack) -> int:
    if now.stable >= now.size.most:
        return 0
    if now.offered is None:
        return now.candidate * 3 // 4
    return now.offered * 3 // 4 if now.waited >= STEP_SECONDS else now.offered
