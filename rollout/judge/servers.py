"""Servers of one version that differ in latency: which one is slow by itself, and what the others show.

A server may be slow for reasons of its own: its node, its neighbours. So one server does not fail a version: where the
slowest one differs from the others, a version fails by what is left without it. And a server that is provably slower
than the other servers of its own version is left out when the version is to pass, so that it does not hold it up. With
one server, server and version cannot be told apart.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rollout.judge.arrays import FloatArray
from rollout.judge.cohort import Histogram
from rollout.judge.quantiles import Buckets, quantile, ratio_log_evalue

PROOF = 0.01
"""Chance that a version whose servers are all alike ever has one left out."""

LEVELS = (0.5, 0.95)
"""Quantiles by which a server is found to be slow."""


def without_slowest(servers: Sequence[Histogram], q: float, ratio: float) -> Histogram | None:
    """The sum of all servers but a slowest one that differs; None for fewer than two with requests."""
    counts, bounds = _stack(servers)
    return Histogram(bounds, _whole(sum_without_slowest(counts, bounds, q, ratio))) if len(counts) > 1 else None


def without_outlier(servers: Sequence[Histogram], ratio: float, floor: float, minimum: int) -> Histogram | None:
    """The sum of all servers but one that is proved to be more than `ratio` times as slow as the others; None for none.

    floor: seconds; quantiles below it count as the floor. minimum: requests of a server, and of the others.
    """
    counts, bounds = _stack(servers)
    if len(counts) < 2:
        return None
    total, left_out = sum_without_outlier(counts[None], bounds, ratio, floor, minimum)
    return Histogram(bounds, _whole(total[0])) if left_out[0] else None


def sum_without_slowest(counts: FloatArray, bounds: ArrayLike, q: float, ratio: float) -> FloatArray:
    """(..., buckets) sum over the servers of (..., servers, buckets), without a slowest one that differs.

    It differs when its q-quantile seems higher than that of the others by more than the root of the ratio that would
    fail the version. No proof is asked: without it, a version only has less against it.
    """
    whole, own = counts.sum(axis=-2), _take(counts, _slowest(counts, bounds, q))
    others = whole - own
    before, now = (quantile(Buckets(each, bounds), q) for each in (others, own))
    return np.asarray(np.where((now > ratio**0.5 * before)[..., None], others, whole))


def sum_without_outlier(
    counts: FloatArray, bounds: ArrayLike, ratio: float, floor: float, minimum: int
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """(n, buckets) sum over the servers of (n, servers, buckets), and (n,) whether one was left out as an outlier."""
    whole, left_out = counts.sum(axis=-2), np.zeros(len(counts), bool)
    found, needed = whole.copy(), math.log(len(LEVELS) * counts.shape[-2] / PROOF)
    for q in LEVELS:
        own = _take(counts, _slowest(counts, bounds, q))
        others = whole - own
        enough = np.minimum(own.sum(axis=-1), others.sum(axis=-1)) >= minimum
        one, other = Buckets(others, bounds), Buckets(own, bounds)
        slower = enough & ~left_out & (quantile(other, q) > ratio * np.maximum(quantile(one, q), floor))
        at = np.flatnonzero(slower)
        if not len(at):
            continue
        limits = np.full(len(at), ratio)
        proved = at[ratio_log_evalue(Buckets(others[at], bounds), Buckets(own[at], bounds), q, limits, floor) >= needed]
        left_out[proved] = True
        found[proved] = others[proved]
    return found, left_out


def _slowest(counts: FloatArray, bounds: ArrayLike, q: float) -> NDArray[np.intp]:
    """(...) number of the server with the highest q-quantile, of those with requests."""
    busy = counts.sum(axis=-1) > 0
    return np.asarray(np.where(busy, quantile(Buckets(counts, bounds), q), -1.0).argmax(axis=-1))


def _take(counts: FloatArray, server: NDArray[np.intp]) -> FloatArray:
    return np.asarray(np.take_along_axis(counts, server[..., None, None], -2)[..., 0, :])


def _stack(servers: Sequence[Histogram]) -> tuple[FloatArray, tuple[float, ...]]:
    """Counts (servers, buckets) of those with requests, and their bounds; none where bounds differ."""
    busy = [server for server in servers if server.total]
    if len({server.bounds for server in busy}) != 1:
        return np.zeros((0, 0)), ()
    return np.array([server.counts for server in busy], float), busy[0].bounds


def _whole(counts: FloatArray) -> tuple[int, ...]:
    return tuple(int(count) for count in counts)
