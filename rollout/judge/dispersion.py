"""Dispersion of errors: how much more the difference of two versions' error rates varies than single requests would.

Errors may come in clusters: one client that repeats a bad request, one second in which a store is away. Then n requests
tell less than n independent ones. The window is cut into blocks of at least `BLOCK` requests to each version; d is the
difference of the rates in a block, h = n_s n_c / (n_s + n_c) its weight. If requests were independent, h times the
variance of d would be (p_c q_c n_s + p_s q_s n_c) / (n_s + n_c). The dispersion is the sum of h (d - mean)^2 over the
sum of those: Pearson's statistic over its degrees of freedom (McCullagh and Nelder 1989, section 4.5), for the
difference. What hits both versions in the same block leaves d alone, so common incidents do not count. Counts are
divided by the dispersion before they are tested.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rollout.judge.arrays import FloatArray
from rollout.judge.sequential import Hits

BLOCK = 50
"""Least requests to each version in a block. Clusters longer than this count as several."""

LEAST_BLOCKS, UNKNOWN = 3, 10.0
"""With fewer blocks, errors are taken to come in clusters of so many: a version that fails every request fails after 90
of them, any other within the third block at the earliest."""


Sums = FloatArray | float


class ErrorBlocks(NamedTuple):
    """Sums over the blocks of one window, or of many at once. hits and n so far are those at the end of the last block.

    weight, first, second: sums of h, h d and h d^2. stable_part: sum of n_s / (n_s + n_c).
    """

    stable_hits: Sums = 0.0
    stable_n: Sums = 0.0
    canary_hits: Sums = 0.0
    canary_n: Sums = 0.0
    blocks: Sums = 0.0
    weight: Sums = 0.0
    first: Sums = 0.0
    second: Sums = 0.0
    stable_part: Sums = 0.0

    def add(self, stable: Hits, canary: Hits) -> "ErrorBlocks":
        """With the totals of the window so far: a block ends where both versions have enough requests in it."""
        before = np.maximum(np.subtract(stable.n, self.stable_n), 0.0)
        now = np.maximum(np.subtract(canary.n, self.canary_n), 0.0)
        ends = (before >= BLOCK) & (now >= BLOCK)
        n_s, n_c = np.where(ends, before, 1.0), np.where(ends, now, 1.0)
        x_s, x_c = np.subtract(stable.hits, self.stable_hits), np.subtract(canary.hits, self.canary_hits)
        difference = np.clip(x_c / n_c, 0, 1) - np.clip(x_s / n_s, 0, 1)
        weight = n_s * n_c / (n_s + n_c)
        ended: tuple[ArrayLike, ...] = (
            stable.hits,
            stable.n,
            canary.hits,
            canary.n,
            np.add(self.blocks, 1.0),
            self.weight + weight,
            self.first + weight * difference,
            self.second + weight * difference**2,
            self.stable_part + n_s / (n_s + n_c),
        )
        return ErrorBlocks(*(np.where(ends, new, old) for new, old in zip(ended, self, strict=True)))

    def effective(self, stable: Hits, canary: Hits) -> tuple[Hits, Hits]:
        """Counts of independent requests that tell as much as these: those of whole blocks over the dispersion.

        What came since the end of the last block waits for the next one: a cluster that is not yet in a block is not
        in the dispersion either. stable, canary: totals of the window; they count before there are enough blocks.
        """
        whole, by = self._enough, self.dispersion(stable, canary)
        ended = Hits(self.stable_hits, self.stable_n), Hits(self.canary_hits, self.canary_n)
        one, other = (
            Hits(np.where(whole, known.hits, total.hits) / by, np.where(whole, known.n, total.n) / by)
            for known, total in zip(ended, (stable, canary), strict=True)
        )
        return one, other

    def dispersion(self, stable: Hits, canary: Hits) -> FloatArray:
        """Dispersion, at least 1. stable, canary: totals of the window, for whether there are any errors."""
        count = np.asarray(self.blocks, float)
        variance_s, variance_c = (
            _variance(hits, n) for hits, n in ((self.stable_hits, self.stable_n), (self.canary_hits, self.canary_n))
        )
        expected = variance_s * np.subtract(count, self.stable_part) + variance_c * np.asarray(self.stable_part)
        spread = self.second - np.square(self.first) / np.maximum(self.weight, 1e-9)
        found = spread / np.maximum(expected * (count - 1) / np.maximum(count, 1), 1e-12)
        few = np.where(np.add(stable.hits, canary.hits) > 0, UNKNOWN, 1.0)
        return np.maximum(np.where(self._enough, found, few), 1.0)

    @property
    def _enough(self) -> NDArray[np.bool_]:
        return np.asarray(self.blocks) >= LEAST_BLOCKS


def _variance(hits: Sums, n: Sums) -> FloatArray:
    """Of one request."""
    rate = hits / np.maximum(n, 1.0)
    return np.asarray(rate * (1 - rate))
