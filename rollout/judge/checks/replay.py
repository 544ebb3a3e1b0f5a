"""Check `replay`: errors and durations of requests that the rollout makes or copies before any traffic."""

from dataclasses import replace

from rollout.judge.check import check
from rollout.judge.checks.latency import latency_effects
from rollout.judge.checks.predictions import predictions
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation, ReplayedCohorts
from rollout.judge.rate_effect import Share, rate_effect


@check("replay")
def replay(observation: Observation, limits: JudgeLimits, alpha: float) -> list[Effect] | None:
    """Difference of the error rates, and ratios of the latency quantiles; of answers to copied requests where logged.

    Once all requests are made it is settled as far as they can: what is still open is left to the steps with traffic.
    Answers to copied requests can fail the canary, and never hold it up.
    """
    seen = {"replayed": observation.replayed, "mirrored": observation.mirrored}
    parts = [(kind, cohorts) for kind, cohorts in seen.items() if cohorts is not None]
    if not parts:
        return None
    share = alpha / (len(parts) + (observation.mirrored is not None))
    found = [effect for kind, cohorts in parts for effect in _effects(kind, cohorts, limits, share)]
    return [*found, *_answers(observation, limits, share)]


def _effects(kind: str, seen: ReplayedCohorts, limits: JudgeLimits, alpha: float) -> list[Effect]:
    """Effects of replayed or of mirrored requests, with the clusters and the slow servers of live ones."""
    before, now = (Share(each.failed, each.requests) for each in (seen.stable, seen.canary))
    what = f"of {kind} requests not answered"
    errors = rate_effect(before, now, limits.errors, limits, alpha / 2, what, seen.tested())
    both = seen.stable.latency, seen.canary.latency
    latencies = latency_effects(*both, seen.servers, limits, alpha / 2, lambda q: limits, f" of {kind} requests")
    found = [replace(errors, measure="errors"), *(latencies or ())]
    return [replace(effect, guard=seen.ended, units=f"{kind} requests") for effect in found]


def _answers(observation: Observation, limits: JudgeLimits, alpha: float) -> list[Effect]:
    """Effects of the answers to mirrored requests."""
    if observation.mirrored is None or observation.mirrored_pairs is None:
        return []
    found = predictions(replace(observation, pairs=observation.mirrored_pairs), limits, alpha) or []
    return [replace(effect, guard=True, units="mirrored answers") for effect in found]
