"""Check `errors`: more requests without an answer. Refusals count: stable accepts what the canary refuses."""

from rollout.judge.check import check
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Cohort, Observation
from rollout.judge.rate_effect import Share, rate_effect


@check("errors")
def errors(observation: Observation, limits: JudgeLimits, alpha: float) -> list[Effect]:
    """Difference of the rates of requests that were not answered, for whatever reason."""
    stable, canary = observation.stable, observation.canary
    kind = most_increased_kind(stable, canary)
    what = "of requests not answered" + (f" (most of it {kind})" if kind else "")
    return [
        rate_effect(
            Share(stable.failed, stable.requests),
            Share(canary.failed, canary.requests),
            limits.errors,
            limits,
            alpha,
            what,
        )
    ]


def most_increased_kind(stable: Cohort, canary: Cohort) -> str | None:
    """The kind of error whose rate rose most; None when none did."""
    increases = {
        kind: hits / max(canary.requests, 1) - stable.errors.get(kind, 0) / max(stable.requests, 1)
        for kind, hits in canary.errors.items()
    }
    kind = max(increases, key=lambda each: increases[each], default=None)
    return kind if kind is not None and increases[kind] > 0 else None
