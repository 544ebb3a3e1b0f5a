"""Whole rollouts of a world, many at once: by the judge, and by a plain threshold judge."""

from dataclasses import dataclass, fields, replace

import numpy as np

from benchmarks.judge.decisions import Flags, decide
from benchmarks.judge.worlds import PODS, Counts, Stretch, World
from matchday.scores.outcome import FloatArray
from rollout.judge import JudgeLimits, step_alphas
from rollout.judge.quantiles import Buckets, quantile
from rollout.spec import Spec
from serving.metrics import SECONDS

SPEC = Spec(inference_service="simulated")
"""The default rollout."""

LOOKS = 1.08
"""Looks are at times that grow by this factor, from ten seconds to the deadline: fewer than a rollout has."""

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
    for step, alpha in zip(SPEC.steps, alphas, strict=True):
        times = 10 * LOOKS ** np.arange(1 + np.log(step.deadline_seconds / 10) / np.log(LOOKS))
        undecided, on = active, []
        stable, canary = (_nothing(len(undecided)) for _ in range(2))
        for since, until in zip([0.0, *times[:-1]], times, strict=True):
            more = world.stretch(rng, step.weight / 100, since, until, canary.requests, slow[undecided])
            cold = canary.requests < limits.warm_requests
            stable, canary = _add(stable, more[0]), _add(canary, _without_latency(more[1], cold))
            fails, passes = decide(stable, canary, limits, alpha)
            gone = fails | (passes & (until >= step.hold_seconds))
            end.failed[undecided[fails]] = 1
            end.seconds[undecided[gone]] += until
            end.to_canary[undecided[gone]] += canary.requests[gone]
            on.append(undecided[gone & ~fails])
            undecided, stable, canary = undecided[~gone], _pick(stable, ~gone), _pick(canary, ~gone)
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
            seen = seen + canary.requests
            answered = canary.errors <= (1 - SUCCESS) * canary.requests
            quick = quantile(Buckets(canary.latency, SECONDS), 0.99) <= P99
            bad += (canary.requests > 0) & ~(answered & quick)
            running = np.isinf(failed_at)
            to_canary += np.where(running, canary.requests, 0)
            failed_at[running & (bad >= MOST_BAD)] = INTERVAL * (number * INTERVALS + interval + 1)
    failed = np.isfinite(failed_at)
    whole = INTERVAL * INTERVALS * len(SPEC.steps)
    return Outcomes((~failed).astype(float), failed.astype(float), np.minimum(failed_at, whole), to_canary)


def _nothing(rollouts: int) -> Stretch:
    none: Counts = np.zeros(rollouts, np.int64)
    return Stretch(none, none, none, none, np.zeros((rollouts, len(SECONDS) + 1), np.int64))


def _add(one: Stretch, other: Stretch) -> Stretch:
    return Stretch(*(getattr(one, each.name) + getattr(other, each.name) for each in fields(Stretch)))


def _without_latency(stretch: Stretch, cold: Flags) -> Stretch:
    """Durations of a server's first requests are not counted; here the canary is one server."""
    return replace(stretch, latency=np.where(cold[:, None], 0, stretch.latency))


def _pick(stretch: Stretch, wanted: FloatArray) -> Stretch:
    return Stretch(*(getattr(stretch, each.name)[wanted] for each in fields(Stretch)))
