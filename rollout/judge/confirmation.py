"""What replayed requests count for once there is traffic: they leave less for it to show, and never nothing.

The e-value of the replayed requests and that of the live ones, for "the canary is within the limit", multiply: a check
passes at missed over the replayed e-value. Replayed requests may hide a harm that only live ones show, so at most
`MOST` of the evidence, in nats, comes from them. What is left, 0.37 for each step by default, multiplies over the steps
that a candidate must pass: three of them let through a harm that only live requests show with probability 0.05, as
one step does that has no replayed requests.
"""

import math
from dataclasses import replace

from rollout.judge.limits import MOST_MISSED, JudgeLimits

MOST = 2 / 3
"""Largest part of the evidence, in nats, that comes from replayed requests."""


def confirming(limits: JudgeLimits, log_evalue: float) -> JudgeLimits:
    """The limits for live requests after replayed ones with this log e-value. Without evidence they are the same."""
    part = min(MOST, max(0.0, log_evalue) / -math.log(limits.missed))
    return replace(limits, missed=max(limits.missed, min(MOST_MISSED, limits.missed ** (1 - part))))
