"""Effect size: how much worse the canary is in one measure, with an interval, and the verdict that follows."""

from collections.abc import Callable
from dataclasses import dataclass

from rollout.judge.verdict import Verdict


@dataclass(frozen=True)
class Effect:
    """Estimate of how much worse the canary is, with an interval that is valid at every look.

    n: the smaller sample of the two versions, in `units`; fewer than `minimum` decide nothing. limit: the largest
    effect that is tolerated. margin: what a pass may leave open beyond the limit. summary: how the reason begins.
    render: writes an effect for people. measure: name, where a check has several.
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
