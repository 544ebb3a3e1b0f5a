"""Late change: after a long good past a worse error rate is seen in thousands of requests."""

import numpy as np

from rollout.judge import Hits, JudgeLimits, RecentErrors, Verdict, judge
from tests.rollout.judge.cases import cohort, healthy

LIMIT, RATE = 0.005, 0.005
ALPHA = 0.0067 / 5 / 4


def walk(
    state: RecentErrors, rng: np.random.Generator, rate: float, blocks: int, stable: int = 950, canary: int = 50
) -> tuple[RecentErrors, int | None]:
    """The detector after so many blocks, and the block in which it rang."""
    totals, rang = np.array(state[:4]), None
    for block in range(blocks):
        totals += (rng.binomial(stable, RATE), stable, rng.binomial(canary, rate), canary)
        state = state.add(Hits(totals[0], totals[1]), Hits(totals[2], totals[3]), LIMIT)
        if rang is None and state.rings(ALPHA):
            rang = block
    return state, rang


def million_good() -> RecentErrors:
    """After a million good requests to the candidate."""
    state = RecentErrors(stable_hits=5000.0, stable_n=1e6, canary_hits=5000.0, canary_n=1e6)
    return walk(state, np.random.default_rng(1), RATE, 50)[0]


def test_three_percent_of_errors_after_a_million_good_requests_are_seen_in_thousands() -> None:
    rang = [walk(million_good(), np.random.default_rng(seed), 0.03, 100)[1] for seed in range(20)]
    assert all(block is not None for block in rang)
    assert np.median([50 * block for block in rang if block is not None]) < 3000


def test_with_every_request_at_the_candidate_its_past_is_the_measure() -> None:
    state, rang = walk(million_good(), np.random.default_rng(3), RATE, 200, stable=0)
    assert rang is None
    assert walk(state, np.random.default_rng(4), 0.03, 100, stable=0)[1] is not None


def test_a_rate_at_the_limit_seldom_rings() -> None:
    rang = [walk(RecentErrors(), np.random.default_rng(seed), RATE + LIMIT, 400)[1] for seed in range(40)]
    assert sum(block is not None for block in rang) <= 1


def test_the_mean_e_value_of_a_block_is_one_at_most_within_the_null() -> None:
    rng, draws = np.random.default_rng(5), 4000
    for before, now in ((0.005, 0.01), (0.005, 0.002), (0.03, 0.03), (0.0, 0.005)):
        begun, values = RecentErrors(stable_hits=0.005 * 1e4, stable_n=1e4, canary_hits=0, canary_n=0), []
        for _ in range(draws):
            found = begun.add(
                Hits(begun.stable_hits + rng.binomial(200, before), begun.stable_n + 200),
                Hits(rng.binomial(100, now), 100),
                LIMIT,
            )
            values.append(np.exp(found.logs))
        assert (np.mean(values, axis=0) <= 1 + 4 * np.std(values, axis=0) / draws**0.5).all()


def test_a_late_change_fails_a_candidate_whose_totals_are_good() -> None:
    state, _ = walk(million_good(), np.random.default_rng(6), 0.03, 100)
    counts = {"stable": cohort(1_000_000, 5000), "canary": cohort(1_000_000, 5100)}
    calm = judge(healthy(**counts, recent=million_good()), JudgeLimits(), checks=["errors"], alpha=0.001)
    assert calm.verdict is Verdict.PASS
    found = judge(healthy(**counts, recent=state), JudgeLimits(), checks=["errors"], alpha=0.001)
    assert found.verdict is Verdict.FAIL
    assert found.reason.startswith("errors recent: the rate of requests not answered rose lately")
