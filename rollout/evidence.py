"""What both versions did in a window: totals, kept so that another process goes on counting where one ended."""

import math
import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from matchday.errors import MatchdayError
from rollout.judge import Cohort, FloatArray, Histogram, Observation, Pairs
from rollout.state import packed, unpacked

DIGITS = 6
"""Of a probability, as evidence keeps it."""
LEAST_BOUNDS = 2
"""Of a histogram."""


class EvidenceError(MatchdayError):
    """Saved evidence that this release cannot read."""


@dataclass(frozen=True)
class Evidence:
    """The totals of a window.

    opened: when the split was in force, Unix seconds; None before. seen: what each endpoint had counted at the last
    look. stable, canary: what was counted since the window opened. skill is not kept: it is read whole each time, so
    that a corrected result is a corrected score.
    """

    opened: float | None = None
    seen: Mapping[str, Cohort] = field(default_factory=dict)
    stable: Cohort = field(default_factory=Cohort)
    canary: Cohort = field(default_factory=Cohort)
    pairs: Pairs | None = None
    history: FloatArray | None = None
    skill: FloatArray | None = None

    def counted(self, stable: Mapping[str, Cohort], canary: Mapping[str, Cohort]) -> "Evidence":
        """With what the endpoints of both versions have counted by now.

        An endpoint seen for the first time begins at what it says; one that did not answer keeps its place; one whose
        counts fell was started anew, and all it says is new. So nothing is counted twice, and nothing is lost but what
        an endpoint counted before its first look and between its last look and its end.
        """
        gains = [
            total([own, *(gain(self.seen[name], now) for name, now in counts.items() if name in self.seen)])
            for own, counts in ((self.stable, stable), (self.canary, canary))
        ]
        return replace(self, seen={**self.seen, **stable, **canary}, stable=gains[0], canary=gains[1])

    def observation(self, classes: tuple[str, ...] = ()) -> Observation:
        """The input of the judge. classes: names of the columns of `pairs`, for people."""
        return Observation(self.stable, self.canary, self.pairs, self.skill, self.history, classes)

    def packed(self) -> str:
        """As a state keeps it; empty for nothing."""
        if self.opened is None and self.pairs is None and self.history is None and not self.stable.requests:
            return ""
        return packed(
            {
                "opened": self.opened,
                "seen": {name: _written(cohort) for name, cohort in self.seen.items()},
                "stable": _written(self.stable),
                "canary": _written(self.canary),
                "pairs": self.pairs and _written_pairs(self.pairs),
                "history": None if self.history is None else _numbers(self.history),
            }
        )

    @classmethod
    def unpacked(cls, text: str) -> "Evidence":
        """From a state; empty for nothing. Raises EvidenceError for text of another release."""
        if not text:
            return cls()
        try:
            given = unpacked(text)
            return cls(
                opened=given["opened"],
                seen={name: _read(cohort) for name, cohort in given["seen"].items()},
                stable=_read(given["stable"]),
                canary=_read(given["canary"]),
                pairs=given["pairs"] and _read_pairs(given["pairs"]),
                history=None if given["history"] is None else np.array(given["history"], np.float64),
            )
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, zlib.error):
            raise EvidenceError(
                "the evidence saved by another release cannot be read: the window begins anew"
            ) from None


def gain(before: Cohort, now: Cohort) -> Cohort:
    """What was counted between two looks at one endpoint; all of `now` when any count has fallen."""
    if before.latency and now.latency and before.latency.bounds != now.latency.bounds:
        return now
    then, present = _cells(before), _cells(now)
    if any(present[name] < count for name, count in then.items()):
        return now
    return _cohort(Counter({name: count - then[name] for name, count in present.items()}), _bounds([now]))


def total(cohorts: Sequence[Cohort]) -> Cohort:
    """The sum of what was counted. Latencies in other buckets are summed in the buckets that all have."""
    bounds = _bounds(cohorts)
    cells: Counter[str] = Counter()
    for cohort in cohorts:
        cells.update(_cells(_coarser(cohort, bounds)))
    return _cohort(cells, bounds)


def _bounds(cohorts: Sequence[Cohort]) -> tuple[float, ...]:
    """The bounds that all latencies have; none where those are too few for a histogram."""
    shapes = [set(cohort.latency.bounds) for cohort in cohorts if cohort.latency]
    shared = sorted(set.intersection(*shapes)) if shapes else []
    return tuple(shared) if len(shared) >= LEAST_BOUNDS else ()


def _coarser(cohort: Cohort, bounds: tuple[float, ...]) -> Cohort:
    """The same with its latency in fewer buckets, which is exact, as each of them is whole buckets of before."""
    latency = cohort.latency
    if latency is None or latency.bounds == bounds:
        return cohort
    if not bounds:
        return replace(cohort, latency=None)
    counts = [0] * (len(bounds) + 1)
    for bound, count in zip((*latency.bounds, math.inf), latency.counts, strict=True):
        counts[bisect_left(bounds, bound)] += count
    return replace(cohort, latency=Histogram(bounds, tuple(counts)))


def _cells(cohort: Cohort) -> Counter[str]:
    cells = Counter(
        {"requests": cohort.requests, "incomplete": cohort.incomplete, "degraded": cohort.degraded}
        | {f"error {kind}": count for kind, count in cohort.errors.items()}
    )
    if cohort.latency:
        cells.update({f"bucket {index}": count for index, count in enumerate(cohort.latency.counts)})
    return cells


def _cohort(cells: Counter[str], bounds: tuple[float, ...]) -> Cohort:
    return Cohort(
        requests=cells["requests"],
        errors={name.removeprefix("error "): count for name, count in cells.items() if name.startswith("error ")},
        latency=Histogram(bounds, tuple(cells[f"bucket {place}"] for place in range(len(bounds) + 1)))
        if bounds
        else None,
        incomplete=cells["incomplete"],
        degraded=cells["degraded"],
    )


def _written(cohort: Cohort) -> dict[str, Any]:
    latency = cohort.latency and [cohort.latency.bounds, cohort.latency.counts]
    return {
        "requests": cohort.requests,
        "errors": {kind: count for kind, count in cohort.errors.items() if count},
        "latency": latency,
        "incomplete": cohort.incomplete,
        "degraded": cohort.degraded,
    }


def _read(given: Mapping[str, Any]) -> Cohort:
    latency = given["latency"] and Histogram(tuple(given["latency"][0]), tuple(given["latency"][1]))
    return Cohort(given["requests"], given["errors"], latency, given["incomplete"], given["degraded"])


def _numbers(array: FloatArray) -> list[Any]:
    """Rounded, with null for NaN."""
    return [_numbers(row) for row in array] if array.ndim > 1 else [_number(item) for item in array.tolist()]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, DIGITS)


def _written_pairs(pairs: Pairs) -> list[Any]:
    return [pairs.stable.shape[1], _numbers(pairs.stable), _numbers(pairs.canary)]


def _read_pairs(given: list[Any]) -> Pairs:
    width, *sides = given
    return Pairs(*(np.array(side, np.float64).reshape(-1, width) for side in sides))
