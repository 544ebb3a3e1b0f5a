"""Identical versions before traffic, simulated: a slow server and clusters of errors do not fail them, gross faults do.

Copies and replayed requests alike, over many looks, by way of the saved form of the evidence.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rollout.cohorts import sum_cohorts
from rollout.evidence import Evidence
from rollout.judge import Cohort, Histogram, JudgeLimits, Verdict, judge, step_alphas
from rollout.mirrored import MirroredRequests
from rollout.sources import ReplayedRequests
from serving.metrics import SECONDS

RUNS, LOOKS, EACH, JUDGED = 40, 40, 61, 5
"""Each look has so many more requests to each of the candidate's two servers; the judge is asked at each fifth look."""

Slower = tuple[float, ...]
Look = tuple[dict[str, Cohort], dict[str, Cohort]]


def look(rng: np.random.Generator, slower: tuple[Slower, Slower], rates: tuple[float, float], cluster: int) -> Look:
    """What the servers of both versions did since the last look."""

    def server(times: float, failed: int) -> Cohort:
        took = 0.03 * times * np.exp(rng.normal(0, 0.5, EACH))
        counts = np.bincount(np.searchsorted(SECONDS, took), minlength=len(SECONDS) + 1)
        return Cohort(EACH, {"other": failed}, Histogram(SECONDS, tuple(counts.tolist())))

    def version(name: str, all_slower: Slower, rate: float) -> dict[str, Cohort]:
        hits = [min(EACH, cluster * int(rng.poisson(EACH * rate / cluster))) for _ in all_slower]
        return {
            f"{name}{i}": server(times, failed) for i, (times, failed) in enumerate(zip(all_slower, hits, strict=True))
        }

    return version("stable", slower[0], rates[0]), version("candidate", slower[1], rates[1])


def copied(evidence: Evidence, seen: Look) -> Evidence:
    counts = evidence.mirrored
    if counts is None:
        counts = MirroredRequests().add(dict.fromkeys(seen[0], Cohort()), dict.fromkeys(seen[1], Cohort()), 0)

    def after(increase: dict[str, Cohort]) -> dict[str, Cohort]:
        known = counts.seen
        return {
            name: sum_cohorts([known[name], more]) if known[name].requests else more for name, more in increase.items()
        }

    return replace(evidence, mirrored=counts.add(after(seen[0]), after(seen[1]), 0))


def replayed(evidence: Evidence, seen: Look) -> Evidence:
    stable, canary = seen
    sums = sum_cohorts([*stable.values()]), sum_cohorts([*canary.values()])
    return evidence.add_replayed(ReplayedRequests(sums[0], sums[1], stable, canary), 10**6)


def verdicts(add: Callable[[Evidence, Look], Evidence], world: tuple[object, ...], runs: int = RUNS) -> list[Verdict]:
    """The last verdict of each run."""
    found = []
    for run in range(runs):
        rng, evidence, verdict = np.random.default_rng(run), Evidence(), Verdict.WAIT
        for number in range(1, LOOKS + 1):
            evidence = Evidence.from_text(add(evidence, look(rng, *world)).to_text())  # type: ignore[arg-type]
            if number % JUDGED:
                continue
            verdict = judge(
                evidence.observation(), JudgeLimits(required=("replay",)), alpha=step_alphas(3)[0], checks=["replay"]
            ).verdict
            if verdict is Verdict.FAIL:
                break
        found.append(verdict)
    return found


ALIKE = ((1.0, 1.0, 1.0), (1.0, 1.0))
ONE_SLOW = ((1.0, 1.0, 1.0), (2.0, 1.0))


@pytest.mark.parametrize("add", [copied, replayed])
@pytest.mark.parametrize("world", [(ONE_SLOW, (0.0, 0.0), 1), (ALIKE, (0.005, 0.005), 20)])
def test_one_slow_server_or_clusters_of_errors_fail_no_identical_version(
    add: Callable[[Evidence, Look], Evidence], world: tuple[object, ...]
) -> None:
    assert verdicts(add, world).count(Verdict.FAIL) <= 1


@pytest.mark.parametrize("add", [copied, replayed])
@pytest.mark.parametrize("world", [(((1.0,) * 3, (2.0, 2.0)), (0.0, 0.0), 1), (ALIKE, (0.005, 0.025), 1)])
def test_gross_faults_fail(add: Callable[[Evidence, Look], Evidence], world: tuple[object, ...]) -> None:
    found = verdicts(add, world, 8)
    assert found.count(Verdict.FAIL) == len(found)
