"""Where the checks are found. A new one is a file in `checks/` with one decorated function."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollout.judge.harm import Harm
    from rollout.judge.limits import Limits
    from rollout.judge.observation import Observation

Ask = Callable[["Observation", "Limits", float], "Sequence[Harm] | None"]
"""Observation, limits and the check's share of alpha -> harms; None when its data is absent."""


@dataclass(frozen=True)
class Check:
    """A question about a canary.

    weight: of its share of alpha. once: no more data will come, so what is undecided is inconclusive. patient: it is
    waited for while it is undecided; otherwise only if it is required.
    """

    name: str
    ask: Ask
    weight: int = 1
    once: bool = False
    patient: bool = True


CHECKS: dict[str, Check] = {}


def check(name: str, *, weight: int = 1, once: bool = False, patient: bool = True) -> Callable[[Ask], Ask]:
    """Register a function as the check of this name."""

    def register(ask: Ask) -> Ask:
        CHECKS[name] = Check(name, ask, weight, once, patient)
        return ask

    return register
