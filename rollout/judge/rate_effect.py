"""Effect size of a rate: canary's share of requests with an event minus stable's."""

import math
from typing import NamedTuple

import numpy as np

from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.rate_test import exceeds, one_sided_bounds, stays_within
from rollout.judge.sequential import Hits


class Share(NamedTuple):
    """Requests of one version with the event, among n."""

    hits: int
    n: int


def rate_effect(
    stable: Share,
    canary: Share,
    limit: float,
    limits: JudgeLimits,
    alpha: float,
    what: str,
    tested: tuple[Hits, Hits] | None = None,
) -> Effect:
    """Canary's rate minus stable's. what: completes "1.20% ..." for people.

    tested: counts of independent requests that tell as much as these of stable and canary; None for these themselves.
    """
    seen = min(stable.n, canary.n) > 0
    before, now = (each.hits / each.n if each.n else 0.0 for each in (stable, canary))
    one, other = tested or (Hits(*stable), Hits(*canary))
    low, high = one_sided_bounds(one, other, limit, alpha, limits.missed) if seen else (-1.0, 1.0)

    def decides(times: float) -> bool:
        more = [Hits(np.multiply(times, each.hits), np.multiply(times, each.n)) for each in (one, other)]
        passes = bool(stays_within(more[0], more[1], limit) >= -math.log(limits.missed))
        return passes or bool(exceeds(more[0], more[1], limit) >= -math.log(alpha))

    return Effect(
        n=min(stable.n, canary.n),
        minimum=limits.min_requests,
        estimate=now - before,
        interval=(low, high),
        limit=limit,
        summary=f"{now:.2%} {what}, stable {before:.2%}",
        render=percentage_points,
        decides=decides,
    )


def percentage_points(share: float) -> str:
    """A difference of shares, for people."""
    return f"{100 * share:+.2f} points"
