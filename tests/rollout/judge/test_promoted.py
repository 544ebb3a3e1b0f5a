"""A promoted version is judged on its errors of late, against the champion's of the last step, and on restarts."""

import numpy as np
import pytest

from rollout.evidence import Evidence
from rollout.judge import Hits, JudgeLimits, Judgement, RecentErrors, Restarts, Verdict, judge_promoted
from tests.rollout.judge.cases import cohort

LIMITS = JudgeLimits()
ALPHA = 0.0067
PAST = 2000
"""Requests to the champion in the last step."""
URL = "http://promoted"


ROUND = 100
"""Requests in a round."""


def last_step(rate: float, rng: np.random.Generator, cluster: int = 1) -> Evidence:
    """The evidence of a last step in which both versions had the same rate of errors."""
    evidence, stable, canary = Evidence().open_window(0.0, {"s": cohort(0), "c": cohort(0)}), 0, 0
    for total in range(ROUND, PAST + 1, ROUND):
        stable += draw(rng, rate, cluster)
        canary += draw(rng, rate, cluster)
        evidence = evidence.add_counts({"s": cohort(total, stable)}, {"c": cohort(total, canary)}, 0, LIMITS.errors)
    return evidence


def draw(rng: np.random.Generator, rate: float, cluster: int) -> int:
    """Errors of a round."""
    return min(ROUND, cluster * int(rng.binomial(ROUND, rate / cluster)))


def watch(rates: list[float], *, was: float = 0.005, seed: int = 1, cluster: int = 1) -> list[Judgement]:
    """The judgement after each round. rates: of errors, in each round. cluster: errors that come together."""
    rng = np.random.default_rng(seed)
    evidence = last_step(was, rng, cluster).as_baseline().open_window(0.0, {URL: cohort(0)})
    evidence = Evidence.from_text(evidence.to_text())  # as another process goes on with it
    found, wrong = [], 0
    for index, rate in enumerate(rates):
        wrong += draw(rng, rate, cluster)
        evidence = evidence.add_promoted({URL: cohort(ROUND * (index + 1), wrong)}, LIMITS.errors)
        found.append(judge_promoted(evidence.observation(), LIMITS, alpha=ALPHA))
    return found


def requests_to_fail(judgements: list[Judgement]) -> int | None:
    """Requests until the first that fails; None where none does."""
    failed = [index for index, each in enumerate(judgements) if each.verdict is Verdict.FAIL]
    return ROUND * (failed[0] + 1) if failed else None


@pytest.mark.parametrize("good", [0, 300], ids=["at-once", "after-30,000-good-requests"])
def test_three_percent_of_errors_are_seen_in_thousands_of_requests(good: int) -> None:
    needed = [requests_to_fail(watch([0.005] * good + [0.03] * 100, seed=seed)) for seed in range(5)]
    assert all(each is not None and each > ROUND * good for each in needed)
    assert np.median([(each or 0) - ROUND * good for each in needed]) < 5000


@pytest.mark.parametrize(("rate", "cluster"), [(0.0, 1), (0.005, 1), (0.02, 1), (0.02, 20)])
def test_a_version_as_good_as_the_champion_stays(rate: float, cluster: int) -> None:
    """However the champion's rate was misread: its requests in the last step are drawn too."""
    runs = [watch([rate] * 100, was=rate, seed=seed, cluster=cluster) for seed in range(15)]
    assert sum(requests_to_fail(found) is not None for found in runs) <= 1


def test_what_is_found_is_said_with_both_rates() -> None:
    found = watch([0.5] * 30, was=0.0)[-1]
    assert found.verdict is Verdict.FAIL
    assert found.reason.startswith("errors recent: the rate of requests not answered rose: ")
    assert found.reason.endswith(" of 3,000 requests not answered since the promotion, 0.00% before it")
    calm = watch([0.0] * 30)[-1]
    assert (calm.verdict, calm.findings[0].n, calm.findings[0].check) == (Verdict.WAIT, 3000, "errors")


def test_without_requests_to_the_champion_there_is_nothing_to_compare_with() -> None:
    evidence = Evidence().as_baseline().open_window(0.0, {URL: cohort(0)})
    for count in range(1, 31):
        evidence = evidence.add_promoted({URL: cohort(100 * count, 50 * count)}, LIMITS.errors)
    found = judge_promoted(evidence.observation(), LIMITS, alpha=ALPHA)
    assert found.verdict is found.findings[0].verdict is Verdict.INCONCLUSIVE
    assert "the champion had no request in the last step" in found.reason


def test_a_restart_fails_it() -> None:
    evidence = Evidence(stable=cohort(PAST, 10)).as_baseline().add_restarts({"pod-a": 2})
    before = judge_promoted(evidence.observation(), LIMITS, alpha=ALPHA)
    assert before.verdict is Verdict.WAIT and evidence.restarts == Restarts({"pod-a": 2}, {"pod-a": 2})
    after = judge_promoted(evidence.add_restarts({"pod-a": 3}).observation(), LIMITS, alpha=ALPHA)
    assert after.verdict is Verdict.FAIL and "restarted once" in after.reason


def test_requests_that_only_the_gateway_saw_fail_count() -> None:
    evidence = Evidence(stable=cohort(PAST, 10)).as_baseline().open_window(0.0, {URL: cohort(0)})
    for count in range(1, 31):
        evidence = evidence.add_failures(0, 50 * (count - 1)).add_promoted({URL: cohort(100 * count)}, LIMITS.errors)
    found = judge_promoted(evidence.observation(), LIMITS, alpha=ALPHA)
    assert found.verdict is Verdict.FAIL and "of 4,450 requests" in found.reason


def test_a_short_past_is_believed_less() -> None:
    """Its upper bound is the measure, and comes down to the rate with its length."""
    rates = [
        begun.stable_hits / begun.stable_n
        for begun in (RecentErrors.begin_after(Hits(0.01 * n, n)) for n in (100, 1000, 10_000, 1_000_000))
    ]
    assert rates == sorted(rates, reverse=True) and 0.01 < rates[-1] < 0.0103 < 0.05 < rates[0] + 0.03
    assert RecentErrors.begin_after(Hits(0, 0)).stable_n == 0
