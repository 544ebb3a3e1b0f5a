"""Checks of the judge and their registry. A new check is a file in `checks/` with one decorated function."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation
from rollout.judge.verdict import Finding, Verdict

Measure = Callable[[Observation, JudgeLimits, float], Sequence[Effect] | None]
"""From observation, limits and the check's share of alpha to effects; None when its data is absent."""


@dataclass(frozen=True)
class JudgeCheck:
    """A question about a canary.

    weight: of its share of the step's alpha. single_look: its data does not grow, so undecided is inconclusive at once.
    awaited: a rollout waits while it is undecided; otherwise it waits only if the limits require the check.
    """

    name: str
    measure: Measure
    weight: int = 1
    single_look: bool = False
    awaited: bool = True

    def finding(self, effect: Effect, *, required: bool) -> Finding:
        """The result of this check for one effect."""
        verdict = effect.verdict
        if verdict is Verdict.WAIT and self.single_look:
            verdict = Verdict.INCONCLUSIVE
        return Finding(
            self.name,
            verdict,
            effect.reason,
            effect.n,
            effect.estimate,
            effect.interval if effect.has_enough_data else None,
            effect.limit,
            effect.measure,
            effect.margin,
            blocks=not effect.guard
            and (required or (self.awaited and (effect.has_enough_data or not self.single_look))),
            needed=None if self.single_look else effect.needed,
            units=effect.units,
        )


CHECKS: dict[str, JudgeCheck] = {}
"""Registered checks by name."""


def check(
    name: str, *, weight: int = 1, single_look: bool = False, awaited: bool = True
) -> Callable[[Measure], Measure]:
    """Register a function as the check of this name; `budget` says which steps make it."""

    def register(measure: Measure) -> Measure:
        CHECKS[name] = JudgeCheck(name, measure, weight, single_look, awaited)
        return measure

    return register
