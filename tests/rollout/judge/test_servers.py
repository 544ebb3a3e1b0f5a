"""Servers that differ: one slow server does not fail its version, and does not keep it from passing."""

import pytest

from rollout.cohorts import sum_cohorts
from rollout.judge import Cohort, Histogram, JudgeLimits, ServerLatencies, Verdict, judge
from rollout.judge.servers import without_outlier, without_slowest
from tests.rollout.judge.cases import healthy, histogram

LIMITS = JudgeLimits()
REQUESTS = 10_000


def version(*slower: float) -> tuple[Histogram, ...]:
    """Servers of a version, each so many times as slow."""
    return tuple(histogram(REQUESTS, 0.03 * times, seed=number) for number, times in enumerate(slower, start=20))


def verdict(stable: tuple[Histogram, ...], canary: tuple[Histogram, ...]) -> Verdict:
    sums = [sum_cohorts([Cohort(each.total, latency=each) for each in servers]) for servers in (stable, canary)]
    seen = healthy(stable=sums[0], canary=sums[1], servers=ServerLatencies(stable, canary))
    return judge(seen, LIMITS, checks=["latency"]).verdict


@pytest.mark.parametrize("canary", [(1, 2), (2, 1), (1, 1, 2, 1)])
def test_one_slow_server_of_the_candidate_neither_fails_it_nor_holds_it_up(canary: tuple[float, ...]) -> None:
    assert verdict(version(*[1] * 7), version(*canary)) is Verdict.PASS


@pytest.mark.parametrize("canary", [(2, 2), (1.6, 1.6, 1.6), (2, 2, 1), (2,)])
def test_a_version_that_is_slow_on_more_than_one_server_fails(canary: tuple[float, ...]) -> None:
    assert verdict(version(*[1] * 7), version(*canary)) is Verdict.FAIL


def test_a_slow_server_of_stable_does_not_hide_a_slower_candidate() -> None:
    assert verdict(version(3, 1), version(1.6, 1.6)) is not Verdict.PASS


def test_which_server_was_left_out_is_told() -> None:
    servers = ServerLatencies(version(1, 1, 1), version(1, 2))
    [finding, *_] = judge(healthy(servers=servers), LIMITS, checks=["latency"]).findings
    assert "(one slow server of the candidate left out)" in finding.reason


def test_servers_that_are_alike_are_all_counted() -> None:
    assert without_outlier(version(1, 1.05, 0.95), 1.25, 0.001, 50) is None
    assert without_outlier(version(2), 1.25, 0.001, 50) is None
    few = (histogram(40, 0.3), *version(1))
    assert without_outlier(few, 1.25, 0.001, 50) is None


def test_the_slowest_is_left_out_by_its_own_quantile() -> None:
    servers = version(1, 2, 1)
    found = without_slowest(servers, 0.5, 1.25)
    assert found is not None
    assert found.counts == tuple(map(sum, zip(servers[0].counts, servers[2].counts, strict=True)))
    alike = version(1, 1.05)
    whole = without_slowest(alike, 0.5, 1.25)
    assert whole is not None and whole.total == sum(each.total for each in alike)
    assert without_slowest(version(1), 0.5, 1.25) is None
    other = Histogram((0.1, 1.0), (1, 1, 1))
    assert without_slowest((other, *version(1)), 0.5, 1.25) is None
