"""Whole rollouts of a world, many at once: by the judge, and by a plain threshold judge."""

from dataclasses import dataclass, fields

import numpy as np

from benchmarks.judge.decisions import decide
from benchmarks.judge.replayed import leave
from benchmarks.judge.totals import Step
from benchmarks.judge.worlds import PODS, World
from matchday.scores.outcome import FloatArray
from rollout.judge import JudgeLimits, step_alphas
from rollout.judge.quantiles import Buckets, quantile
from rollout.spec import Spec
from serving.metrics import SECONDS

SPEC = Spec(inference_service="simulated")
"""The default rollout."""

PATIENCE = 3.0
"""Deadlines that a rollout waits for: after the first one it goes on by itself once it passes, as the default says."""

LOOKS = 1.08
"""Looks are at times that grow by this factor, from ten seconds on: fewer than a rollout has."""

INTERVAL, INTERVALS, MOST_BAD = 60.0, 10, 5
"""The threshold judge checks each minute, ten times a step, and goes back after five bad checks in all."""
SUCCESS, P99 = 0.99, 0.2
"""Its thresholds: share of requests answered; seconds, about twice the usual p99."""


@dataclass(frozen=True)
class Outcomes:
    """Of rollouts, (n,): whether promoted or failed, seconds and requests to the canary until then."""

    promoted: FloatArray
    failed: FloatArray
    seconds: FloatArray
    to_canary: FloatArray

    def percent(self, ended: str, within: float = np.inf) -> float:
        """Of a hundred rollouts, those that were `promoted` or `failed` within so many seconds."""
        return 100 * float((getattr(self, ended).astype(bool) & (self.seconds <= within)).mean())

    def median(self, what: str, ended: str) -> float:
        """Median of `seconds` or `to_canary` over the rollouts that ended so; NaN when none did."""
        found = getattr(self, what)[getattr(self, ended).astype(bool)]
        return float(np.median(found)) if len(found) else float("nan")


def run_judged(world: World, rollouts: int, seed: int, limits: JudgeLimits = SPEC.limits) -> Outcomes:
    """Rollouts by the judge with the default specification, from the first request to the promotion."""
    rng = np.random.default_rng(seed)
    end = Outcomes(*(np.zeros(rollouts) for _ in fields(Outcomes)))
    slow, active = rng.integers(0, PODS, rollouts), np.arange(rollouts)
    _, *alphas = step_alphas(len(SPEC.steps))
    missed = leave(world, rng, rollouts, limits)
    for step, alpha in zip(SPEC.steps, alphas, strict=True):
        weight = step.weight / 100
        times = 10 * LOOKS ** np.arange(1 + np.log(PATIENCE * step.deadline_seconds / 10) / np.log(LOOKS))
        undecided, on, seen = active, [], Step.begin(len(active), weight)
        for since, until in zip([0.0, *times[:-1]], times, strict=True):
            before = seen.canary.requests.astype(np.int64)
            stretches = world.stretch(rng, weight, since, until, before, slow[undecided])
            seen = seen.add(*stretches, limits.warm_requests)
            fails, passes = decide(seen, limits, alpha, missed.pick(undecided))
            fails |= bool(world.restarts) and until >= world.restarts
            gone = fails | (passes & (until >= step.hold_seconds))
            end.failed[undecided[fails]] = 1
            end.seconds[undecided[gone]] += until
            end.to_canary[undecided[gone]] += seen.canary.requests[gone]
            on.append(undecided[gone & ~fails])
            undecided, seen = undecided[~gone], seen.pick(~gone)
            if not len(undecided):
                break
        active = np.concatenate(on)
    end.promoted[active] = 1
    return end


def run_threshold(world: World, rollouts: int, seed: int) -> Outcomes:
    """Rollouts by fixed thresholds, as Flagger's or Argo Rollouts' analysis is configured."""
    rng = np.random.default_rng(seed)
    slow, bad = rng.integers(0, PODS, rollouts), np.zeros(rollouts, int)
    to_canary, failed_at = np.zeros(rollouts), np.full(rollouts, np.inf)
    for number, step in enumerate(SPEC.steps):
        seen = np.zeros(rollouts, np.int64)
        for interval in range(INTERVALS):
            since = INTERVAL * interval
            _, canary = world.stretch(rng, step.weight / 100, since, since + INTERVAL, seen, slow)
            requests, errors = canary.requests.sum(axis=1), canary.errors.sum(axis=1)
            seen = seen + requests
            answered = errors <= (1 - SUCCESS) * requests
            quick = quantile(Buckets(canary.latency.sum(axis=1), SECONDS), 0.99) <= P99
            bad += (requests > 0) & ~(answered & quick)
            running = np.isinf(failed_at)
            to_canary += np.where(running, requests, 0)
            failed_at[running & (bad >= MOST_BAD)] = INTERVAL * (number * INTERVALS + interval + 1)
    failed = np.isfinite(failed_at)
    whole = INTERVAL * INTERVALS * len(SPEC.steps)
    return Outcomes((~failed).astype(float), failed.astype(float), np.minimum(failed_at, whole), to_canary)
