"""The servers' own counters, by their names on `/metrics`, and what a rollout makes of them."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

from rollout.judge import Cohort, Histogram
from serving.call import STAGES, TOTAL

PREFIX = "matchday_serving_"
REQUESTS, ERRORS = f"{PREFIX}requests_total", f"{PREFIX}errors_total"
INCOMPLETE, DEGRADED = f"{PREFIX}incomplete_total", f"{PREFIX}degraded_total"
BUCKETS = f"{PREFIX}latency_seconds_bucket"
NAMES = (REQUESTS, ERRORS, INCOMPLETE, DEGRADED, BUCKETS)
"""All that a rollout reads: a server that lacks one of them is of another release, or none of ours."""

STAGE = STAGES[TOTAL]
"""The stage of a latency that counts: the whole request."""


class Sample(NamedTuple):
    """A line of a page: a series and its number."""

    name: str
    labels: Mapping[str, str]
    value: float


def cohort(samples: Iterable[Sample]) -> Cohort:
    """The sums of one version on one server, over its variants. Raises ValueError for what no server counts."""
    counts: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    below: Counter[float] = Counter()
    for name, labels, value in samples:
        if name == BUCKETS:
            if labels.get("stage") == STAGE:
                below[float(labels.get("le", "nan"))] += _whole(name, value)
        elif name == ERRORS:
            errors[labels.get("kind", "other")] += _whole(name, value)
        else:
            counts[name] += _whole(name, value)
    return Cohort(counts[REQUESTS], dict(errors), _histogram(below), counts[INCOMPLETE], counts[DEGRADED])


def _whole(name: str, value: float) -> int:
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} is {value:g}, which is no count")
    return round(value)


def _histogram(below: Mapping[float, int]) -> Histogram | None:
    """Counts of each bucket from cumulative ones; None for no buckets."""
    if not below:
        return None
    bounds = sorted(below)
    if math.isnan(sum(bounds)) or bounds[-1] != math.inf:
        raise ValueError(f"{BUCKETS} does not end at +Inf")
    counts = [after - before for before, after in pairwise([0, *(below[bound] for bound in bounds)])]
    return Histogram(tuple(bounds[:-1]), tuple(counts))
