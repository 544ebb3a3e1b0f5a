"""What a judgement still needs: how much more data for an undecided one, how many rows at the very least."""

import math
from collections.abc import Sequence

import numpy as np

from rollout.judge.decide import judge
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation
from rollout.judge.pairs import Pairs
from rollout.judge.query_check import COUNTED_UNITS, NUMBER_UNITS
from rollout.judge.verdict import Finding, Verdict

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
DIGITS = 2
"""Significant digits of an estimate."""

PACES = {
    "requests": "at this traffic",
    COUNTED_UNITS: "at this traffic",
    "replayed requests": "at this pace",
    "mirrored requests": "at this traffic",
}
"""Units that come with time, and what their rate is called."""

UNDECIDED = (Verdict.WAIT, Verdict.INCONCLUSIVE)
MOST_ROWS = 4096
"""Rows up to which the least number is searched."""


def describe_needs(
    findings: Sequence[Finding], requests_per_second: float, left: float | None = None, passed: float = 0.0
) -> str:
    """What the undecided findings that block need, for people; empty when nothing or nothing that can be estimated.

    requests_per_second: that the canary gets now; 0 when not known. left: seconds to the deadline; None leaves it out.
    passed: seconds in which units other than requests were counted; 0 when not known.
    """
    needs: dict[str, list[Finding]] = {}
    open_numbers = []
    for finding in findings:
        if not finding.blocks or finding.verdict not in UNDECIDED:
            continue
        if finding.units == NUMBER_UNITS:
            open_numbers.append(_describe_number(finding))
        elif finding.needed:
            needs.setdefault(finding.units, []).append(finding)
    counted = [
        _describe(units, found, _seconds_needed(units, found, requests_per_second, passed), left)
        for units, found in needs.items()
    ]
    return "; ".join([*counted, *open_numbers])


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


def _describe_number(finding: Finding) -> str:
    """What a query that gives one number is waited for."""
    if not finding.n or finding.limit is None:
        return f"a number for {finding.check}"
    return f"a number of at most {finding.limit:g} for {finding.check}"


def _seconds_needed(units: str, findings: Sequence[Finding], requests_per_second: float, passed: float) -> float | None:
    """Time in which all of them have what they need, each unit at its own rate; None when not known."""
    if units == "requests":
        rates = [requests_per_second] * len(findings)
    else:
        rates = [finding.n / passed if passed > 0 and units in PACES else 0.0 for finding in findings]
    if min(rates) <= 0:
        return None
    return max((finding.needed or 0) / rate for finding, rate in zip(findings, rates, strict=True))


def _describe(units: str, findings: Sequence[Finding], seconds: float | None, left: float | None) -> str:
    """seconds: until there is enough; None when not known."""
    most = max(finding.needed or 0 for finding in findings)
    names = list(dict.fromkeys(f"{finding.check} {finding.measure}".strip() for finding in findings))
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
    time, late = "", ""
    if seconds is not None:
        time = f", about {_duration(seconds)} {PACES[units]},"
        if left is not None and seconds > left:
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
