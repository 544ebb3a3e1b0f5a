"""Evidence of a window: request counts, paired forecasts and scores of both versions, saved with the state."""

import base64
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from matchday.errors import MatchdayError
from rollout.cohorts import count_increase, sum_cohorts
from rollout.judge import Cohort, FloatArray, Histogram, Observation, Pairs

DIGITS = 6
"""Decimals of a saved probability."""


class EvidenceError(MatchdayError):
    """Saved evidence that this release cannot read."""


@dataclass(frozen=True)
class Evidence:
    """Data of one window.

    opened: when the split came into force, Unix seconds; None before. seen: the counters of each endpoint at its last
    read. stable, canary: requests since the window opened. history: paired scores of past weeks, read once. skill:
    paired scores of matches played since; not saved but read whole each time, so that a corrected result counts.
    unreadable: check -> why its data could not be read in this round; not saved. warming: requests so far of each
    endpoint in this window whose first requests are not over yet.
    """

    opened: float | None = None
    seen: Mapping[str, Cohort] = field(default_factory=dict)
    stable: Cohort = field(default_factory=Cohort)
    canary: Cohort = field(default_factory=Cohort)
    pairs: Pairs | None = None
    history: FloatArray | None = None
    skill: FloatArray | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)
    warming: Mapping[str, int] = field(default_factory=dict)

    def add_counts(self, stable: Mapping[str, Cohort], canary: Mapping[str, Cohort], warm: int = 0) -> "Evidence":
        """Evidence with the increase of counters since the last read. stable, canary: counters now, by endpoint.

        Durations of an endpoint's first `warm` requests in this window, and after a restart, are not counted: all that
        were read together with one of them. Their errors are.

        An endpoint that is read for the first time starts at its present counts. One that did not answer is read on
        from its last counts later. One whose counts fell was restarted, and all its counts are new. So no request is
        counted twice; lost are only those before an endpoint's first read and between its last read and its end.
        """
        now = {**stable, **canary}
        increases = {name: count_increase(self.seen[name], now[name]) for name in now if name in self.seen}
        warming = {**self.warming, **dict.fromkeys((name for name in now if name not in self.seen), 0)}
        for name, increase in increases.items():
            if increase is now[name]:
                warming[name] = 0
            if name in warming and warm:
                increases[name] = replace(increase, latency=None)
                warming[name] += increase.requests
        sums = [
            sum_cohorts([own, *(increases[name] for name in counters if name in increases)])
            for own, counters in ((self.stable, stable), (self.canary, canary))
        ]
        cold = {name: count for name, count in warming.items() if count < warm}
        return replace(self, seen={**self.seen, **now}, stable=sums[0], canary=sums[1], warming=cold)

    def open_window(self, now: float, counters: Mapping[str, Cohort], warm: int = 0) -> "Evidence":
        """Evidence of a window that opens at these counters, Unix seconds. warm: first requests, as in `add_counts`."""
        return replace(self, opened=now, seen=counters, warming=dict.fromkeys(counters, 0) if warm else {})

    def observation(self, classes: tuple[str, ...] = (), largest_score: float | None = None) -> Observation:
        """The input of the judge. classes: names of the columns of `pairs`. largest_score: of one match."""
        return Observation(
            self.stable, self.canary, self.pairs, self.skill, self.history, classes, largest_score, self.unreadable
        )

    def to_text(self) -> str:
        """Compressed text to save in a state; empty when there is no evidence."""
        if self.opened is None and self.pairs is None and self.history is None and not self.stable.requests:
            return ""
        return _compress(
            {
                "opened": self.opened,
                "seen": {name: _cohort_to_json(cohort) for name, cohort in self.seen.items()},
                "stable": _cohort_to_json(self.stable),
                "canary": _cohort_to_json(self.canary),
                "pairs": self.pairs and _pairs_to_json(self.pairs),
                "history": None if self.history is None else _array_to_json(self.history),
                "warming": dict(self.warming),
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "Evidence":
        """Evidence of a saved state. Raises EvidenceError for text of another release."""
        if not text:
            return cls()
        try:
            saved = _decompress(text)
            return cls(
                opened=saved["opened"],
                seen={name: _cohort_from_json(cohort) for name, cohort in saved["seen"].items()},
                stable=_cohort_from_json(saved["stable"]),
                canary=_cohort_from_json(saved["canary"]),
                pairs=saved["pairs"] and _pairs_from_json(saved["pairs"]),
                history=None if saved["history"] is None else np.array(saved["history"], np.float64),
                warming={name: int(count) for name, count in saved.get("warming", {}).items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, zlib.error):
            raise EvidenceError(
                "the evidence saved by another release cannot be read: the window begins anew"
            ) from None


def _compress(value: Any) -> str:
    """JSON as short text: people also read the status that holds it."""
    return base64.b64encode(zlib.compress(json.dumps(value, separators=(",", ":")).encode())).decode()


def _decompress(text: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(text)))


def _cohort_to_json(cohort: Cohort) -> dict[str, Any]:
    latency = cohort.latency and [cohort.latency.bounds, cohort.latency.counts]
    return {
        "requests": cohort.requests,
        "errors": {kind: count for kind, count in cohort.errors.items() if count},
        "latency": latency,
        "incomplete": cohort.incomplete,
        "degraded": cohort.degraded,
    }


def _cohort_from_json(saved: Mapping[str, Any]) -> Cohort:
    latency = saved["latency"] and Histogram(tuple(saved["latency"][0]), tuple(saved["latency"][1]))
    return Cohort(saved["requests"], saved["errors"], latency, saved["incomplete"], saved["degraded"])


def _pairs_to_json(pairs: Pairs) -> list[Any]:
    return [pairs.stable.shape[1], _array_to_json(pairs.stable), _array_to_json(pairs.canary)]


def _pairs_from_json(saved: list[Any]) -> Pairs:
    width, *sides = saved
    return Pairs(*(np.array(side, np.float64).reshape(-1, width) for side in sides))


def _array_to_json(array: FloatArray) -> list[Any]:
    """Rounded numbers, null for NaN."""
    return [_array_to_json(row) for row in array] if array.ndim > 1 else [_rounded(item) for item in array.tolist()]


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, DIGITS)
