"""What a judgement still needs: how much more data for an undecided one, how many rows at the very least."""

import math
from collections.abc import Sequence

import numpy as np

from rollout.judge.decide import judge
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation
from rollout.judge.pairs import Pairs
from rollout.judge.verdict import Finding, Verdict

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
DIGITS = 2
"""Significant digits of an estimate."""

UNDECIDED = (Verdict.WAIT, Verdict.INCONCLUSIVE)
MOST_ROWS = 4096
"""Rows up to which the least number is searched."""


def describe_needs(findings: Sequence[Finding], requests_per_second: float, left: float | None = None) -> str:
    """What the undecided findings that block need, for people; empty when nothing or nothing that can be estimated.

    requests_per_second: that the canary gets now; 0 when not known. left: seconds to the deadline; None leaves it out.
    """
    needs: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.blocks and finding.verdict in UNDECIDED and finding.needed:
            needs.setdefault(finding.units, []).append(finding)
    return "; ".join(_describe(units, found, requests_per_second, left) for units, found in needs.items())


def least_rows(limits: JudgeLimits, classes: int) -> int | None:
    """The least rows with which `predictions` can pass at all: when both versions give the same forecasts.

    classes: of a forecast, 1 for a number. None when `MOST_ROWS` are not enough.
    """
    low, high = 1, MOST_ROWS
    if not _may_pass(high, limits, classes):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _may_pass(middle, limits, classes) else (middle, high)
    return high


def _may_pass(rows: int, limits: JudgeLimits, classes: int) -> bool:
    """Whether so many rows with the same forecasts of both versions pass."""
    spread = np.linspace(0.2, 0.8, rows)
    forecasts = np.full((rows, classes), 0.0)
    forecasts[:, 0] = spread
    forecasts[:, 1:] = ((1 - spread) / max(1, classes - 1))[:, None]
    found = judge(Observation(pairs=Pairs(forecasts, forecasts)), limits, checks=["predictions"])
    return found.verdict is Verdict.PASS


def _describe(units: str, findings: Sequence[Finding], requests_per_second: float, left: float | None) -> str:
    most = max(finding.needed or 0 for finding in findings)
    names = list(dict.fromkeys(f"{finding.check} {finding.measure}".strip() for finding in findings))
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
    time, late = "", ""
    if units == "requests" and requests_per_second > 0:
        time = f", about {_duration(most / requests_per_second)} at this traffic,"
        if left is not None and most / requests_per_second > left:
            late = f", which is later than the deadline in {_duration(max(left, 0.0))}"
    return f"about {_round(most):,} more {units}{time} for {listed}{late}"


def _round(count: float) -> int:
    step = int(10.0 ** max(0, math.floor(math.log10(max(count, 1))) - DIGITS + 1))
    return math.ceil(count / step) * step


def _duration(seconds: float) -> str:
    for unit, name in ((DAY, "days"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"
