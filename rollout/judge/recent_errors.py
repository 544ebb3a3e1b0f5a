"""Late change of the error rate: an e-detector over the blocks of a window, so that a long good past hides nothing.

After a million good requests the totals of a window show 3 % of errors only 250,000 requests later. So each block of
requests has an e-value against "canary's rate is at most stable's + limit": the likelihood ratio of an alternative
(a, a + harm) to its projection on that null, which is convex (Turner, Ly and Gruenwald 2024). a is stable's rate before
the block, so nothing depends on the block itself. The sum of the products of the e-values of all stretches that end
now, R <- (1 + R) e, is an e-detector of Shiryaev-Roberts kind: while the null holds, the mean number of blocks until
it reaches c is at least c (Shin, Ramdas and Rinaldo 2022, "E-detectors: a nonparametric framework for sequential change
detection"). It falls back to about 1 after each good block, whatever came before.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rollout.judge.sequential import Hits

BLOCK = 50
"""Requests to the canary in a block, at least."""

HARMS = (1.5, 2.5, 5.0, 12.0)
"""Differences of the alternatives, in limits."""

LEAST_RATE = 1e-4
"""Stable's rate before any error of its own."""

RUN_LENGTH = 10_000.0
"""Blocks that a window is thought to have at most: with alpha over so many blocks there is one false alarm in 1 / alpha
windows at most. It is half a million requests to the canary."""

ROUNDS = 40


class RecentErrors(NamedTuple):
    """State of the detector. stable_hits to canary_n: totals at the end of the last block. logs: log R of each harm."""

    stable_hits: float = 0.0
    stable_n: float = 0.0
    canary_hits: float = 0.0
    canary_n: float = 0.0
    logs: Sequence[float] = (-math.inf,) * len(HARMS)

    @classmethod
    def begin_after(cls, past: Hits, dispersion: float = 1.0) -> "RecentErrors":
        """Before the first request of a version that is compared with the past alone.

        No later request to stable corrects what was misread in that past, so the rate is its upper bound, at about two
        standard errors (Agresti and Coull 1998). dispersion: of the past's errors.
        """
        total, whole = float(np.asarray(past.n)), float(np.asarray(past.hits))
        hits, n = whole / dispersion + 2.0, total / dispersion + 4.0
        upper = min(1.0, hits / n + 2.0 * math.sqrt(hits / n * (1.0 - hits / n) / n)) if total else 0.0
        return cls(stable_hits=upper * total, stable_n=total)

    def add(self, stable: Hits, canary: Hits, limit: float, dispersion: float = 1.0) -> "RecentErrors":
        """With the totals of the window so far. A block ends where the canary has enough requests in it.

        dispersion: of errors, by which the counts of a block are divided. Blocks without requests to stable are
        compared with stable's rate so far.
        """
        totals = [float(np.asarray(each)) for each in (stable.hits, stable.n, canary.hits, canary.n)]
        block = [max(0.0, now - before) / dispersion for now, before in zip(totals, self[:4], strict=True)]
        if totals[3] - self.canary_n < BLOCK:
            return self
        if not self.stable_n and not block[1]:
            return self._replace(canary_hits=totals[2], canary_n=totals[3])
        rate = max(self.stable_hits / self.stable_n if self.stable_n else 0.0, LEAST_RATE)
        logs = tuple(
            _log_sum(before) + _log_evalue(block, rate, min(rate + harm * limit, 0.99), limit)
            for before, harm in zip(self.logs, HARMS, strict=True)
        )
        return RecentErrors(totals[0], totals[1], totals[2], totals[3], logs)

    @property
    def evidence(self) -> float:
        """Log of the mean detector, nats."""
        highest = max(self.logs)
        if highest == -math.inf:
            return highest
        return highest + math.log(sum(math.exp(each - highest) for each in self.logs) / len(self.logs))

    def rings(self, alpha: float) -> bool:
        """Whether the rate has changed lately; wrong in a share alpha of windows of `RUN_LENGTH` blocks at most."""
        return self.evidence >= math.log(RUN_LENGTH / alpha)


def _log_sum(log: float) -> float:
    """log(1 + R)."""
    return max(log, 0.0) + math.log1p(math.exp(-abs(log))) if log > -math.inf else 0.0


def _log_evalue(block: Sequence[float], before: float, now: float, limit: float) -> float:
    """Log-likelihood ratio of the rates (before, now) to their projection on rates that differ by the limit at most."""
    stable_hits, stable_n, canary_hits, canary_n = block
    at = _project(stable_n, canary_n, before, now, limit) if stable_n else before
    return _log_ratio(stable_hits, stable_n, before, at) + _log_ratio(canary_hits, canary_n, now, at + limit)


def _log_ratio(hits: float, n: float, rate: float, other: float) -> float:
    return hits * math.log(rate / other) + (n - hits) * (math.log1p(-rate) - math.log1p(-other))


def _project(stable_n: float, canary_n: float, before: float, now: float, limit: float) -> float:
    """The t for which (t, t + limit) is nearest to the rates in Kullback-Leibler divergence, by bisection."""
    low, high = before, now - limit
    for _ in range(ROUNDS):
        t = (low + high) / 2
        other = t + limit
        pull = stable_n * (t - before) / (t * (1 - t)) - canary_n * (now - other) / (other * (1 - other))
        low, high = (low, t) if pull > 0 else (t, high)
    return (low + high) / 2
