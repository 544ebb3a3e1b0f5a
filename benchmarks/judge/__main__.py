"""`python -m benchmarks.judge`, or `make bench-judge`."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import NamedTuple

import numpy as np

from benchmarks.judge import failing
from benchmarks.judge.latency import LATENCIES, buckets, longer_tail, slower
from benchmarks.judge.traffic import Step, Version, observations, pairs, totals
from benchmarks.report import Measure, report
from matchday.scores.outcome import FloatArray
from rollout.judge import (
    CHECKS,
    SHADOW,
    TRAFFIC,
    Cohort,
    Histogram,
    JudgeLimits,
    Observation,
    Pairs,
    Verdict,
    judge,
    step_alphas,
)
from rollout.judge.sequential import student_width

ROLLOUTS = 2000
WHOLE = 150
"""Rollouts that are judged by `judge` itself at every look."""

CHUNK = 40
"""Rollouts at once: what fits into memory with a look every ten requests."""

SEED = 20_260_807
"""Nothing was tuned on it."""

LIMITS = JudgeLimits()
PLANS = {"5, 25, 50 %": (0.05, 0.25, 0.50), "1, 10, 50 %": (0.01, 0.10, 0.50), "50 %": (0.50,)}
LOOKS = (10, 100, 1000)
USUAL = Version(buckets(LATENCIES["lognormal 0.5"]))
MATCHES, PAST = 40, 380
"""Results that come during a step; matches of walk-forward forecasts, a season's."""


@dataclass(frozen=True)
class Caught:
    """Of simulated rollouts: which were failed, after how many requests in all and to the canary (NaN: never)."""

    requests: FloatArray
    to_canary: FloatArray

    @property
    def percent(self) -> float:
        """Failed, of a hundred."""
        return 100 * float(np.isfinite(self.requests).mean())

    def within(self, share: float) -> tuple[float, float]:
        """Requests in all, and to the canary, by which this share of all rollouts was failed."""
        total, to_canary = (np.nan_to_num(each, nan=np.inf) for each in (self.requests, self.to_canary))
        return float(np.quantile(total, share)), float(np.quantile(to_canary, share))


def main() -> int:
    """Measure and report. Returns the exit code: 1 when a bar was missed."""
    begun = time.perf_counter()
    measures = []
    for cell in (_false_alarms, _at_the_limits, _errors, _tails, _skill, _whole_rollouts, _below_minimum, _speed):
        measures += list(cell())
        print(f"{cell.__name__.strip('_')}: {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    report("judge", measures)
    return 1 if any(measure.held is False for measure in measures) else 0


def _false_alarms() -> Iterator[Measure]:
    """Identical versions, and forecasts of equal skill: shadow with its look at the past, then traffic."""
    rng = np.random.default_rng(SEED)
    for name, weights in PLANS.items():
        past, *alphas = step_alphas(len(weights))
        before = _history(rng.normal(0, 0.03, (ROLLOUTS, PAST)), past)[0]
        by_looks = {every: np.zeros(ROLLOUTS, bool) for every in LOOKS}
        for weight, alpha in zip(weights, alphas, strict=True):
            step = Step(weight, 36_000 // len(weights), LOOKS[0])
            live = failing.skill(rng.normal(0, 0.03, (ROLLOUTS, MATCHES)), LIMITS, alpha).any(axis=1)
            for rows in _chunks():
                both = totals(rng, step, USUAL, USUAL, len(rows))
                for every in LOOKS:
                    seen = [each.every(every // LOOKS[0]) for each in both]
                    by_looks[every][rows] |= failing.failed(*seen, LIMITS, alpha).any(axis=1)
            for every in LOOKS:
                by_looks[every] |= live
        for every, flags in by_looks.items():
            told = f"identical, {name}, a look every {every} requests"
            yield Measure(f"{told}: failed", _percent(flags | before), "%", "<= 5")
            yield Measure(f"{told}: of them by traffic", _percent(flags), "%")


def _at_the_limits() -> Iterator[Measure]:
    """Harm of exactly what is tolerated, in everything at once: the hardest case that must not fail."""
    tolerated = Version(
        buckets(slower(LATENCIES["lognormal 0.5"], LIMITS.latency)),
        USUAL.errors + LIMITS.errors,
        USUAL.incomplete + LIMITS.incomplete,
        USUAL.degraded + LIMITS.degraded,
    )
    caught = _rollouts(tolerated, PLANS["5, 25, 50 %"], 40_000, 100)
    yield Measure("at every limit at once, a look every 100 requests: failed", caught.percent, "%", "<= 5")


def _errors() -> Iterator[Measure]:
    """0.5 % of errors against 2.5 %."""
    bad = replace(USUAL, errors=0.025)
    for name, weights in PLANS.items():
        caught = _rollouts(bad, weights, 100_000, 100)
        yield from _found(f"errors 2.5 % against 0.5 %, {name}", caught, ">= 95")


def _tails() -> Iterator[Measure]:
    """A p99 that is half as long again, with everything else or alone."""
    for name, latency in LATENCIES.items():
        stable = replace(USUAL, latency=buckets(latency))
        for what, shape in (("all requests", slower), ("only the tail", longer_tail)):
            bad = replace(USUAL, latency=buckets(shape(latency, 1.5)))
            requests = 40_000 if shape is slower else 400_000
            caught = _rollouts(bad, PLANS["5, 25, 50 %"], requests, requests // 200, stable)
            yield from _found(f"p99 1.5 times, {what}, {name}", caught, ">= 95")


def _skill() -> Iterator[Measure]:
    """A candidate that is worse by three standard errors of the mean difference, at the one look before traffic."""
    rng = np.random.default_rng(SEED + 1)
    shadow, *_ = step_alphas(3)
    noises = {"normal": rng.normal(0, 1, (ROLLOUTS, PAST)), "Student 4": rng.standard_t(4, (ROLLOUTS, PAST)) / 2**0.5}
    for name, noise in noises.items():
        differences = 0.03 * (noise + 3 / PAST**0.5)
        failed, passed = _history(differences, shadow)
        yield Measure(
            f"score worse by 3 standard errors, {name}: failed before traffic", _percent(failed), "%", ">= 80"
        )
        yield Measure(f"score worse by 3 standard errors, {name}: passed", _percent(passed), "%")
    equal = _history(0.03 * rng.normal(0, 1, (ROLLOUTS, PAST)), shadow)
    near = _history(0.01 * rng.normal(0, 1, (ROLLOUTS, PAST)), shadow)
    yield Measure("equal score, differences of .03: passed", _percent(equal[1]), "%")
    yield Measure("equal score, differences of .01 (trained again): passed", _percent(near[1]), "%")


def _history(differences: FloatArray, alpha: float) -> tuple[failing.Flags, failing.Flags]:
    """Which rollouts (rollouts, matches) the look at the past fails, and which it passes. alpha: of the shadow."""
    share = alpha * CHECKS["history"].weight / sum(CHECKS[name].weight for name in SHADOW)
    mean, sd, n = differences.mean(axis=1), differences.std(axis=1, ddof=1), differences.shape[1]
    fails = mean - student_width(sd, n, share) > LIMITS.skill
    passes = mean + student_width(sd, n, LIMITS.missed) <= LIMITS.skill + LIMITS.skill_margin
    return fails, passes & ~fails


def _whole_rollouts() -> Iterator[Measure]:
    """Rollouts by `judge` from shadow to promotion; it must agree with the trajectories above at every look."""
    rng = np.random.default_rng(SEED + 2)
    disagreed = 0
    candidates = {
        "the same, trained again": USUAL,
        "errors 2.5 %": replace(USUAL, errors=0.025),
        "1.5 times slower": replace(USUAL, latency=buckets(slower(LATENCIES["lognormal 0.5"], 1.5))),
    }
    for name, canary in candidates.items():
        ends = [_whole(rng, canary) for _ in range(WHOLE)]
        disagreed += sum(end.disagreed for end in ends)
        for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE):
            share = _percent(np.array([end.verdict is verdict for end in ends]))
            yield Measure(f"whole rollouts, {name}: {verdict}", share, "%")
        yield Measure(f"whole rollouts, {name}: requests until then", median(end.requests for end in ends), "requests")
    yield Measure("looks at which judge and the trajectories disagree", disagreed, "looks", "<= 0")


class End(NamedTuple):
    """Of a rollout. disagreed: looks at which `judge` failed it and the trajectory did not, or the other way."""

    verdict: Verdict
    requests: int
    disagreed: int


def _whole(rng: np.random.Generator, canary: Version) -> End:
    """From shadow through steps of at most 400,000 requests, with a look every 10,000."""
    weights = PLANS["5, 25, 50 %"]
    shadow, *alphas = step_alphas(len(weights))
    before = Observation(pairs=pairs(rng, 1000, 0.02), history=rng.normal(0, 0.01, PAST))
    verdict, requests, disagreed = judge(before, LIMITS, alpha=shadow, checks=SHADOW, time_up=True).verdict, 0, 0
    for weight, alpha in zip(weights, alphas, strict=True):
        if verdict is not Verdict.PASS:
            break
        both = totals(rng, Step(weight, 400_000, 10_000), USUAL, canary, 1)
        trajectory = failing.failed(*both, LIMITS, alpha)[0]
        for look, seen in enumerate(observations(*both, 0, pairs(rng, 1000, 0.02))):
            verdict = judge(seen, LIMITS, alpha=alpha, checks=TRAFFIC, time_up=look == len(trajectory) - 1).verdict
            requests += 10_000
            disagreed += (verdict is Verdict.FAIL) != bool(trajectory[look])
            if verdict is not Verdict.WAIT:
                break
    return End(verdict, requests, disagreed)


def _below_minimum() -> Iterator[Measure]:
    """Disastrous and perfect canaries with fewer than the least samples."""
    rng = np.random.default_rng(SEED + 3)
    verdicts = 0
    for _ in range(ROLLOUTS):
        n = int(rng.integers(1, LIMITS.min_requests))
        stable, canary = (_few(rng, n) for _ in range(2))
        rows = rng.dirichlet([0.3] * 3, int(rng.integers(1, LIMITS.min_pairs)))
        live, past = (rng.normal(1, 1, least - 1) for least in (LIMITS.min_matches, LIMITS.min_history))
        found = judge(Observation(stable, canary, Pairs(rows, rows[:, ::-1]), live, past), LIMITS).findings
        verdicts += sum(finding.verdict in (Verdict.PASS, Verdict.FAIL) for finding in found)
    yield Measure("pass or fail from fewer than the minimum", verdicts, "verdicts", "<= 0")


def _few(rng: np.random.Generator, n: int) -> Cohort:
    took = rng.multinomial(n, rng.dirichlet([0.3] * 3)).tolist()
    return Cohort(n, {"other": int(rng.integers(0, n + 1))}, Histogram((0.01, 1.0), tuple(took)), n, n)


def _speed() -> Iterator[Measure]:
    """One judgement over everything there is, of 100,000 requests and as many rows."""
    rng = np.random.default_rng(SEED + 4)
    [stable, canary] = totals(rng, Step(0.5, 100_000, 100_000), USUAL, USUAL, 1)
    scores = rng.normal(0, 0.01, 100_000)
    seen = Observation(stable.cohort(0, 0), canary.cohort(0, 0), pairs(rng, 100_000, 0.02), scores, scores)
    times = []
    for _ in range(21):
        begun = time.perf_counter()
        judge(seen, LIMITS)
        times.append(1000 * (time.perf_counter() - begun))
    yield Measure("one judgement over 100,000 observations, all checks", median(times), "ms", "<= 50")


def _rollouts(
    canary: Version, weights: tuple[float, ...], requests: int, every: int, stable: Version = USUAL
) -> Caught:
    """Rollouts of so many requests a step, until one is failed."""
    rng = np.random.default_rng(SEED + 5)
    total, to_canary = (np.full(ROLLOUTS, np.nan) for _ in range(2))
    _, *alphas = step_alphas(len(weights))
    before = np.zeros(ROLLOUTS)
    for index, (weight, alpha) in enumerate(zip(weights, alphas, strict=True)):
        for rows in _chunks():
            open_ = rows[np.isnan(total[rows])]
            if not len(open_):
                continue
            both = totals(rng, Step(weight, requests, every), stable, canary, len(open_))
            at = failing.first(failing.failed(*both, LIMITS, alpha))
            found, look = open_[at >= 0], at[at >= 0]
            asked = both[1].requests
            total[found] = index * requests + (look + 1) * every
            to_canary[found] = before[found] + asked[at >= 0, look]
            before[open_] += asked[:, -1]
    return Caught(total, to_canary)


def _found(name: str, caught: Caught, bar: str) -> Iterator[Measure]:
    yield Measure(f"{name}: failed", caught.percent, "%", bar)
    for share in (0.5, 0.95):
        if caught.percent >= 100 * share:
            total, to_canary = caught.within(share)
            yield Measure(f"{name}: requests until {share:.0%} are failed", total, "requests")
            yield Measure(f"{name}: of them to the canary", to_canary, "requests")


def _chunks() -> list[np.ndarray]:
    return np.array_split(np.arange(ROLLOUTS), ROLLOUTS // CHUNK)


def _percent(flags: failing.Flags) -> float:
    return 100 * float(np.mean(flags))


if __name__ == "__main__":
    sys.exit(main())
