"""Effect size: how much worse the canary is in one measure, with an interval, and the verdict that follows."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from rollout.judge.verdict import Verdict

GROWTH, MOST_TIMES = 1.05, 1000.0
"""How much more data is tried for an estimate of what is needed: in steps of 5 %, up to a thousand times as much."""


@dataclass(frozen=True)
class Effect:
    """Estimate of how much worse the canary is, with an interval that is valid at every look.

    n: the smaller sample of the two versions, in `units`; fewer than `minimum` decide nothing. limit: the largest
    effect that is tolerated. margin: what a pass may leave open beyond the limit. summary: how the reason begins.
    render: writes an effect for people. measure: name, where a check has several. decides: whether so many times the
    data, with the same rates, would decide; without it the interval is taken to shrink with the root of the data.
    guard: it can fail the canary, and never holds it up.
    """

    n: int
    minimum: int
    estimate: float
    interval: tuple[float, float]
    limit: float
    summary: str
    render: Callable[[float], str]
    units: str = "requests"
    margin: float = 0.0
    measure: str = ""
    decides: Callable[[float], bool] | None = None
    guard: bool = False

    @property
    def needed(self) -> int | None:
        """About how many more of its units decide, if estimates stay as they are.

        None when it is decided, when there is no data to estimate from, and when a thousand times as much would not do.
        """
        if self.verdict is not Verdict.WAIT or not self.n:
            return None
        least = max(0, math.ceil(math.log(self.minimum / self.n, GROWTH)))
        most = math.floor(math.log(MOST_TIMES, GROWTH))
        decides = self.decides or self._narrower_decides
        if least > most or not decides(GROWTH**most):
            return None
        low, high = least - 1, most
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if decides(GROWTH**middle) else (middle, high)
        return max(1, math.ceil(self.n * (GROWTH**high - 1)))

    def _narrower_decides(self, times: float) -> bool:
        low, high = (self.estimate + (end - self.estimate) / times**0.5 for end in self.interval)
        return bool(low > self.limit or high <= self.limit + self.margin)

    @property
    def has_enough_data(self) -> bool:
        """Whether the sample is large enough for a verdict."""
        return self.n >= self.minimum

    @property
    def verdict(self) -> Verdict:
        """The one rule: an interval above the limit fails, an interval within it passes, any other waits."""
        low, high = self.interval
        if not self.has_enough_data:
            return Verdict.WAIT
        if low > self.limit:
            return Verdict.FAIL
        return Verdict.PASS if high <= self.limit + self.margin else Verdict.WAIT

    @property
    def reason(self) -> str:
        """The verdict in a sentence."""
        if not self.has_enough_data:
            return f"{self.n} of at least {self.minimum} {self.units}"
        low, high = (self.render(end) for end in self.interval)
        limit, allowed = self.render(self.limit), self.render(self.limit + self.margin)
        if self.verdict is Verdict.FAIL:
            return f"{self.summary}: at least {low}, where {limit} is the limit"
        if self.verdict is Verdict.PASS:
            return f"{self.summary}: at most {high}, where {allowed} is the limit"
        return f"{self.summary}: between {low} and {high}, where {allowed} is the limit"
