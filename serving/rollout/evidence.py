"""What both versions did in a window: totals, kept so that another process goes on counting where one ended."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.rollout.judge import Cohort, Histogram, Observation, Pairs
from serving.rollout.state import packed, unpacked

FloatArray = NDArray[np.float64]
DIGITS = 6
"""Of a probability, as evidence keeps it."""


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
        counts fell was started anew, and all it says is new.
        """
        gains = [
            total([own, *(gain(self.seen[name], now) for name, now in counts.items() if name in self.seen)])
            for own, counts in ((self.stable, stable), (self.canary, canary))
        ]
        return replace(self, seen={**self.seen, **stable, **canary}, stable=gains[0], canary=gains[1])

    def observation(self) -> Observation:
        """As the judge takes it."""
        return Observation(self.stable, self.canary, pairs=self.pairs, skill=self.skill, history=self.history)

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
                "pairs": self.pairs and [_numbers(self.pairs.stable), _numbers(self.pairs.canary)],
                "history": None if self.history is None else _numbers(self.history),
            }
        )

    @classmethod
    def unpacked(cls, text: str) -> "Evidence":
        """From a state; empty for nothing."""
        given = unpacked(text)
        if given is None:
            return cls()
        return cls(
            opened=given["opened"],
            seen={name: _read(cohort) for name, cohort in given["seen"].items()},
            stable=_read(given["stable"]),
            canary=_read(given["canary"]),
            pairs=given["pairs"] and Pairs(*(_matrix(side) for side in given["pairs"])),
            history=None if given["history"] is None else _matrix(given["history"]),
        )


def gain(before: Cohort, now: Cohort) -> Cohort:
    """What was counted between two looks at one endpoint; all of `now` when any count has fallen."""
    then, present = _cells(before), _cells(now)
    if before.latency and now.latency and before.latency.bounds != now.latency.bounds:
        return now
    if any(present[name] < count for name, count in then.items()):
        return now
    return _cohort(Counter({name: count - then[name] for name, count in present.items()}), now.latency)


def total(cohorts: list[Cohort]) -> Cohort:
    """The sum of what was counted. Raises ValueError for histograms of other bounds."""
    cells: Counter[str] = Counter()
    shapes = {cohort.latency.bounds for cohort in cohorts if cohort.latency}
    if len(shapes) > 1:
        raise ValueError("latencies were counted in other buckets: the servers are of different releases")
    for cohort in cohorts:
        cells.update(_cells(cohort))
    return _cohort(cells, next((cohort.latency for cohort in cohorts if cohort.latency), None))


def _cells(cohort: Cohort) -> Counter[str]:
    cells = Counter(
        {"requests": cohort.requests, "incomplete": cohort.incomplete, "degraded": cohort.degraded}
        | {f"error {kind}": count for kind, count in cohort.errors.items()}
    )
    if cohort.latency:
        cells.update({f"bucket {index}": count for index, count in enumerate(cohort.latency.counts)})
    return cells


def _cohort(cells: Counter[str], shape: Histogram | None) -> Cohort:
    return Cohort(
        requests=cells["requests"],
        errors={name.removeprefix("error "): count for name, count in cells.items() if name.startswith("error ")},
        latency=shape
        and Histogram(shape.bounds, tuple(cells[f"bucket {index}"] for index in range(len(shape.bounds) + 1))),
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


def _matrix(rows: list[Any]) -> FloatArray:
    return np.array(rows, dtype=np.float64)
