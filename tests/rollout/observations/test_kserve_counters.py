"""Counters of KServe's SDK that cannot be told apart are refused."""

import pytest

from rollout.observations.counters import CounterSample
from rollout.observations.kserve_counters import ANSWERED, PREDICT, KServeCounters


def samples(predicted: float, answered: float) -> list[CounterSample]:
    buckets = [CounterSample(PREDICT, {"le": bound}, predicted) for bound in ("0.1", "1.0", "+Inf")]
    return [*buckets, CounterSample(ANSWERED, {}, answered)]


def test_what_was_predicted_and_not_answered_has_failed() -> None:
    cohort = KServeCounters().cohort("a", samples(10, 7))
    assert (cohort.requests, cohort.failed) == (10, 3)
    assert cohort.latency is not None and cohort.latency.total == 10


def test_errors_that_go_away_were_requests_under_way_and_are_never_told_again() -> None:
    counters = KServeCounters()
    assert counters.cohort("a", samples(10, 7)).failed == 3
    for _ in range(2):
        with pytest.raises(ValueError, match="its postprocess runs while others are answered"):
            counters.cohort("a", samples(12, 12))
    assert counters.cohort("b", samples(10, 7)).failed == 3


def test_a_restarted_server_begins_at_zero() -> None:
    counters = KServeCounters()
    counters.cohort("a", samples(10, 7))
    assert counters.cohort("a", samples(2, 2)).failed == 0


@pytest.mark.parametrize("wrong", [samples(10, float("nan")), samples(-1, 0), samples(10, 11)])
def test_what_is_no_count_is_refused(wrong: list[CounterSample]) -> None:
    with pytest.raises(ValueError):
        KServeCounters().cohort("a", wrong)


def test_nothing_yet_is_zero() -> None:
    assert KServeCounters().cohort("a", []).requests == 0
