"""Simulated rollouts: the vectorised verdicts are the judge's, and worlds do what their names say."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.judge.agreement import count_disagreements
from benchmarks.judge.simulation import Outcomes, run_judged, run_threshold
from benchmarks.judge.worlds import BAD, BEYOND, GOOD, World

WORLDS = GOOD | BAD | BEYOND


def test_the_vectorised_verdicts_are_those_of_the_judge() -> None:
    assert count_disagreements(1, 4) == 0


def test_the_same_seed_is_the_same_rollout() -> None:
    world = BAD["errors 0.5 -> 2.5 %"]
    one, other = (run_judged(world, 5, 3) for _ in range(2))
    assert (one.to_canary == other.to_canary).all()
    assert one.percent("failed") == 100


@pytest.mark.parametrize("judged", [run_judged, run_threshold])
def test_every_rollout_ends_once_or_stays_undecided(judged: Callable[[World, int, int], Outcomes]) -> None:
    for name in ("20/s, 0.5 % errors", "everything x2"):
        end = judged(WORLDS[name], 6, 4)
        assert not (end.promoted.astype(bool) & end.failed.astype(bool)).any()
        assert end.percent("failed", within=0.0) == 0


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
def test_a_stretch_counts_the_requests_of_its_time(world: World) -> None:
    none = np.zeros(50, np.int64)
    stable, canary = world.stretch(np.random.default_rng(5), 0.25, 0.0, 100.0, none, none)
    for version in (stable, canary):
        total, failed = version.requests.sum(axis=1), version.errors.sum(axis=1)
        timed = version.latency.sum(axis=(1, 2))
        assert (timed <= total).all() and (timed >= total - failed).all(), (
            "only requests without an answer have no time"
        )
        assert (timed == total).all() or (world.crash and version is canary)
        assert (version.errors <= version.requests).all()
        assert (version.degraded <= total - failed).all()
    expected = 100 * world.per_second
    assert (stable.requests + canary.requests).sum(axis=1).mean() == pytest.approx(expected, rel=0.1)
