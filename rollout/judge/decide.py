"""The judge: run the checks of a step and combine their findings into one verdict."""

from collections.abc import Sequence
from dataclasses import replace

from matchday.errors import MatchdayError
from rollout.judge.budget import ALPHA
from rollout.judge.check import CHECKS, JudgeCheck
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation
from rollout.judge.query_check import query_check
from rollout.judge.verdict import Finding, Judgement, Verdict


def judge(
    observation: Observation,
    limits: JudgeLimits,
    *,
    alpha: float = ALPHA,
    checks: Sequence[str] | None = None,
    time_up: bool = False,
) -> Judgement:
    """Decide on a canary from what both versions did in the same window.

    alpha: chance of failing a canary that is within every limit, over all looks at this window. It is divided over
    the checks by their weights, whether or not they have data. Queries of the observation are checks of their own
    beside the named ones. time_up: no more data will come. Raises MatchdayError for an unknown check.
    """
    made = [_find_check(name) for name in (CHECKS if checks is None else checks)]
    made += [query_check(asked) for asked in observation.queried]
    weights = max(1, sum(check.weight for check in made))
    findings = [
        finding for check in made for finding in _run_check(check, observation, limits, alpha * check.weight / weights)
    ]
    if time_up:
        findings = [_end_wait(finding) for finding in findings]
    return _combine(findings, time_up=time_up)


def _find_check(name: str) -> JudgeCheck:
    if name not in CHECKS:
        raise MatchdayError(f"judge: {name!r} is no check; there are {', '.join(CHECKS)}")
    return CHECKS[name]


def _run_check(check: JudgeCheck, observation: Observation, limits: JudgeLimits, alpha: float) -> list[Finding]:
    effects = check.measure(observation, limits, alpha)
    required = check.name in limits.required
    found = [check.finding(effect, required=required) for effect in effects or ()]
    if check.name in observation.unreadable:
        reason = f"could not be read: {observation.unreadable[check.name]}"
        return [*found, Finding(check.name, Verdict.WAIT, reason)]
    if effects is not None:
        return found
    if required:
        return [Finding(check.name, Verdict.WAIT, "no data yet, and it is required")]
    return [Finding(check.name, Verdict.INCONCLUSIVE, "left out: no data, and it is not required", blocks=False)]


def _end_wait(finding: Finding) -> Finding:
    if finding.verdict is not Verdict.WAIT:
        return finding
    return replace(finding, verdict=Verdict.INCONCLUSIVE)


def _combine(findings: Sequence[Finding], *, time_up: bool) -> Judgement:
    """Fail if any fails; pass if all that block pass and there is one; else wait, or inconclusive."""
    everything = tuple(findings)
    failed = [finding for finding in everything if finding.verdict is Verdict.FAIL]
    if failed:
        return Judgement(Verdict.FAIL, _join_reasons([max(failed, key=lambda finding: finding.severity)]), everything)
    for verdict in (Verdict.WAIT, Verdict.INCONCLUSIVE):
        undecided = [finding for finding in everything if finding.verdict is verdict and finding.blocks]
        if undecided:
            return Judgement(verdict, _join_reasons(undecided), everything)
    passed = dict.fromkeys(finding.check for finding in everything if finding.verdict is Verdict.PASS)
    if not passed:
        verdict = Verdict.INCONCLUSIVE if time_up else Verdict.WAIT
        return Judgement(verdict, "no check has data", everything)
    return Judgement(Verdict.PASS, f"within limits: {', '.join(passed)}", everything)


def _join_reasons(findings: Sequence[Finding]) -> str:
    """The reasons of findings; findings with the same reason share it."""
    names: dict[str, list[str]] = {}
    for finding in findings:
        names.setdefault(finding.reason, []).append(f"{finding.check} {finding.measure}".strip())
    return "; ".join(f"{', '.join(same)}: {reason}" for reason, same in names.items())
