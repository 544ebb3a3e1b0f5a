"""Check `errors`: more requests without an answer. Refusals count: stable accepts what the canary refuses."""

from dataclasses import replace

import numpy as np

from rollout.judge.check import check
from rollout.judge.cohort import Cohort
from rollout.judge.confirmation import confirming
from rollout.judge.effect import Effect
from rollout.judge.gateway_failures import with_lost_requests
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation, ReplayedCohorts
from rollout.judge.rate_effect import Share, percentage_points, rate_effect
from rollout.judge.rate_test import stays_within
from rollout.judge.sequential import Hits

CLUSTERED = 2.0
"""Dispersion from which people are told."""

MOST_KINDS = 16
"""Kinds of error that share a part of alpha; the server has eleven."""


@check("errors")
def errors(observation: Observation, limits: JudgeLimits, alpha: float) -> list[Effect]:
    """Difference of the rates of requests that were not answered, for whatever reason; of one kind, where it rose.

    Of all reasons together one may hide another: a version that refuses less and crashes more. The kind that rose most
    can fail the canary, and never holds it up.
    """
    stable, canary = observation.stable, observation.canary
    if observation.gateway:
        stable = with_lost_requests(stable, observation.gateway.stable)
        canary = with_lost_requests(canary, observation.gateway.canary)
    kind = most_increased_kind(stable, canary)
    what = "of requests not answered" + (f" (most of it {kind})" if kind else "")
    what += "" if observation.gateway else ", as the servers counted"
    before, now = (Share(each.failed, each.requests) for each in (stable, canary))
    tested = Hits(*before), Hits(*now)
    if observation.blocks is not None and min(before.n, now.n):
        by = float(observation.blocks.dispersion(*tested))
        what += f", in clusters of about {by:.0f}" if by >= CLUSTERED else ""
        tested = observation.blocks.effective(*tested)
    earlier = (observation.replayed, observation.mirrored)
    after = confirming(limits, sum(_replayed_evidence(each, limits) for each in earlier))
    found = [rate_effect(before, now, limits.errors, after, alpha / 2, what, tested)]
    if kind and _rise(kind, stable, canary) > limits.errors:
        one = _of_kind(kind, stable, canary, tested, limits, alpha / 4 / MOST_KINDS)
        found.append(replace(one, measure="kind", guard=True))
    if observation.recent and observation.recent.rings(alpha / 4):
        found.append(_late_change(now, limits))
    return found


def _late_change(canary: Share, limits: JudgeLimits) -> Effect:
    """The effect of a rate that rose lately: beyond the limit, by how much is not known."""
    return Effect(
        n=canary.n,
        minimum=limits.min_requests,
        estimate=1.0,
        interval=(float(np.nextafter(limits.errors, 1.0)), 1.0),
        limit=limits.errors,
        summary="the rate of requests not answered rose lately",
        render=percentage_points,
        measure="recent",
        guard=True,
    )


def _replayed_evidence(replayed: ReplayedCohorts | None, limits: JudgeLimits) -> float:
    """Log e-value of replayed requests against the canary's rate being beyond the limit; 0 without any."""
    if replayed is None or not (replayed.stable.requests and replayed.canary.requests):
        return 0.0
    one, other = replayed.tested()
    return float(stays_within(one, other, limits.errors)) if other.rate - one.rate < limits.errors else 0.0


def _of_kind(
    kind: str, stable: Cohort, canary: Cohort, tested: tuple[Hits, Hits], limits: JudgeLimits, alpha: float
) -> Effect:
    """The effect of one kind of error. It has its share of the tested errors of all kinds."""
    shares = [Share(min(each.errors.get(kind, 0), each.requests), each.requests) for each in (stable, canary)]
    parts = [share.hits / max(each.failed, 1) for share, each in zip(shares, (stable, canary), strict=True)]
    one, other = (Hits(np.multiply(each.hits, part), each.n) for each, part in zip(tested, parts, strict=True))
    return rate_effect(shares[0], shares[1], limits.errors, limits, alpha, f"of requests ended in {kind}", (one, other))


def most_increased_kind(stable: Cohort, canary: Cohort) -> str | None:
    """The kind of error whose rate rose most; None when none did."""
    kind = max(canary.errors, key=lambda each: _rise(each, stable, canary), default=None)
    return kind if kind is not None and _rise(kind, stable, canary) > 0 else None


def _rise(kind: str, stable: Cohort, canary: Cohort) -> float:
    """Canary's rate of this kind of error minus stable's."""
    return canary.errors.get(kind, 0) / max(canary.requests, 1) - stable.errors.get(kind, 0) / max(stable.requests, 1)
