"""Failures that the gateway saw: what the servers did not count is added, and nothing counts twice."""

from hypothesis import given
from hypothesis import strategies as some

from rollout.judge import Cohort, GatewayFailures, JudgeLimits, Verdict, judge, with_lost_requests
from tests.rollout.judge.cases import ENOUGH, cohort, healthy

COUNT = some.integers(0, 1000)


@given(answered=COUNT, refused=COUNT, failed=COUNT, unknown=COUNT, seen=COUNT)
def test_a_failure_that_both_saw_counts_once(answered: int, refused: int, failed: int, unknown: int, seen: int) -> None:
    errors = {"bad_request": refused, "internal_server_error": failed, "other": unknown}
    counted = Cohort(answered + sum(errors.values()), errors)
    found = with_lost_requests(counted, seen)
    assert found.failed == refused + max(failed + unknown, seen)
    assert found.answered == counted.answered


def test_totals_of_a_gateway_that_began_again_count_from_zero() -> None:
    seen = GatewayFailures(stable_seen=50, canary_seen=7)
    for stable, canary in ((50, 9), (51, 9), (2, 9), (2, 12)):
        seen = seen.add(stable, canary)
    assert (seen.stable, seen.canary) == (3, 5)


def test_requests_that_a_crashed_server_never_counted_fail_its_version() -> None:
    lost = round(0.05 * ENOUGH)
    silent = healthy(canary=cohort(ENOUGH - lost))
    assert judge(silent, JudgeLimits(), checks=["errors"]).verdict is Verdict.PASS
    seen = healthy(canary=cohort(ENOUGH - lost), gateway=GatewayFailures(canary=lost))
    found = judge(seen, JudgeLimits(), checks=["errors"])
    assert found.verdict is Verdict.FAIL
    assert "5.00% of requests not answered (most of it seen by the gateway alone)" in found.reason
    both = healthy(gateway=GatewayFailures(stable=lost, canary=lost))
    assert judge(both, JudgeLimits(), checks=["errors"]).verdict is not Verdict.FAIL


def test_without_a_gateway_the_check_says_whose_counts_it_has() -> None:
    texts = [
        judge(healthy(gateway=gateway), JudgeLimits(), checks=["errors"]).findings[0].reason
        for gateway in (None, GatewayFailures())
    ]
    assert ["as the servers counted" in text for text in texts] == [True, False]


def test_a_kind_of_error_that_another_one_hides_fails_its_version() -> None:
    stable = cohort(errors={"bad_request": 600, "internal_server_error": 0})
    canary = cohort(errors={"bad_request": 0, "internal_server_error": 600})
    found = judge(healthy(stable=stable, canary=canary), JudgeLimits(), checks=["errors"])
    assert found.verdict is Verdict.FAIL
    assert "ended in internal_server_error" in found.reason
    [overall, kind] = found.findings
    assert (overall.verdict, kind.measure, kind.blocks) == (Verdict.WAIT, "kind", False)
