"""Observation of two versions in the same window: request counts, latencies, paired forecasts, paired scores."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from rollout.judge.arrays import FloatArray


@dataclass(frozen=True)
class Histogram:
    """Durations of requests. bounds: ascending upper bounds, seconds. counts: one more; the last is beyond them all.

    Raises ValueError when bounds and counts do not fit.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.counts) != len(self.bounds) + 1 or len(self.bounds) < 2:
            raise ValueError(f"a histogram of {len(self.bounds)} bounds has {len(self.counts)} counts")
        if self.bounds[0] <= 0 or any(upper <= lower for lower, upper in pairwise(self.bounds)):
            raise ValueError(f"bounds of a histogram ascend from above zero: {self.bounds}")
        if min(self.counts) < 0:
            raise ValueError(f"a count of a histogram is negative: {min(self.counts)}")

    @property
    def total(self) -> int:
        """Number of requests."""
        return sum(self.counts)


@dataclass(frozen=True)
class Cohort:
    """Requests of one version.

    errors: kind -> requests that ended so, refusals among them. incomplete: answered although a feature was missing.
    degraded: answered from features past their age. Raises ValueError for a negative count.
    """

    requests: int = 0
    errors: Mapping[str, int] = field(default_factory=dict)
    latency: Histogram | None = None
    incomplete: int = 0
    degraded: int = 0

    def __post_init__(self) -> None:
        if min(self.requests, self.incomplete, self.degraded, *self.errors.values()) < 0:
            raise ValueError(f"a count is negative: {self}")

    @property
    def failed(self) -> int:
        """Requests without an answer, at most all of them."""
        return min(self.requests, sum(self.errors.values()))

    @property
    def answered(self) -> int:
        """Requests with an answer."""
        return self.requests - self.failed


@dataclass(frozen=True, eq=False)
class Pairs:
    """Forecasts of both versions for the same rows: (n, k) each, NaN where a version gave no number.

    k classes with their probabilities, or k = 1 for a number such as goals. Raises ValueError for other shapes.
    """

    stable: FloatArray
    canary: FloatArray

    def __post_init__(self) -> None:
        if np.ndim(self.stable) != 2 or np.shape(self.stable) != np.shape(self.canary):
            raise ValueError(f"pairs are (n, k) each, not {np.shape(self.stable)} and {np.shape(self.canary)}")


@dataclass(frozen=True, eq=False)
class Observation:
    """All data for a judgement; None where a source has none.

    skill: (n,) score of canary minus stable on matches that both forecast, lower is better; looked at repeatedly.
    history: (n,) the same for walk-forward forecasts of past weeks; looked at once, before any traffic. classes: names
    of the columns of `pairs`, for people. largest_score: of one match, where 0 is the best; None when the score has no
    largest value. unreadable: check -> why its newest data could not be read; such a check does
    not pass, while one whose data is absent may be left out.
    """

    stable: Cohort = field(default_factory=Cohort)
    canary: Cohort = field(default_factory=Cohort)
    pairs: Pairs | None = None
    skill: FloatArray | None = None
    history: FloatArray | None = None
    classes: tuple[str, ...] = ()
    largest_score: float | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)
