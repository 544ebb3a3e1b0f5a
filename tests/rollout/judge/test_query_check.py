"""Checks that a specification adds by PromQL: the verdicts of rates and of numbers."""

import numpy as np
import pytest

from rollout.judge import (
    TRAFFIC,
    ErrorBlocks,
    Hits,
    JudgeLimits,
    Observation,
    QueriedCheck,
    QueriedCounts,
    QueriedNumber,
    Verdict,
    describe_needs,
    judge,
)
from tests.rollout.judge.cases import cohort, pairs

LIMITS = JudgeLimits()
ALPHA = 0.0067


def healthy(*queried: QueriedCheck, **more: object) -> Observation:
    return Observation(cohort(), cohort(), pairs(), queried=queried, **more)  # type: ignore[arg-type]


def spread(stable: tuple[int, int], canary: tuple[int, int]) -> ErrorBlocks:
    """Blocks of a window with these totals, whose events came evenly."""
    blocks = ErrorBlocks()
    for part in np.linspace(0.05, 1.0, 20):
        blocks = blocks.add(*(Hits(part * hits, part * n) for hits, n in (stable, canary)))
    return blocks


def counted(stable: tuple[int, int], canary: tuple[int, int], limit: float = 0.005) -> QueriedCheck:
    return QueriedCheck("late", limit, QueriedCounts(Hits(*stable), Hits(*canary), spread(stable, canary)))


def number(value: float | None, beyond: float = 0.0, seconds: float = 60.0) -> QueriedCheck:
    return QueriedCheck("queue", 5.0, QueriedNumber(value, beyond), seconds)


@pytest.mark.parametrize(
    ("asked", "verdict", "reason"),
    [
        (counted((100, 20_000), (30, 6000)), Verdict.PASS, "late"),
        (counted((100, 20_000), (100, 2000)), Verdict.FAIL, "late: 5.00% of what the query counts, stable 0.50%"),
        (counted((0, 20_000), (0, 49)), Verdict.WAIT, "late: 49 of at least 50 of what the query counts"),
        (counted((0, 0), (0, 0)), Verdict.WAIT, "late: 0 of at least 50"),
        (number(5.0), Verdict.PASS, "queue"),
        (number(-1.0), Verdict.PASS, "queue"),
        (number(6.0), Verdict.WAIT, "queue: the query gives 6, above the limit for 0 of 60 s"),
        (number(6.0, 59.0), Verdict.WAIT, "for 59 of 60 s"),
        (number(6.0, 60.0), Verdict.FAIL, "queue: the query gives 6, above the limit for 60 of 60 s"),
        (number(6.0, 0.0, seconds=0.0), Verdict.FAIL, "for 0 of 0 s"),
        (number(None), Verdict.WAIT, "queue: 0 of at least 1 numbers from the query"),
    ],
)
def test_verdicts(asked: QueriedCheck, verdict: Verdict, reason: str) -> None:
    found = judge(healthy(asked), LIMITS, alpha=ALPHA, checks=TRAFFIC)
    assert found.verdict is verdict
    assert reason in found.reason


def test_it_is_the_test_of_errors() -> None:
    """The same counts have the same interval, but for the share of alpha."""
    asked = counted((100, 20_000), (40, 4000))
    found = judge(healthy(asked), LIMITS, alpha=ALPHA, checks=()).findings
    one, other = cohort(20_000, 100), cohort(4000, 40)
    blocks = spread((100, 20_000), (40, 4000))
    errors = judge(Observation(one, other, blocks=blocks), LIMITS, alpha=2 * ALPHA, checks=("errors",)).findings
    assert found[0].interval == errors[0].interval
    assert found[0].estimate == errors[0].estimate


def test_what_is_undecided_says_what_it_needs() -> None:
    found = judge(healthy(counted((100, 20_000), (3, 600)), number(6.0)), LIMITS, alpha=ALPHA, checks=TRAFFIC)
    assert found.verdict is Verdict.WAIT
    needs = describe_needs(found.findings, 10.0)
    assert needs.endswith(" more of what the query counts for late; a number of at most 5 for queue")


def test_what_cannot_be_read_is_undecided_whatever_was_read_before() -> None:
    blind = healthy(counted((100, 20_000), (30, 6000)), unreadable={"late": "no answer"})
    found = judge(blind, LIMITS, alpha=ALPHA, checks=TRAFFIC)
    assert found.verdict is Verdict.WAIT and "late: could not be read: no answer" in found.reason
    assert judge(blind, LIMITS, alpha=ALPHA, checks=TRAFFIC, time_up=True).verdict is Verdict.INCONCLUSIVE


def test_clusters_of_events_count_as_clusters_of_errors_do() -> None:
    """Twenty events at once in one block of the canary's, none in any other."""
    blocks, stable, canary = ErrorBlocks(), Hits(0, 0), Hits(0, 0)
    for block in range(40):
        stable = Hits(stable.hits, float(stable.n) + 50)  # type: ignore[arg-type]
        hits = 20 if block == 20 else 0
        canary = Hits(float(canary.hits) + hits, float(canary.n) + 50)  # type: ignore[arg-type]
        blocks = blocks.add(stable, canary)
    apart = counted((int(stable.hits), int(stable.n)), (int(canary.hits), int(canary.n)), 0.001)  # type: ignore[arg-type]
    clustered = QueriedCheck("late", 0.001, QueriedCounts(stable, canary, blocks))
    (one,), (other,) = (judge(healthy(each), LIMITS, alpha=ALPHA, checks=()).findings for each in (apart, clustered))
    assert one.interval and other.interval
    assert other.interval[0] < one.interval[0]


def test_checks_share_alpha_with_queries_only_where_there_are_some() -> None:
    without, with_number, with_rate = (
        judge(healthy(*asked), LIMITS, alpha=ALPHA, checks=TRAFFIC).findings[0].interval
        for asked in ((), (number(1.0),), (counted((0, 20_000), (0, 20_000)),))
    )
    assert without == with_number
    assert without and with_rate and without[0] >= with_rate[0]
