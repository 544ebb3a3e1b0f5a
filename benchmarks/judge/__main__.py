"""`python -m benchmarks.judge`, or `make bench-judge`: thousands of simulated rollouts, beside fixed thresholds."""

import argparse
import sys
import time
from collections.abc import Iterator
from statistics import median

import numpy as np

from benchmarks.judge import decisions
from benchmarks.judge.agreement import count_disagreements
from benchmarks.judge.forecasts import retrained, swap_one_team
from benchmarks.judge.simulation import SPEC, run_judged, run_threshold
from benchmarks.judge.worlds import BAD, BEYOND, GOOD, World
from benchmarks.report import Measure, report
from rollout.judge import SHADOW, Cohort, Histogram, JudgeLimits, Observation, Pairs, Verdict, judge, step_alphas
from serving.metrics import SECONDS

ROLLOUTS, QUICK = 1000, 60
SEED = 20_261_129
"""Nothing was chosen on it."""

LIMITS = SPEC.limits
PAST, ROWS = 380, 380
"""Matches of walk-forward forecasts, and rows that both versions answer: a season's."""

HOUR = 3600.0
WITHIN = {
    "5/s, no errors": 6.0,
    "1/s, no errors": 24.0,
    "1/s, no errors, 5,000 replayed": 24.0,
}
"""Hours in which a rollout is to be promoted."""
PROMOTED = {"20/s, 0.5 % errors": 95, "5/s, no errors": 95} | {name: 90 for name in WITHIN if name.startswith("1/s")}
OTHERS_PROMOTED = 80


def main() -> int:
    """Measure and report. Returns the exit code: 1 when a bar was missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.judge", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} rollouts a cell; writes no results")
    quick = parser.parse_args().quick
    rollouts, begun, measures = QUICK if quick else ROLLOUTS, time.perf_counter(), []
    for cell in (_good, _bad, _beyond, _forecasts, _history, _below_minimum, _agreement):
        measures += list(cell(rollouts))
        print(f"{cell.__name__.strip('_')}: {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    measures += list(_speed())
    if quick:
        for measure in measures:
            print(f"{measure.measure}: {measure.value:,.4g} {measure.unit} {measure.bar or ''}")
    else:
        report("judge", measures)
    return 1 if any(measure.held is False for measure in measures) else 0


def _good(rollouts: int) -> Iterator[Measure]:
    """Two versions that are the same."""
    for number, (name, world) in enumerate(GOOD.items()):
        end = run_judged(world, rollouts, SEED + number)
        hours = WITHIN.get(name)
        within = f" within {hours:g} h" if hours else ""
        promoted = end.percent("promoted", hours * HOUR if hours else np.inf)
        yield Measure(
            f"identical, {name}: promoted{within}", promoted, "%", f">= {PROMOTED.get(name, OTHERS_PROMOTED)}"
        )
        yield Measure(f"identical, {name}: failed", end.percent("failed"), "%", "<= 5")
        yield Measure(
            f"identical, {name}: time to the promotion, median", end.median("seconds", "promoted") / HOUR, "h"
        )
        yield from _threshold(f"identical, {name}", world, rollouts, number)


def _bad(rollouts: int) -> Iterator[Measure]:
    """A canary that is worse."""
    for number, (name, world) in enumerate(BAD.items(), start=100):
        end = run_judged(world, rollouts, SEED + number)
        yield Measure(f"{name}: failed", end.percent("failed"), "%", ">= 95")
        yield Measure(f"{name}: requests to the canary, median", end.median("to_canary", "failed"), "requests")
        yield from _threshold(name, world, rollouts, number)


def _beyond(rollouts: int) -> Iterator[Measure]:
    """A canary that is beyond a limit by half of it."""
    for number, (name, world) in enumerate(BEYOND.items(), start=200):
        end = run_judged(world, rollouts, SEED + number)
        yield Measure(f"{name}: promoted", end.percent("promoted"), "%", "<= 5")
        yield Measure(f"{name}: failed", end.percent("failed"), "%")
        yield from _threshold(name, world, rollouts, number)


def _threshold(name: str, world: World, rollouts: int, number: int) -> Iterator[Measure]:
    end = run_threshold(world, rollouts, SEED + number)
    yield Measure(f"{name}: failed by fixed thresholds", end.percent("failed"), "%")


def _forecasts(rollouts: int) -> Iterator[Measure]:
    """The shadow's look at the forecasts of a season."""
    rng, [alpha, *_] = np.random.default_rng(SEED + 300), step_alphas(len(SPEC.steps))
    for name, make, failed, bar in (
        ("trained again, forecasts .02 apart", retrained, Verdict.PASS, ">= 95"),
        ("one team swapped", swap_one_team, Verdict.FAIL, ">= 95"),
    ):
        seen = [Observation(pairs=make(rng, ROWS)) for _ in range(rollouts)]
        verdicts = [judge(each, LIMITS, alpha=alpha, checks=SHADOW, time_up=True).verdict for each in seen]
        share = 100 * float(np.mean([verdict is failed for verdict in verdicts]))
        yield Measure(f"{name}: {failed} before traffic", share, "%", bar)


def _history(rollouts: int) -> Iterator[Measure]:
    """The look at past weeks; what it leaves undecided waits for a person."""
    rng, [alpha, *_] = np.random.default_rng(SEED + 400), step_alphas(len(SPEC.steps))
    shape = rollouts, PAST
    cells = {
        "a model better by 0.002": rng.normal(-0.002, 0.03, shape),
        "a model of equal skill": rng.normal(0, 0.03, shape),
        "trained again, scores .01 apart": rng.normal(0, 0.01, shape),
    }
    for name, scores in cells.items():
        fails, passes = decisions.history(scores, LIMITS, alpha)
        yield Measure(f"{name}: not failed by history", 100 * float(1 - fails.mean()), "%", ">= 95")
        yield Measure(f"{name}: passed by history", 100 * float(passes.mean()), "%")
    for name, noise in (("normal", rng.normal(0, 1, shape)), ("Student 4", rng.standard_t(4, shape) / 2**0.5)):
        fails, passes = decisions.history(0.03 * (noise + 3 / PAST**0.5), LIMITS, alpha)
        worse = f"score worse by 3 standard errors, {name}"
        yield Measure(f"{worse}: failed before traffic", 100 * float(fails.mean()), "%", ">= 80")
        yield Measure(f"{worse}: passed", 100 * float(passes.mean()), "%")


def _below_minimum(rollouts: int) -> Iterator[Measure]:
    """Disastrous and perfect canaries with fewer than the least samples."""
    rng = np.random.default_rng(SEED + 500)
    verdicts = 0
    for _ in range(rollouts):
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


def _agreement(rollouts: int) -> Iterator[Measure]:
    found = count_disagreements(SEED + 600, min(rollouts // 6, 30))
    yield Measure("looks at which judge and the vectorised tests disagree", found, "looks", "<= 0")


def _speed() -> Iterator[Measure]:
    """One judgement over everything there is, of 100,000 requests and as many rows."""
    rng, n = np.random.default_rng(SEED + 700), 100_000
    shares = GOOD["20/s, 0.5 % errors"].stable.latency
    stable, canary = (
        Cohort(
            n // 2, {"other": n // 400}, Histogram(SECONDS, tuple(rng.multinomial(n // 2, shares).tolist())), 500, 100
        )
        for _ in range(2)
    )
    scores = np.clip(rng.normal(0, 0.01, n), -1, 1)
    seen = Observation(stable, canary, retrained(rng, n), scores, scores, largest_score=1.0)
    times = []
    for _ in range(21):
        begun = time.process_time()
        judge(seen, JudgeLimits())
        times.append(1000 * (time.process_time() - begun))
    yield Measure("one judgement over 100,000 observations, all checks, processor time", median(times), "ms", "<= 50")


if __name__ == "__main__":
    sys.exit(main())
