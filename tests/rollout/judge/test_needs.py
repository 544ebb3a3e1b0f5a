"""What an undecided judgement still needs: with so much more it is decided, with much less it is not."""

import re

import pytest

from rollout.judge import TRAFFIC, Cohort, Finding, JudgeLimits, Observation, Verdict, describe_needs, judge
from tests.rollout.judge.cases import cohort, healthy

LIMITS = JudgeLimits()
DURATIONS = cohort(20_000).latency


def both(n: int, errors: float = 0.0) -> Observation:
    """A canary with so many requests, and stable with as many."""
    return healthy(
        stable=Cohort(n, {"other": round(errors * n)}, scaled(n)),
        canary=Cohort(n, {"other": round(errors * n)}, scaled(n)),
    )


def scaled(n: int):
    counts = [round(count * n / DURATIONS.total) for count in DURATIONS.counts]
    return type(DURATIONS)(DURATIONS.bounds, tuple(counts))


@pytest.mark.parametrize(
    ("check", "n", "errors"), [("errors", 400, 0.0), ("errors", 2000, 0.005), ("latency", 600, 0.0)]
)
def test_so_many_more_requests_decide_and_half_of_them_do_not(check, n, errors):
    findings = judge(both(n, errors), LIMITS, alpha=0.0067, checks=TRAFFIC).findings
    needed = max(each.needed or 0 for each in findings if each.check == check)
    assert needed > 0
    for more, decided in ((1.15 * needed, True), (0.4 * needed, False)):
        found = judge(both(n + round(more), errors), LIMITS, alpha=0.0067, checks=TRAFFIC).findings
        assert all(each.verdict is Verdict.PASS for each in found if each.check == check) == decided


def test_what_is_decided_or_not_known_needs_nothing():
    assert describe_needs(judge(both(20_000), LIMITS, checks=TRAFFIC).findings, 1.0) == ""
    assert describe_needs(judge(Observation(), LIMITS, checks=TRAFFIC).findings, 1.0) == ""
    at_limit = healthy(stable=cohort(errors=100), canary=cohort(errors=200))
    [found] = judge(at_limit, LIMITS, checks=["errors"]).findings
    assert (found.verdict, found.needed) == (Verdict.WAIT, None)


def test_few_requests_need_the_least_at_least():
    [found, _] = judge(healthy(canary=cohort(40, 40)), LIMITS, checks=["errors"]).findings
    assert found.needed is not None and 10 <= found.needed <= 13


def test_people_read_what_is_missing_and_how_long_it_takes():
    findings = [
        Finding("errors", Verdict.WAIT, "", needed=1044),
        Finding("latency", Verdict.INCONCLUSIVE, "", needed=700, measure="p99"),
        Finding("latency", Verdict.PASS, "", measure="p50"),
        Finding("predictions", Verdict.WAIT, "", needed=40, measure="spread", units="rows answered by both"),
        Finding("skill", Verdict.WAIT, "", needed=9, units="matches", blocks=False),
    ]
    assert describe_needs(findings, 0.35) == (
        "about 1,100 more requests, about 50 min at this traffic, for errors and latency p99; "
        "about 40 more rows answered by both for predictions spread"
    )
    assert re.match("about 1,100 more requests for errors", describe_needs(findings, 0.0))
    early = (
        "about 50 min at this traffic, for errors and latency p99, which is later than the deadline in 20 min; about"
    )
    assert early in describe_needs(findings, 0.35, 1200.0)
    assert "deadline" not in describe_needs(findings, 0.35, 3600.0) + describe_needs(findings, 0.0, 1.0)
    assert "about 17 min" in describe_needs(findings, 1.0) and "about 6 days" in describe_needs(findings, 0.002)


def test_each_unit_has_its_own_rate_and_its_own_warning():
    findings = [
        Finding("replay", Verdict.WAIT, "", n=300, needed=600, measure="errors", units="replayed requests"),
        Finding("late", Verdict.WAIT, "", n=50, needed=100, units="of what the query counts"),
        Finding("queue", Verdict.WAIT, "", n=1, limit=20.0, units="numbers from the query"),
        Finding("depth", Verdict.WAIT, "", limit=20.0, units="numbers from the query"),
    ]
    assert describe_needs(findings, 0.0, 900.0, passed=600.0) == (
        "about 600 more replayed requests, about 20 min at this pace, for replay errors, which is later than the "
        "deadline in 15 min; about 100 more of what the query counts, about 20 min at this traffic, for late, which is "
        "later than the deadline in 15 min; a number of at most 20 for queue; a number for depth"
    )
    assert "at this" not in describe_needs(findings, 5.0)
