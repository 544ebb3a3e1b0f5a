"""Arithmetic of request counts: the increase between two reads of a server, the sum over servers, the saved form."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rollout.judge import Cohort, Histogram

LEAST_BOUNDS = 2
"""Of a histogram."""


def count_increase(before: Cohort, now: Cohort) -> Cohort:
    """Requests counted between two reads of one server; all of `now` when a count fell, as the server restarted."""
    if before.latency and now.latency and before.latency.bounds != now.latency.bounds:
        return now
    then, present = _to_counter(before), _to_counter(now)
    if any(present[name] < count for name, count in then.items()):
        return now
    return _to_cohort(Counter({name: count - then[name] for name, count in present.items()}), _shared_bounds([now]))


def sum_cohorts(cohorts: Sequence[Cohort]) -> Cohort:
    """Sum of counts. Histograms with different buckets are summed in the bounds that all of them have."""
    bounds = _shared_bounds(cohorts)
    counts: Counter[str] = Counter()
    for cohort in cohorts:
        counts.update(_to_counter(_coarsen(cohort, bounds)))
    return _to_cohort(counts, bounds)


def cohort_to_json(cohort: Cohort) -> dict[str, Any]:
    """A cohort to save."""
    latency = cohort.latency and [cohort.latency.bounds, cohort.latency.counts]
    return {
        "requests": cohort.requests,
        "errors": {kind: count for kind, count in cohort.errors.items() if count},
        "latency": latency,
        "incomplete": cohort.incomplete,
        "degraded": cohort.degraded,
    }


def cohort_from_json(saved: Mapping[str, Any]) -> Cohort:
    """A cohort as saved. Raises KeyError, TypeError or ValueError."""
    latency = saved["latency"] and Histogram(tuple(saved["latency"][0]), tuple(saved["latency"][1]))
    return Cohort(saved["requests"], saved["errors"], latency, saved["incomplete"], saved["degraded"])


def _shared_bounds(cohorts: Sequence[Cohort]) -> tuple[float, ...]:
    """The bounds that all histograms have; none when those are too few for a histogram."""
    shapes = [set(cohort.latency.bounds) for cohort in cohorts if cohort.latency]
    shared = sorted(set.intersection(*shapes)) if shapes else []
    return tuple(shared) if len(shared) >= LEAST_BOUNDS else ()


def _coarsen(cohort: Cohort, bounds: tuple[float, ...]) -> Cohort:
    """The cohort with its histogram in fewer buckets. Exact, since each new bucket is a union of old ones."""
    latency = cohort.latency
    if latency is None or latency.bounds == bounds:
        return cohort
    if not bounds:
        return replace(cohort, latency=None)
    counts = [0] * (len(bounds) + 1)
    for bound, count in zip((*latency.bounds, math.inf), latency.counts, strict=True):
        counts[bisect_left(bounds, bound)] += count
    return replace(cohort, latency=Histogram(bounds, tuple(counts)))


def _to_counter(cohort: Cohort) -> Counter[str]:
    """All counts of a cohort by name."""
    counts = Counter(
        {"requests": cohort.requests, "incomplete": cohort.incomplete, "degraded": cohort.degraded}
        | {f"error {kind}": count for kind, count in cohort.errors.items()}
    )
    if cohort.latency:
        counts.update({f"bucket {index}": count for index, count in enumerate(cohort.latency.counts)})
    return counts


def _to_cohort(counts: Counter[str], bounds: tuple[float, ...]) -> Cohort:
    buckets = tuple(counts[f"bucket {index}"] for index in range(len(bounds) + 1))
    return Cohort(
        requests=counts["requests"],
        errors={name.removeprefix("error "): count for name, count in counts.items() if name.startswith("error ")},
        latency=Histogram(bounds, buckets) if bounds else None,
        incomplete=counts["incomplete"],
        degraded=counts["degraded"],
    )
