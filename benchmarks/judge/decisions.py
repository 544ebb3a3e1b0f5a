"""Verdicts of the judge on many rollouts at once, by its own tests asked at the limits.

An interval is beyond a limit just when the evidence against a harm of the limit has reached log(1 / alpha). The
benchmark holds this to `judge` itself, look by look.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.judge.replayed import Missed
from benchmarks.judge.totals import Step
from matchday.scores.outcome import FloatArray
from rollout.judge import CHECKS, SHADOW, TRAFFIC, Hits, JudgeLimits
from rollout.judge.checks.latency import QUANTILES
from rollout.judge.quantiles import Buckets, quantile, ratio_log_evalue
from rollout.judge.rate_test import exceeds, stays_within
from rollout.judge.sequential import student_width
from rollout.judge.servers import sum_without_outlier, sum_without_slowest
from serving.metrics import SECONDS

Flags = NDArray[np.bool_]
Evidence = Callable[[NDArray[np.intp]], FloatArray]
AT_ONCE = 500
"""Pairs of counts that are tested together: what fits into memory."""


def decide(step: Step, limits: JudgeLimits, alpha: float, missed: Missed | None = None) -> tuple[Flags, Flags]:
    """Which rollouts fail, and which pass `errors`, `features` and `latency`. alpha: of the step.

    missed: what replayed requests leave for these; None for the limits'.
    """
    everything = np.full(len(step.canary.requests), limits.missed)
    missed = missed or Missed(everything, tuple(everything for _ in QUANTILES))
    share = alpha / sum(CHECKS[name].weight for name in TRAFFIC)
    stable, canary = step.stable, step.canary
    answered = [each.requests - each.errors for each in (stable, canary)]
    failed = step.blocks.effective(stable.failed, canary.failed)
    rates = (
        (failed[0], failed[1], limits.errors, share / 2, missed.errors),
        (
            Hits(stable.incomplete, answered[0]),
            Hits(canary.incomplete, answered[1]),
            limits.incomplete,
            share / 2,
            everything,
        ),
        (
            Hits(stable.degraded, answered[0]),
            Hits(canary.degraded, answered[1]),
            limits.degraded,
            share / 2,
            everything,
        ),
    )
    enough = np.minimum(stable.requests, canary.requests) >= limits.min_requests
    fails, passes = np.zeros(enough.shape, bool), enough.copy()
    for one, other, limit, part, left in rates:
        _decide_rate(one, other, limit, part, left, enough, fails, passes)
    _decide_latency(step, share / len(QUANTILES), missed.latency, limits, fails, passes)
    return fails, passes & ~fails


def history(differences: FloatArray, limits: JudgeLimits, alpha: float) -> tuple[Flags, Flags]:
    """Which rollouts (rollouts, matches) the look at past weeks fails, and which it passes. alpha: of the shadow."""
    share = alpha * CHECKS["history"].weight / sum(CHECKS[name].weight for name in SHADOW)
    mean, sd, n = differences.mean(axis=1), differences.std(axis=1, ddof=1), differences.shape[1]
    fails = mean - student_width(sd, n, share) > limits.skill
    passes = mean + student_width(sd, n, limits.missed) <= limits.skill + limits.skill_margin
    return np.asarray(fails), np.asarray(passes & ~fails)


def _decide_rate(
    stable: Hits,
    canary: Hits,
    limit: float,
    alpha: float,
    missed: FloatArray,
    enough: Flags,
    fails: Flags,
    passes: Flags,
) -> None:
    """Add the failed to `fails`, take those that do not pass from `passes`."""
    before, now = (np.asarray(each.hits) / np.maximum(each.n, 1e-9) for each in (stable, canary))
    above = now - before > limit

    def pick(at: NDArray[np.intp]) -> list[Hits]:
        return [Hits(*(np.asarray(each)[at] for each in version)) for version in (stable, canary)]

    def harm(at: NDArray[np.intp]) -> FloatArray:
        one, other = pick(at)
        return exceeds(one, other, limit)

    def safety(at: NDArray[np.intp]) -> FloatArray:
        one, other = pick(at)
        return stays_within(one, other, limit)

    _set(fails, enough & above & ~fails, partial(_reaches, harm, np.full(len(fails), -np.log(alpha))))
    passes &= enough & ~above
    _set(passes, passes.copy(), partial(_reaches, safety, -np.log(missed)))


def _decide_latency(
    step: Step, alpha: float, missed: Sequence[FloatArray], limits: JudgeLimits, fails: Flags, passes: Flags
) -> None:
    pods = [each.latency for each in (step.stable, step.canary)]
    least = limits.min_requests
    stable, canary = (
        sum_without_outlier(each, SECONDS, limits.latency, limits.latency_floor, least)[0] for each in pods
    )
    enough = np.minimum(stable.sum(axis=1), canary.sum(axis=1)) >= least
    passes &= enough
    for q, left in zip(QUANTILES, missed, strict=True):
        fewer = sum_without_slowest(pods[1], SECONDS, q, limits.latency)
        above, log_evalue = _compare(pods[0].sum(axis=1), fewer, q, limits)
        _set(fails, enough & above & ~fails, partial(_reaches, log_evalue, np.full(len(fails), -np.log(alpha))))
        above, log_evalue = _compare(stable, canary, q, limits)
        passes &= ~above
        _set(passes, passes.copy(), partial(_reaches, log_evalue, -np.log(left)))


def _reaches(log_evalue: Evidence, needed: FloatArray, at: NDArray[np.intp]) -> Flags:
    return np.asarray(log_evalue(at) >= needed[at])


def _compare(stable: FloatArray, canary: FloatArray, q: float, limits: JudgeLimits) -> tuple[Flags, Evidence]:
    """Whether the canary's quantile is beyond the limit, and the evidence of some rollouts against the limit."""
    before, now = (np.maximum(quantile(Buckets(each, SECONDS), q), limits.latency_floor) for each in (stable, canary))

    def evidence(at: NDArray[np.intp]) -> FloatArray:
        ratio = np.full(len(at), limits.latency)
        both = Buckets(stable[at], SECONDS), Buckets(canary[at], SECONDS)
        return ratio_log_evalue(*both, q, ratio, limits.latency_floor)

    return now > limits.latency * before, evidence


def _set(flags: Flags, asked: Flags, test: Callable[[NDArray[np.intp]], Flags]) -> None:
    """Set the flags of the asked rollouts by a test of their numbers."""
    places = np.flatnonzero(asked)
    for part in np.array_split(places, 1 + len(places) // AT_ONCE):
        if len(part):
            flags[part] = test(part)
