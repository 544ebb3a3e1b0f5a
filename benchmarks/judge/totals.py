"""Totals of one step of many rollouts, as the evidence of a window keeps them."""

from dataclasses import dataclass, fields, replace

import numpy as np

from benchmarks.judge.worlds import PODS, Stretch, canary_pods
from matchday.scores.outcome import FloatArray
from rollout.judge import ErrorBlocks, Hits
from serving.metrics import SECONDS


@dataclass(frozen=True)
class Totals:
    """Of one version. requests, errors, incomplete, degraded: (rollouts,). latency: (rollouts, pods, buckets)."""

    requests: FloatArray
    errors: FloatArray
    incomplete: FloatArray
    degraded: FloatArray
    latency: FloatArray

    @classmethod
    def nothing(cls, rollouts: int, pods: int) -> "Totals":
        """Before the first request."""
        none = np.zeros(rollouts)
        return cls(none, none, none, none, np.zeros((rollouts, pods, len(SECONDS) + 1)))

    def add(self, stretch: Stretch) -> "Totals":
        """With another stretch of time."""
        more = {each.name: getattr(stretch, each.name) for each in fields(self)}
        more |= {name: more[name].sum(axis=1) for name in ("requests", "errors")}
        return Totals(**{name: getattr(self, name) + value for name, value in more.items()})

    @property
    def failed(self) -> Hits:
        """Requests without an answer."""
        return Hits(self.errors, self.requests)


@dataclass(frozen=True)
class Step:
    """Of both versions, with the blocks of errors."""

    stable: Totals
    canary: Totals
    blocks: ErrorBlocks

    @classmethod
    def begin(cls, rollouts: int, weight: float) -> "Step":
        """Before the first request."""
        pods, none = canary_pods(weight), np.zeros(rollouts)
        blocks = ErrorBlocks(*(none for _ in ErrorBlocks()))
        return cls(Totals.nothing(rollouts, PODS - pods), Totals.nothing(rollouts, pods), blocks)

    def add(self, stable: Stretch, canary: Stretch, warm: int) -> "Step":
        """With another stretch. warm: requests to each pod before its durations count."""
        blocks, before, now = self.blocks, self.stable.failed, self.canary.failed
        for part in range(stable.requests.shape[1]):
            before, now = (
                Hits(np.add(total.hits, more.errors[:, part]), np.add(total.n, more.requests[:, part]))
                for total, more in ((before, stable), (now, canary))
            )
            blocks = blocks.add(before, now)
        cold = self.canary.requests < warm * canary.latency.shape[1]
        kept = replace(canary, latency=np.where(cold[:, None, None], 0, canary.latency))
        return Step(self.stable.add(stable), self.canary.add(kept), blocks)

    def pick(self, wanted: FloatArray) -> "Step":
        """Of some of the rollouts."""
        stable, canary = (
            Totals(*(getattr(each, field.name)[wanted] for field in fields(Totals)))
            for each in (self.stable, self.canary)
        )
        return Step(stable, canary, ErrorBlocks(*(np.asarray(each)[wanted] for each in self.blocks)))
