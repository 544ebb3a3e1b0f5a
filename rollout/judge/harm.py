"""How much worse a canary is in one respect, and what follows from it."""

from collections.abc import Callable
from dataclasses import dataclass

from rollout.judge.registry import Check
from rollout.judge.verdict import Finding, Verdict


@dataclass(frozen=True)
class Harm:
    """An estimate of harm with an interval that may be looked at as often as one likes.

    n: the smaller sample of the two versions, `units` of them, of which `minimum` must be seen. told: the beginning of
    a sentence. show: how a harm is written.
    """

    n: int
    minimum: int
    estimate: float
    interval: tuple[float, float]
    limit: float
    told: str
    show: Callable[[float], str]
    units: str = "requests"
    margin: float = 0.0
    measure: str = ""

    @property
    def enough(self) -> bool:
        """Whether anything may be said."""
        return self.n >= self.minimum

    @property
    def verdict(self) -> Verdict:
        """The one rule: the whole interval above the limit fails, the whole interval within it passes."""
        low, high = self.interval
        if not self.enough:
            return Verdict.WAIT
        if low > self.limit:
            return Verdict.FAIL
        return Verdict.PASS if high <= self.limit + self.margin else Verdict.WAIT

    def finding(self, check: Check, *, required: bool) -> Finding:
        """What the check says of it."""
        verdict = self.verdict
        if verdict is Verdict.WAIT and check.once:
            verdict = Verdict.INCONCLUSIVE
        return Finding(
            check.name,
            verdict,
            self._reason(),
            self.n,
            self.estimate,
            self.interval if self.enough else None,
            self.limit,
            self.measure,
            self.margin,
            blocks=required or (check.patient and (self.enough or not check.once)),
        )

    def _reason(self) -> str:
        if not self.enough:
            return f"{self.n} of at least {self.minimum} {self.units}"
        low, high = (self.show(end) for end in self.interval)
        limit, allowed = self.show(self.limit), self.show(self.limit + self.margin)
        if self.verdict is Verdict.FAIL:
            return f"{self.told}: at least {low}, where {limit} is the limit"
        if self.verdict is Verdict.PASS:
            return f"{self.told}: at most {high}, where {allowed} is the limit"
        return f"{self.told}: between {low} and {high}, where {allowed} is the limit"
