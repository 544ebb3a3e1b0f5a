"""Verdicts of the judge on many rollouts at once, by its own tests asked at the limits.

An interval is beyond a limit just when the evidence against a harm of the limit has reached log(1 / alpha). The
benchmark holds this to `judge` itself, look by look.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.judge.worlds import Stretch
from matchday.scores.outcome import FloatArray
from rollout.judge import CHECKS, SHADOW, TRAFFIC, JudgeLimits
from rollout.judge.checks.latency import QUANTILES
from rollout.judge.quantiles import Buckets, quantile, ratio_log_evalue
from rollout.judge.rate_test import exceeds, stays_within
from rollout.judge.sequential import Hits, student_width
from serving.metrics import SECONDS

Flags = NDArray[np.bool_]
AT_ONCE = 500
"""Pairs of counts that are tested together: what fits into memory."""


def decide(stable: Stretch, canary: Stretch, limits: JudgeLimits, alpha: float) -> tuple[Flags, Flags]:
    """Which rollouts fail, and which pass `errors`, `features` and `latency`. alpha: of the step."""
    share = alpha / sum(CHECKS[name].weight for name in TRAFFIC)
    answered = [each.requests - each.errors for each in (stable, canary)]
    rates = (
        (Hits(stable.errors, stable.requests), Hits(canary.errors, canary.requests), limits.errors, share),
        (Hits(stable.incomplete, answered[0]), Hits(canary.incomplete, answered[1]), limits.incomplete, share / 2),
        (Hits(stable.degraded, answered[0]), Hits(canary.degraded, answered[1]), limits.degraded, share / 2),
    )
    fails, passes = np.zeros(canary.requests.shape, bool), np.ones(canary.requests.shape, bool)
    for one, other, limit, part in rates:
        _decide_rate(one, other, limit, part, limits, fails, passes)
    for q in QUANTILES:
        _decide_quantile(stable.latency, canary.latency, q, share / len(QUANTILES), limits, fails, passes)
    return fails, passes & ~fails


def history(differences: FloatArray, limits: JudgeLimits, alpha: float) -> tuple[Flags, Flags]:
    """Which rollouts (rollouts, matches) the look at past weeks fails, and which it passes. alpha: of the shadow."""
    share = alpha * CHECKS["history"].weight / sum(CHECKS[name].weight for name in SHADOW)
    mean, sd, n = differences.mean(axis=1), differences.std(axis=1, ddof=1), differences.shape[1]
    fails = mean - student_width(sd, n, share) > limits.skill
    passes = mean + student_width(sd, n, limits.missed) <= limits.skill + limits.skill_margin
    return np.asarray(fails), np.asarray(passes & ~fails)


def _decide_rate(
    stable: Hits, canary: Hits, limit: float, alpha: float, limits: JudgeLimits, fails: Flags, passes: Flags
) -> None:
    """Add the failed to `fails`, take those that do not pass from `passes`."""
    least = np.minimum(stable.n, canary.n)
    before, now = (np.asarray(each.hits) / np.maximum(each.n, 1) for each in (stable, canary))
    above, enough = now - before > limit, least >= limits.min_requests
    pick = lambda at: (Hits(*(np.asarray(each)[at] for each in version)) for version in (stable, canary))  # noqa: E731
    _set(fails, enough & above & ~fails, lambda at: exceeds(*pick(at), limit) >= -np.log(alpha))
    passes &= enough & ~above
    _set(passes, passes.copy(), lambda at: stays_within(*pick(at), limit) >= -np.log(limits.missed))


def _decide_quantile(
    stable: NDArray[np.int64],
    canary: NDArray[np.int64],
    q: float,
    alpha: float,
    limits: JudgeLimits,
    fails: Flags,
    passes: Flags,
) -> None:
    enough = np.minimum(stable.sum(axis=1), canary.sum(axis=1)) >= limits.min_requests
    before, now = (np.maximum(quantile(Buckets(each, SECONDS), q), limits.latency_floor) for each in (stable, canary))
    above = now > limits.latency * before

    def evidence(at: NDArray[np.intp]) -> FloatArray:
        ratio = np.full(len(at), limits.latency)
        both = Buckets(stable[at], SECONDS), Buckets(canary[at], SECONDS)
        return ratio_log_evalue(*both, q, ratio, limits.latency_floor)

    _set(fails, enough & above & ~fails, lambda at: evidence(at) >= -np.log(alpha))
    passes &= enough & ~above
    _set(passes, passes.copy(), lambda at: evidence(at) >= -np.log(limits.missed))


def _set(flags: Flags, asked: Flags, test: Callable[[NDArray[np.intp]], Flags]) -> None:
    """Set the flags of the asked rollouts by a test of their numbers."""
    places = np.flatnonzero(asked)
    for part in np.array_split(places, 1 + len(places) // AT_ONCE):
        if len(part):
            flags[part] = test(part)
