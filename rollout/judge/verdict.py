"""Verdict of the judge, with the findings behind it and their numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class Verdict(StrEnum):
    """Result of one check, or of all of them. Inconclusive: undecided, and no more data will come."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    WAIT = "wait"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Finding:
    """Result of one check in one measure.

    reason: a sentence for people. n: the smaller sample of the two versions. estimate, interval: of the effect, canary
    over or minus stable. limit: the largest effect that is tolerated. measure: name, where a check has several. margin:
    what a pass may leave open beyond the limit. blocks: whether the verdict waits for this finding. needed: about how
    many more `units` decide it, if estimates stay as they are; None when that is not known.
    """

    check: str
    verdict: Verdict
    reason: str
    n: int = 0
    estimate: float | None = None
    interval: tuple[float, float] | None = None
    limit: float | None = None
    measure: str = ""
    margin: float = 0.0
    blocks: bool = True
    needed: int | None = None
    units: str = "requests"

    @property
    def severity(self) -> float:
        """Distance of the interval's lower end beyond the limit, in widths of the interval."""
        if self.interval is None or self.limit is None:
            return -math.inf
        low, high = self.interval
        return (low - self.limit) / max(high - low, 1e-9)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: numbers that are not finite become None."""
        return {
            "check": self.check,
            "measure": self.measure,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "n": self.n,
            "estimate": _finite(self.estimate),
            "interval": None if self.interval is None else [_finite(end) for end in self.interval],
            "limit": _finite(self.limit),
            "margin": self.margin,
            "blocks": self.blocks,
            "needed": self.needed,
            "units": self.units,
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        """From what `to_dict` made; None as an end of an interval is unbounded."""
        interval = given.get("interval")
        if interval is not None:
            low, high = interval
            interval = (-math.inf if low is None else low, math.inf if high is None else high)
        return cls(**{**given, "verdict": Verdict(given["verdict"]), "interval": interval})


@dataclass(frozen=True)
class Judgement:
    """The verdict on a canary, its reason and its findings."""

    verdict: Verdict
    reason: str
    findings: tuple[Finding, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        findings = [finding.to_dict() for finding in self.findings]
        return {"verdict": self.verdict.value, "reason": self.reason, "findings": findings}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        """From what `to_dict` made."""
        findings = tuple(Finding.from_dict(each) for each in given.get("findings", ()))
        return cls(Verdict(given["verdict"]), given["reason"], findings)


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else float(number)
