"""Whether the vectorised verdicts are those of the judge itself, look by look."""

import numpy as np

from benchmarks.judge.decisions import decide
from benchmarks.judge.simulation import SPEC
from benchmarks.judge.totals import Step, Totals
from benchmarks.judge.worlds import BAD, GOOD, PODS
from matchday.scores.outcome import FloatArray
from rollout.judge import (
    TRAFFIC,
    Cohort,
    ErrorBlocks,
    Histogram,
    Observation,
    ServerLatencies,
    Verdict,
    judge,
    step_alphas,
)
from serving.metrics import SECONDS

CHECKS = ("errors", "latency", "features")
LOOKS = (60.0, 600.0, 6000.0, 20_000.0)
WEIGHT = 0.25
WORLDS = (
    GOOD["20/s, 0.5 % errors"],
    GOOD[f"one slow pod of {PODS}"],
    GOOD["error clusters of 20"],
    BAD["errors 0.5 -> 2.5 %"],
    BAD["p99 x1.5"],
)


def count_disagreements(seed: int, rollouts: int) -> int:
    """Looks at some rollouts at which the judge says another thing."""
    rng, alpha = np.random.default_rng(seed), step_alphas(len(SPEC.steps))[-1]
    found = 0
    for world in WORLDS:
        for until in LOOKS:
            none = np.zeros(rollouts, np.int64)
            stretches = world.stretch(rng, WEIGHT, 0.0, until, none, rng.integers(0, PODS, rollouts))
            step = Step.begin(rollouts, WEIGHT).add(*stretches, 0)
            # `decide` shares alpha over the checks of a step, so the judge gets the part of these three
            fails, passes = decide(step, SPEC.limits, alpha)
            for place in range(rollouts):
                part = alpha * len(CHECKS) / (len(TRAFFIC) - 1)  # restarts have none
                verdict = judge(_observation(step, place), SPEC.limits, alpha=part, checks=CHECKS).verdict
                found += (verdict is Verdict.FAIL) != fails[place] or (verdict is Verdict.PASS) != passes[place]
    return found


def _observation(step: Step, place: int) -> Observation:
    versions = (step.stable, step.canary)
    stable, canary = (_cohort(version, place) for version in versions)
    servers = (tuple(_histogram(pod) for pod in version.latency[place]) for version in versions)
    blocks = ErrorBlocks(*(float(np.asarray(each)[place]) for each in step.blocks))
    return Observation(stable, canary, blocks=blocks, servers=ServerLatencies(*servers))


def _cohort(version: Totals, place: int) -> Cohort:
    requests, errors, incomplete, degraded = (
        int(each[place]) for each in (version.requests, version.errors, version.incomplete, version.degraded)
    )
    latency = _histogram(version.latency[place].sum(axis=0))
    # a kind each of which is within the limit: the worst kind is asked by another test
    return Cohort(requests, {"internal_server_error": errors}, latency, incomplete, degraded)


def _histogram(counts: FloatArray) -> Histogram:
    return Histogram(SECONDS, tuple(counts.astype(int).tolist()))
