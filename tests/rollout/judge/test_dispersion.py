"""Dispersion of errors: what comes in clusters counts for less, what hits both versions at once does not matter."""

import numpy as np
import pytest

from rollout.judge import ErrorBlocks, Hits, JudgeLimits, Verdict, judge
from rollout.judge.dispersion import LEAST_BLOCKS, UNKNOWN
from tests.rollout.judge.cases import cohort, healthy

LIMITS = JudgeLimits()
PATHS, BLOCKS, PER_BLOCK = 400, 200, 60
RATE = 0.01


def walk(stable: np.ndarray, canary: np.ndarray) -> tuple[np.ndarray, Hits, Hits]:
    """Dispersion of paths (paths, blocks) of errors per block, read twice a block."""
    blocks, n = ErrorBlocks(), np.arange(1, BLOCKS + 1) * PER_BLOCK
    totals = [np.cumsum(each, axis=1) for each in (stable, canary)]
    for index in range(BLOCKS):
        before, now = (Hits(each[:, index], np.full(PATHS, n[index])) for each in totals)
        blocks = blocks.add(before, now).add(before, now)
    return blocks.dispersion(before, now), before, now


def test_single_errors_have_a_dispersion_of_about_one() -> None:
    rng = np.random.default_rng(1)
    found, *_ = walk(*(rng.binomial(PER_BLOCK, rate, (PATHS, BLOCKS)) for rate in (RATE, 3 * RATE)))
    assert np.median(found) < 1.1
    assert np.quantile(found, 0.99) < 1.5


@pytest.mark.parametrize("size", [5, 20])
def test_clusters_have_a_dispersion_of_about_their_size(size: int) -> None:
    rng = np.random.default_rng(2)
    stable, canary = (size * rng.poisson(PER_BLOCK * RATE / size, (PATHS, BLOCKS)) for _ in range(2))
    found, *_ = walk(stable, np.minimum(canary, PER_BLOCK))
    assert 0.7 * size < np.median(found) < 1.3 * size


def test_incidents_that_hit_both_versions_at_once_do_not_count() -> None:
    rng = np.random.default_rng(3)
    rate = np.where(rng.random((PATHS, BLOCKS)) < 0.05, 0.3, 0.002)
    found, *_ = walk(*(rng.binomial(PER_BLOCK, rate) for _ in range(2)))
    assert np.median(found) < 1.2


def test_errors_before_the_first_blocks_are_taken_for_clusters() -> None:
    few = ErrorBlocks(blocks=LEAST_BLOCKS - 1.0)
    assert few.dispersion(Hits(0, 500), Hits(20, 40)) == UNKNOWN
    assert few.dispersion(Hits(0, 500), Hits(0, 40)) == 1


def test_one_cluster_does_not_fail_a_version_and_as_many_single_errors_do() -> None:
    stable, canary = cohort(6000, 30), cohort(1000, 45)
    alone = ErrorBlocks()
    for index in range(1, 17):
        alone = alone.add(Hits(2 * index, 375 * index), Hits(45 * index / 16, 62.5 * index))
    burst = ErrorBlocks()
    for index in range(1, 17):
        burst = burst.add(Hits(2 * index, 375 * index), Hits(45.0 * (index > 7), 62.5 * index))
    single, clustered = (
        judge(healthy(stable=stable, canary=canary, blocks=blocks), LIMITS, checks=["errors"])
        for blocks in (alone, burst)
    )
    assert (single.verdict, clustered.verdict) == (Verdict.FAIL, Verdict.WAIT)
    assert "in clusters of about" in clustered.reason


def test_a_version_that_fails_every_request_fails_before_the_first_block_ends() -> None:
    seen = healthy(stable=cohort(1000, 5), canary=cohort(90, 90), blocks=ErrorBlocks())
    assert judge(seen, LIMITS, checks=["errors"]).verdict is Verdict.FAIL
