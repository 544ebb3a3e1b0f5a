"""What the judge says: a verdict, the findings it rests on, and their numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class Verdict(StrEnum):
    """On one check, or on all of them. Inconclusive: undecided, and no more evidence will come."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    WAIT = "wait"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Finding:
    """What one check found in one respect.

    reason: a sentence for a person. n: the canary's sample. estimate, interval: of the harm, canary over or minus
    stable. limit: the most that is tolerated. measure: which respect, where a check has several. margin: what a pass
    may leave open beyond the limit. blocks: whether a judgement waits for it.
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

    @property
    def severity(self) -> float:
        """How far the whole interval is beyond the limit, in its own widths."""
        if self.interval is None or self.limit is None:
            return -math.inf
        low, high = self.interval
        return (low - self.limit) / max(high - low, 1e-9)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: what is no finite number becomes None."""
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
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Self:
        """What `to_dict` made. An end of an interval that was no number is no bound."""
        interval = said.get("interval")
        if interval is not None:
            low, high = interval
            interval = (-math.inf if low is None else low, math.inf if high is None else high)
        return cls(**{**said, "verdict": Verdict(said["verdict"]), "interval": interval})


@dataclass(frozen=True)
class Judgement:
    """The verdict on a canary, why, and what it rests on."""

    verdict: Verdict
    reason: str
    findings: tuple[Finding, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        findings = [finding.to_dict() for finding in self.findings]
        return {"verdict": self.verdict.value, "reason": self.reason, "findings": findings}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Self:
        """What `to_dict` made."""
        findings = tuple(Finding.from_dict(each) for each in said.get("findings", ()))
        return cls(Verdict(said["verdict"]), said["reason"], findings)


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else float(number)
