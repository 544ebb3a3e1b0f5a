"""Counters of the model server: their names on `/metrics`, and their sum as a cohort."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

from rollout.judge import Cohort, Histogram
from serving.call import MIRROR, REPLAY, STAGES, TOTAL

PREFIX = "matchday_serving_"
REQUESTS, ERRORS = f"{PREFIX}requests_total", f"{PREFIX}errors_total"
INCOMPLETE, DEGRADED = f"{PREFIX}incomplete_total", f"{PREFIX}degraded_total"
BUCKETS = f"{PREFIX}latency_seconds_bucket"
NAMES = (REQUESTS, ERRORS, INCOMPLETE, DEGRADED, BUCKETS)
"""All that a rollout reads. A server without one of them is of another release, or not a model server."""

STAGE = STAGES[TOTAL]
"""Label of the latency that counts: that of the whole request."""


class CounterSample(NamedTuple):
    """Value of one series."""

    name: str
    labels: Mapping[str, str]
    value: float


def sum_samples(samples: Iterable[CounterSample], mirrored: bool = False) -> Cohort:
    """Sum of the series of one version on one server, over its variants but that of replayed requests.

    mirrored: copies of users' requests count as well. Raises ValueError for an invalid count.
    """
    left_out = (REPLAY,) if mirrored else (REPLAY, MIRROR)
    counts: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    buckets: list[CounterSample] = []
    for sample in samples:
        name, labels, value = sample
        if labels.get("variant") in left_out:
            continue
        if name == BUCKETS:
            if labels.get("stage") == STAGE:
                buckets.append(sample)
        elif name == ERRORS:
            errors[labels.get("kind", "other")] += to_count(name, value)
        else:
            counts[name] += to_count(name, value)
    latency = cumulative_histogram(BUCKETS, buckets)
    return Cohort(counts[REQUESTS], dict(errors), latency, counts[INCOMPLETE], counts[DEGRADED])


def to_count(name: str, value: float) -> int:
    """Whole number. Raises ValueError for what is no count."""
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} is {value:g}, which is no count")
    return round(value)


def cumulative_histogram(name: str, samples: Iterable[CounterSample]) -> Histogram | None:
    """Counts of each bucket from cumulative counts by the label `le`, summed over series; None for no buckets.

    Raises ValueError where they do not end at +Inf.
    """
    cumulative: Counter[float] = Counter()
    for sample in samples:
        cumulative[float(sample.labels.get("le", "nan"))] += to_count(sample.name, sample.value)
    if not cumulative:
        return None
    bounds = sorted(cumulative)
    if math.isnan(sum(bounds)) or bounds[-1] != math.inf:
        raise ValueError(f"{name} does not end at +Inf")
    counts = [after - before for before, after in pairwise([0, *(cumulative[bound] for bound in bounds)])]
    return Histogram(tuple(bounds[:-1]), tuple(counts))
