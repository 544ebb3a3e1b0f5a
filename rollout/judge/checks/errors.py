"""Do more requests stay without an answer? Refusals count: a canary that refuses what stable accepts is broken."""

from rollout.judge.harm import Harm
from rollout.judge.limits import Limits
from rollout.judge.observation import Cohort, Observation
from rollout.judge.rates import Share, more_often
from rollout.judge.registry import check


@check("errors")
def errors(observation: Observation, limits: Limits, alpha: float) -> list[Harm]:
    """Difference of the rates of requests that were not answered, of whatever kind."""
    stable, canary = observation.stable, observation.canary
    kind = grown_most(stable, canary)
    what = "of requests not answered" + (f" (most of it {kind})" if kind else "")
    return [
        more_often(
            Share(stable.failed, stable.requests),
            Share(canary.failed, canary.requests),
            limits.errors,
            limits,
            alpha,
            what,
        )
    ]


def grown_most(stable: Cohort, canary: Cohort) -> str | None:
    """The kind of error whose rate is higher in the canary by most; None when none is."""
    grown = {
        kind: hits / max(canary.requests, 1) - stable.errors.get(kind, 0) / max(stable.requests, 1)
        for kind, hits in canary.errors.items()
    }
    kind = max(grown, key=lambda each: grown[each], default=None)
    return kind if kind is not None and grown[kind] > 0 else None
