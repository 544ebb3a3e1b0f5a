"""Worlds in which rollouts are simulated: what stable and canary do in each stretch of time."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.judge.latency import LATENCIES, Distribution, buckets, longer_tail, slower
from matchday.scores.outcome import FloatArray

Counts = NDArray[np.int64]

USUAL = buckets(LATENCIES["lognormal 0.5"])
PODS, CLUSTER, COLD = 9, 20, 50
"""Pods of a service, errors of a cluster, first requests that are slow."""

LEAST_PODS = 2
"""Pods of a canary, whatever its share: one pod alone cannot be told from its version."""

PART, MOST_PARTS = 60.0, 16
"""Mean requests to the canary in a part of a stretch, and most parts of a stretch: the finer clock of errors."""

DAY = 86_400.0


@dataclass(frozen=True)
class Version:
    """What a version does. latency: share of each bucket. errors, degraded: shares of the requests."""

    latency: FloatArray
    errors: float = 0.005
    incomplete: float = 0.01
    degraded: float = 0.002


@dataclass(frozen=True)
class Stretch:
    """Counts of one version in a stretch of time.

    requests, errors: (rollouts, parts); errors with those that only the gateway saw. incomplete, degraded: (rollouts,).
    latency: (rollouts, pods, buckets).
    """

    requests: Counts
    errors: Counts
    incomplete: Counts
    degraded: Counts
    latency: Counts


@dataclass(frozen=True)
class World:
    """A service with two versions. per_second: requests.

    incidents: share of the time in which a fifth of the requests of both versions fail. cycle: latency of both
    versions by the hour. clustered: errors come in clusters that hit one version. cold: the canary's first requests of
    a step are ten times as slow. slow_pod: one pod of nine is twice as slow, whichever version it is of. crash: the
    canary answers nothing for this share of the time; the gateway sees those requests fail. restarts: seconds between
    two restarts of the canary's server that are known; 0: none. ramp: seconds in which stale features of the canary
    rise to their share. replayed: whether there are logged requests to replay before traffic.
    """

    stable: Version
    canary: Version
    per_second: float = 20.0
    incidents: float = 0.0
    cycle: tuple[FloatArray, ...] = ()
    clustered: bool = False
    cold: bool = False
    slow_pod: bool = False
    crash: float = 0.0
    restarts: float = 0.0
    ramp: float = 0.0
    replayed: bool = False

    def stretch(
        self, rng: np.random.Generator, weight: float, since: float, until: float, before: Counts, slow: Counts
    ) -> tuple[Stretch, Stretch]:
        """What stable and canary count between two times of a step, seconds, in as many rollouts as `before` has.

        before: requests to each canary in this step so far. slow: number of the slow pod; the canary's are the first.
        """
        parts = int(np.clip((until - since) * self.per_second * weight / PART, 1, MOST_PARTS))
        seconds, shape = (until - since) / parts, (len(before), parts)
        requests = rng.poisson(self.per_second * seconds, shape)
        to_canary = rng.binomial(requests, weight)
        failing = np.zeros(shape)
        if self.incidents:  # each of ten seconds
            failing = 0.2 * np.minimum(1.0, 10 * rng.poisson(self.incidents * seconds / 10, shape) / seconds)
        pods = canary_pods(weight)
        stable = self._count(rng, self.stable, requests - to_canary, failing, since, slow - pods, PODS - pods)
        lost = rng.binomial(to_canary, self.crash)
        canary = self._count(rng, self._at(since), to_canary - lost, failing, since, slow, pods)
        canary = replace(canary, requests=canary.requests + lost, errors=canary.errors + lost)
        if self.cold:
            share = np.clip(COLD - before, 0, to_canary.sum(axis=1)) / np.maximum(to_canary.sum(axis=1), 1)
            canary = replace(canary, latency=_replace(rng, canary.latency, share[:, None], COLD_LATENCY))
        return stable, canary

    def _at(self, since: float) -> Version:
        """The canary by now."""
        if not self.ramp:
            return self.canary
        risen, before = min(1.0, since / self.ramp), self.stable.degraded
        return replace(self.canary, degraded=before + risen * (self.canary.degraded - before))

    def _count(
        self,
        rng: np.random.Generator,
        version: Version,
        requests: Counts,
        failing: FloatArray,
        since: float,
        slow: Counts,
        pods: int,
    ) -> Stretch:
        """slow: number of the slow pod among those of this version; another number for none."""
        errors = rng.binomial(requests, np.minimum(1.0, version.errors + failing))
        if self.clustered:
            errors = np.minimum(requests, CLUSTER * rng.poisson(requests * version.errors / CLUSTER))
        total = requests.sum(axis=1)
        answered = total - errors.sum(axis=1)
        hour = int(since / DAY * len(self.cycle)) % max(1, len(self.cycle))
        by_pod = rng.multinomial(total, np.full(pods, 1 / pods))
        latency = rng.multinomial(by_pod, self.cycle[hour] if self.cycle else version.latency)
        if self.slow_pod:
            latency = _replace(rng, latency, (slow[:, None] == np.arange(pods)).astype(float), SLOW_POD)
        incomplete, degraded = (rng.binomial(answered, share) for share in (version.incomplete, version.degraded))
        return Stretch(requests, errors, incomplete, degraded, latency)


def canary_pods(weight: float) -> int:
    """Pods of the canary at a share of the requests."""
    return max(LEAST_PODS, round(PODS * weight))


def _replace(rng: np.random.Generator, latency: Counts, share: FloatArray, by: FloatArray) -> Counts:
    """Durations (rollouts, pods, buckets) of which a share (rollouts, pods or 1) has another distribution."""
    kept = rng.binomial(latency, 1 - share[..., None])
    return np.asarray(kept + rng.multinomial((latency - kept).sum(axis=-1), by))


def _usual(change: Callable[[Distribution, float], Distribution], times: float) -> FloatArray:
    return buckets(change(LATENCIES["lognormal 0.5"], times))


COLD_LATENCY, SLOW_POD = _usual(slower, 10.0), _usual(slower, 2.0)
SAME = Version(USUAL)
FAULTLESS = replace(SAME, errors=0.0)
HEAVY = tuple(buckets(slower(LATENCIES["Pareto 3"], 1 + 0.5 * np.sin(2 * np.pi * hour / 24))) for hour in range(24))

GOOD = {
    "20/s, 0.5 % errors": World(SAME, SAME),
    "5/s, no errors": World(FAULTLESS, FAULTLESS, per_second=5.0),
    "1/s, no errors": World(FAULTLESS, FAULTLESS, per_second=1.0),
    "1/s, no errors, 5,000 replayed": World(FAULTLESS, FAULTLESS, per_second=1.0, replayed=True),
    "bursty common incidents": World(SAME, SAME, incidents=0.02),
    "heavy tails, load cycle": World(SAME, SAME, cycle=HEAVY),
    f"first {COLD} requests ten times slower": World(SAME, SAME, cold=True),
    f"one slow pod of {PODS}": World(SAME, SAME, slow_pod=True),
    f"error clusters of {CLUSTER}": World(SAME, SAME, clustered=True),
}
"""Worlds in which both versions are the same."""

BAD = {
    "errors 0.5 -> 2.5 %": World(SAME, replace(SAME, errors=0.025)),
    "crash 3 s each minute": World(SAME, SAME, crash=0.05, restarts=60.0),
    "crash 3 s each minute, restarts not known": World(SAME, SAME, crash=0.05),
    "p99 x1.5": World(SAME, replace(SAME, latency=_usual(longer_tail, 1.5))),
    "everything x2": World(SAME, replace(SAME, latency=_usual(slower, 2.0))),
    "one team of 20 errs": World(SAME, replace(SAME, errors=0.005 + 0.1)),
    "stale features rising to 10 %": World(SAME, replace(SAME, degraded=0.1), ramp=1800.0),
}
"""Worlds in which the canary is worse. One team of 20 is in a tenth of the matches."""

BEYOND = {
    "errors at 1.5 times the limit": World(SAME, replace(SAME, errors=0.005 + 1.5 * 0.005)),
    "latency at 1.5 times the limit": World(SAME, replace(SAME, latency=_usual(slower, 1.375))),
}
"""Worlds in which the canary is somewhat beyond a limit."""
