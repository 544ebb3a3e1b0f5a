"""Findings of the checks that are asked, and what they add up to."""

from collections.abc import Sequence
from dataclasses import replace

from matchday.errors import MatchdayError
from rollout.judge.budget import ALPHA
from rollout.judge.limits import Limits
from rollout.judge.observation import Observation
from rollout.judge.registry import CHECKS, Check
from rollout.judge.verdict import Finding, Judgement, Verdict


def judge(
    observation: Observation,
    limits: Limits,
    *,
    alpha: float = ALPHA,
    checks: Sequence[str] | None = None,
    time_up: bool = False,
) -> Judgement:
    """Decide on a canary from what both versions did in the same window.

    alpha: chance of failing a canary that is within every limit, over all the looks at this window. It is divided
    over the checks that are asked, by their weights, whether or not they have data. time_up: no more data will come.
    Raises MatchdayError for a check that is not known.
    """
    asked = [_known(name) for name in (CHECKS if checks is None else checks)]
    weights = sum(check.weight for check in asked)
    findings = [
        finding for check in asked for finding in _ask(check, observation, limits, alpha * check.weight / weights)
    ]
    if time_up:
        findings = [_closed(finding) for finding in findings]
    return _conclude(findings, time_up=time_up)


def _known(name: str) -> Check:
    if name not in CHECKS:
        raise MatchdayError(f"judge: {name!r} is no check; there are {', '.join(CHECKS)}")
    return CHECKS[name]


def _ask(check: Check, observation: Observation, limits: Limits, alpha: float) -> list[Finding]:
    harms = check.ask(observation, limits, alpha)
    required = check.name in limits.required
    if harms is not None:
        return [harm.finding(check, required=required) for harm in harms]
    if required:
        return [Finding(check.name, Verdict.WAIT, "no data yet, and it is required")]
    return [Finding(check.name, Verdict.INCONCLUSIVE, "left out: no data, and it is not required", blocks=False)]


def _closed(finding: Finding) -> Finding:
    if finding.verdict is not Verdict.WAIT:
        return finding
    return replace(finding, verdict=Verdict.INCONCLUSIVE)


def _conclude(findings: Sequence[Finding], *, time_up: bool) -> Judgement:
    """Fail if any fails, pass if every one that blocks passes and there is one, else wait or give up."""
    everything = tuple(findings)
    failed = [finding for finding in everything if finding.verdict is Verdict.FAIL]
    if failed:
        return Judgement(Verdict.FAIL, _said([max(failed, key=lambda finding: finding.severity)]), everything)
    for verdict in (Verdict.WAIT, Verdict.INCONCLUSIVE):
        undecided = [finding for finding in everything if finding.verdict is verdict and finding.blocks]
        if undecided:
            return Judgement(verdict, _said(undecided), everything)
    passed = dict.fromkeys(finding.check for finding in everything if finding.verdict is Verdict.PASS)
    if not passed:
        verdict = Verdict.INCONCLUSIVE if time_up else Verdict.WAIT
        return Judgement(verdict, "nothing to judge by", everything)
    return Judgement(Verdict.PASS, f"within limits: {', '.join(passed)}", everything)


def _said(findings: Sequence[Finding]) -> str:
    """Their reasons; those that say the same say it once."""
    names: dict[str, list[str]] = {}
    for finding in findings:
        names.setdefault(finding.reason, []).append(f"{finding.check} {finding.measure}".strip())
    return "; ".join(f"{', '.join(same)}: {reason}" for reason, same in names.items())
