"""Verdict on a promoted version while it is watched: its errors of late against the champion's before, and restarts.

There is no other version beside it to compare with, so load and incidents that would hit any version count too; its
latency is not judged for that reason.
"""

from rollout.judge.decide import judge
from rollout.judge.gateway_failures import with_lost_requests
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation
from rollout.judge.verdict import Finding, Judgement, Verdict


def judge_promoted(observation: Observation, limits: JudgeLimits, *, alpha: float, time_up: bool = False) -> Judgement:
    """Fail, or wait for the end of the time in which it is watched; then pass, where anything was seen.

    observation: `stable` is the champion's share of the last step, `canary` what the promoted version has answered
    since, `recent` the detector that began with the former. alpha: chance of failing a version whose rate of errors is
    within the limit, in as many requests as a window has at most. time_up: that time has ended.
    """
    errors = _judge_errors(observation, limits, alpha, time_up)
    restarts = judge(observation, limits, checks=("restarts",))
    findings = (errors, *restarts.findings)
    if errors.verdict is Verdict.FAIL:
        return Judgement(Verdict.FAIL, f"errors recent: {errors.reason}", findings)
    if restarts.verdict is Verdict.FAIL:
        return Judgement(Verdict.FAIL, restarts.reason, findings)
    return Judgement(errors.verdict, errors.reason, findings)


def _judge_errors(observation: Observation, limits: JudgeLimits, alpha: float, time_up: bool) -> Finding:
    before, failures = observation.stable, observation.gateway
    now = with_lost_requests(observation.canary, failures.canary) if failures else observation.canary
    if not before.requests:
        reason = "the champion had no request in the last step, so its errors cannot be compared"
        return Finding("errors", Verdict.INCONCLUSIVE, reason, now.requests, measure="recent", blocks=False)
    was, is_now = before.failed / before.requests, now.failed / max(now.requests, 1)
    reason = f"{is_now:.2%} of {now.requests:,} requests not answered since the promotion, {was:.2%} before it"
    rose = observation.recent is not None and observation.recent.rings(alpha)
    verdict = (Verdict.PASS if now.requests else Verdict.INCONCLUSIVE) if time_up else Verdict.WAIT
    if rose:
        verdict, reason = Verdict.FAIL, f"the rate of requests not answered rose: {reason}"
    elif "errors" in observation.unreadable:
        verdict = Verdict.INCONCLUSIVE if time_up else Verdict.WAIT
        reason = f"could not be read: {observation.unreadable['errors']}"
    estimate, limit = is_now - was, limits.errors
    return Finding("errors", verdict, reason, now.requests, estimate, None, limit, "recent", blocks=False)
