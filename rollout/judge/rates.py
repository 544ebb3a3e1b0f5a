"""A share of the requests that should not be higher in the canary."""

from typing import NamedTuple

from rollout.judge.harm import Harm
from rollout.judge.limits import Limits
from rollout.judge.sequential import Hits, difference_bounds


class Share(NamedTuple):
    """Requests of one version that were hit, among n."""

    hits: int
    n: int


def more_often(stable: Share, canary: Share, limit: float, limits: Limits, alpha: float, what: str) -> Harm:
    """Canary's rate minus stable's. what: said of the requests that were hit."""
    seen = min(stable.n, canary.n) > 0
    before, now = (each.hits / each.n if each.n else 0.0 for each in (stable, canary))
    low, high = difference_bounds(Hits(*stable), Hits(*canary), alpha, limits.missed) if seen else (-1.0, 1.0)
    return Harm(
        n=min(stable.n, canary.n),
        minimum=limits.min_requests,
        estimate=now - before,
        interval=(float(low), float(high)),
        limit=limit,
        told=f"{now:.2%} {what}, stable {before:.2%}",
        show=points,
    )


def points(share: float) -> str:
    """A difference of shares, in percentage points."""
    return f"{100 * share:+.2f} points"
