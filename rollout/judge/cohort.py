"""Requests of one version: counts, errors by kind, and a histogram of their durations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise


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
