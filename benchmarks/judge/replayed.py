"""Requests that simulated rollouts replay before traffic, and what they leave for live requests to show."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.judge.worlds import Version, World
from matchday.scores.outcome import FloatArray
from rollout.judge import Hits, JudgeLimits
from rollout.judge.checks.latency import QUANTILES
from rollout.judge.confirmation import MOST
from rollout.judge.quantiles import Buckets, quantile, ratio_log_evalue
from rollout.judge.rate_test import stays_within
from serving.metrics import SECONDS

REQUESTS = 5000
"""Replayed to each version: four minutes at 20 a second."""


@dataclass(frozen=True)
class Missed:
    """Chances of missing a harm that a pass may have, (rollouts,): by errors, and by each quantile of latency."""

    errors: FloatArray
    latency: tuple[FloatArray, ...]

    def pick(self, wanted: NDArray[np.intp]) -> "Missed":
        """Of some of the rollouts."""
        return Missed(self.errors[wanted], tuple(each[wanted] for each in self.latency))


def leave(world: World, rng: np.random.Generator, rollouts: int, limits: JudgeLimits) -> Missed:
    """What is left after the replayed requests of a world; all of it where it has none."""
    everything = np.full(rollouts, limits.missed)
    if not world.replayed:
        return Missed(everything, tuple(everything for _ in QUANTILES))
    stable, canary = (_errors(rng, version, rollouts) for version in (world.stable, world.canary))
    within = canary.rate - stable.rate < limits.errors
    by_errors = np.where(within, stays_within(stable, canary, limits.errors), 0.0)
    counts = [
        rng.multinomial(REQUESTS - limits.warm_requests, version.latency, rollouts)
        for version in (world.stable, world.canary)
    ]
    one, other = (Buckets(each, SECONDS) for each in counts)
    by_latency = []
    for q in QUANTILES:
        before, now = (np.maximum(quantile(each, q), limits.latency_floor) for each in (one, other))
        evidence = ratio_log_evalue(one, other, q, np.full(rollouts, limits.latency), limits.latency_floor)
        by_latency.append(_left(np.where(now < limits.latency * before, evidence, 0.0), limits))
    return Missed(_left(by_errors, limits), tuple(by_latency))


def _errors(rng: np.random.Generator, version: Version, rollouts: int) -> Hits:
    return Hits(rng.binomial(REQUESTS, version.errors, rollouts), np.full(rollouts, REQUESTS))


def _left(log_evalue: FloatArray, limits: JudgeLimits) -> FloatArray:
    """As `rollout.judge.confirmation.confirming` has it, of many."""
    part = np.clip(log_evalue / -np.log(limits.missed), 0.0, MOST)
    return np.asarray(limits.missed ** (1 - part))
