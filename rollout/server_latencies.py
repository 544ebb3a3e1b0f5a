"""Durations of requests by server of one version: their sum over reads, and the saved form."""

from collections.abc import Mapping
from typing import Any

from rollout.judge import Cohort, Histogram

MOST_SERVERS, OTHERS = 16, "others"
"""Servers of a version whose latencies are kept apart; those of all others are summed."""


def add_latencies(
    servers: Mapping[str, Histogram], read: Mapping[str, Cohort], increases: Mapping[str, Cohort]
) -> dict[str, Histogram]:
    """Durations by server with the increases of those that were read."""
    found = dict(servers)
    for name in read:
        more = increases[name].latency if name in increases else None
        if more is not None:
            kept = name if name in found or len(found) < MOST_SERVERS else OTHERS
            found[kept] = _sum_histograms(found.get(kept), more)
    return found


def _sum_histograms(one: Histogram | None, more: Histogram) -> Histogram:
    """The sum; of other buckets, as of another release, the newer one alone."""
    if one is None or one.bounds != more.bounds:
        return more
    return Histogram(more.bounds, tuple(map(sum, zip(one.counts, more.counts, strict=True))))


def latencies_to_json(servers: Mapping[str, Histogram]) -> dict[str, Any]:
    """To save."""
    return {name: [server.bounds, server.counts] for name, server in servers.items()}


def latencies_from_json(saved: Mapping[str, Any]) -> dict[str, Histogram]:
    """As saved. Raises TypeError or ValueError."""
    return {name: Histogram(tuple(bounds), tuple(counts)) for name, (bounds, counts) in saved.items()}
