"""When the judge would fail a canary, on whole trajectories at once, by its own evidence.

An interval is above a limit when the estimate is, and the evidence against a harm of just the limit has reached
log(1 / alpha): the same functions, asked at one value instead of searched for the bound. The benchmark
holds this to `judge` itself, look by look.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.judge.traffic import Counts, Totals
from matchday.scores.outcome import FloatArray
from rollout.judge import CHECKS, TRAFFIC, JudgeLimits
from rollout.judge.checks.latency import QUANTILES
from rollout.judge.checks.skill import TUNED
from rollout.judge.quantiles import Buckets, quantile, ratio_log_evalue
from rollout.judge.rate_test import exceeds
from rollout.judge.sequential import Hits, mean_width
from serving.metrics import SECONDS

Flags = NDArray[np.bool_]

AT_ONCE = 2000
"""Pairs of counts that are tested together: what fits into memory."""


def failed(stable: Totals, canary: Totals, limits: JudgeLimits, alpha: float) -> Flags:
    """(rollouts, looks) whether errors, features or latency fail. alpha: of the step."""
    share = alpha / sum(CHECKS[name].weight for name in TRAFFIC)
    counted = (
        ("errors", "requests", limits.errors, share),
        ("incomplete", "answered", limits.incomplete, share / 2),
        ("degraded", "answered", limits.degraded, share / 2),
    )
    flags = slower(stable.latency, canary.latency, limits, share)
    for hits, among, limit, each in counted:
        one, other = (Hits(getattr(totals, hits), getattr(totals, among)) for totals in (stable, canary))
        flags |= _more(one, other, limit, limits, each)
    return flags


def _more(stable: Hits, canary: Hits, limit: float, limits: JudgeLimits, alpha: float) -> Flags:
    enough = np.minimum(stable.n, canary.n) >= limits.min_requests
    flags = enough & (canary.hits * np.maximum(stable.n, 1) > (stable.hits + limit * stable.n) * canary.n)
    one, other = _at(stable, flags), _at(canary, flags)
    parts = np.array_split(np.arange(int(flags.sum())), 1 + int(flags.sum()) // AT_ONCE)
    found = [exceeds(_at(one, part), _at(other, part), limit) >= -np.log(alpha) for part in parts]
    flags[flags] = np.concatenate(found)
    return flags


def slower(stable: Counts, canary: Counts, limits: JudgeLimits, alpha: float) -> Flags:
    """(rollouts, looks) whether any quantile's ratio is beyond the limit. stable, canary: (..., buckets)."""
    flags = np.minimum(stable.sum(axis=-1), canary.sum(axis=-1)) >= limits.min_requests
    enough = Buckets(stable[flags], SECONDS), Buckets(canary[flags], SECONDS)
    flags[flags] = np.logical_or.reduce([_ratio(*enough, q, limits, alpha / len(QUANTILES)) for q in QUANTILES])
    return flags


def _ratio(stable: Buckets, canary: Buckets, q: float, limits: JudgeLimits, alpha: float) -> Flags:
    one, other = (np.maximum(quantile(each, q), limits.latency_floor) for each in (stable, canary))
    flags = other > limits.latency * one
    beyond = (Buckets(np.asarray(each.counts)[flags], each.bounds) for each in (stable, canary))
    ratio = np.full(int(flags.sum()), limits.latency)
    flags[flags] = ratio_log_evalue(*beyond, q, ratio, limits.latency_floor) >= -np.log(alpha)
    return flags


def skill(differences: FloatArray, limits: JudgeLimits, alpha: float) -> Flags:
    """(rollouts, matches) whether the live check fails after each match. alpha: of the step."""
    n = np.arange(1, differences.shape[1] + 1)
    mean = np.cumsum(differences, axis=1) / n
    variance = (np.cumsum(differences**2, axis=1) - n * mean**2) / np.maximum(n - 1, 1)
    share = alpha / sum(CHECKS[name].weight for name in TRAFFIC)
    low = mean - mean_width(np.sqrt(np.maximum(variance, 0)), n, share, TUNED)
    return (low > limits.skill) & (n >= limits.min_matches)


def _at(counted: Hits, flags: NDArray[Any]) -> Hits:
    return Hits(np.asarray(counted.hits)[flags], np.asarray(counted.n)[flags])


def first(flags: Flags) -> NDArray[np.intp]:
    """(rollouts,) the first look at which it is so, or -1."""
    return np.where(flags.any(axis=1), flags.argmax(axis=1), -1)
