"""Whether the vectorised verdicts are those of the judge itself, look by look."""

from dataclasses import fields

import numpy as np

from benchmarks.judge.decisions import decide
from benchmarks.judge.simulation import SPEC
from benchmarks.judge.worlds import BAD, GOOD, Stretch
from rollout.judge import TRAFFIC, Cohort, Histogram, Observation, Verdict, judge, step_alphas
from serving.metrics import SECONDS

CHECKS = ("errors", "latency", "features")
LOOKS = (60.0, 600.0, 6000.0, 20_000.0)


def count_disagreements(seed: int, rollouts: int) -> int:
    """Looks at some rollouts at which the judge says another thing."""
    rng, alpha = np.random.default_rng(seed), step_alphas(len(SPEC.steps))[-1]
    found = 0
    for world in (GOOD["20/s, 0.5 % errors"], BAD["errors 0.5 -> 2.5 %"], BAD["p99 x1.5"]):
        for until in LOOKS:
            none = np.zeros(rollouts, np.int64)
            stable, canary = world.stretch(rng, 0.25, 0.0, until, none, none)
            # `decide` shares alpha over the checks of a step, so the judge gets the part of these three
            fails, passes = decide(stable, canary, SPEC.limits, alpha)
            for place in range(rollouts):
                seen = Observation(_cohort(stable, place), _cohort(canary, place))
                verdict = judge(seen, SPEC.limits, alpha=alpha * len(CHECKS) / len(TRAFFIC), checks=CHECKS).verdict
                found += (verdict is Verdict.FAIL) != fails[place] or (verdict is Verdict.PASS) != passes[place]
    return found


def _cohort(stretch: Stretch, place: int) -> Cohort:
    requests, errors, incomplete, degraded, latency = (getattr(stretch, each.name)[place] for each in fields(Stretch))
    histogram = Histogram(SECONDS, tuple(latency.tolist()))
    return Cohort(int(requests), {"internal_server_error": int(errors)}, histogram, int(incomplete), int(degraded))
