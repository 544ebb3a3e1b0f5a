"""Totals that a rollout would see at each look at a step."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from matchday.scores.outcome import FloatArray
from rollout.judge import Cohort, Histogram, Observation, Pairs
from serving.metrics import SECONDS

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Version:
    """What a version is like. latency: share of each bucket."""

    latency: FloatArray
    errors: float = 0.005
    incomplete: float = 0.01
    degraded: float = 0.002


@dataclass(frozen=True)
class Totals:
    """Of one version, at each look: (rollouts, looks), latency (rollouts, looks, buckets)."""

    requests: Counts
    errors: Counts
    incomplete: Counts
    degraded: Counts
    latency: Counts

    @property
    def answered(self) -> Counts:
        """Requests with an answer."""
        return self.requests - self.errors

    def every(self, looks: int) -> "Totals":
        """At every so manieth look only."""
        return Totals(*(getattr(self, each.name)[:, looks - 1 :: looks] for each in fields(self)))

    def cohort(self, rollout: int, look: int) -> Cohort:
        """As the judge is told it."""
        at = (rollout, look)
        return Cohort(
            int(self.requests[at]),
            {"internal_server_error": int(self.errors[at])},
            Histogram(SECONDS, tuple(self.latency[at].tolist())),
            int(self.incomplete[at]),
            int(self.degraded[at]),
        )


@dataclass(frozen=True)
class Step:
    """A step of a rollout. weight: share of the requests that the canary gets. every: requests between two looks."""

    weight: float
    requests: int
    every: int


def totals(rng: np.random.Generator, step: Step, stable: Version, canary: Version, rollouts: int) -> list[Totals]:
    """Stable's and canary's, of as many rollouts."""
    shape = rollouts, step.requests // step.every
    asked = rng.binomial(step.every, step.weight, shape)
    return [_of(rng, step.every - asked, stable), _of(rng, asked, canary)]


def _of(rng: np.random.Generator, requests: Counts, version: Version) -> Totals:
    errors = rng.binomial(requests, version.errors)
    answered = requests - errors
    parts = (
        requests,
        errors,
        rng.binomial(answered, version.incomplete),
        rng.binomial(answered, version.degraded),
        rng.multinomial(requests, version.latency),
    )
    return Totals(*(np.cumsum(part, axis=1) for part in parts))


def pairs(rng: np.random.Generator, rows: int, apart: float) -> Pairs:
    """Forecasts of a model and of the same trained again: probabilities about `apart` from each other."""
    logits = rng.normal((0.4, 0.0, 0.1), 0.5, (rows, 3))
    stable, canary = np.exp(logits), np.exp(logits + rng.normal(0, 3 * apart, (rows, 3)))
    return Pairs(stable / stable.sum(axis=1, keepdims=True), canary / canary.sum(axis=1, keepdims=True))


def observations(stable: Totals, canary: Totals, rollout: int, rows: Pairs) -> Iterator[Observation]:
    """What the judge sees, look by look; the rows grow with the looks."""
    looks = stable.requests.shape[1]
    for look in range(looks):
        seen = max(200, len(rows.stable) * (look + 1) // looks)
        yield Observation(
            stable.cohort(rollout, look), canary.cohort(rollout, look), Pairs(rows.stable[:seen], rows.canary[:seen])
        )
