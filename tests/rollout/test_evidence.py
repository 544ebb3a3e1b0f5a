"""What a window has counted is what the servers counted in it, whoever looks when, and survives being written down."""

import base64
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from rollout.cohorts import count_increase, sum_cohorts
from rollout.evidence import Evidence
from rollout.judge import Cohort, Entities, Histogram, Pairs
from rollout.server_latencies import MOST_SERVERS

BOUNDS = (0.001, 0.01, 0.1)
KINDS = ("bad_request", "internal_server_error")
SMALL = some.integers(0, 50)

COUNTS = some.lists(SMALL, min_size=4, max_size=4)


@some.composite
def cohorts(draw: some.DrawFn) -> Cohort:
    """What a server has counted: each request in one bucket, errors and gaps among them."""
    buckets = draw(COUNTS)
    errors = draw(some.dictionaries(some.sampled_from(KINDS), SMALL))
    latency = Histogram(BOUNDS, tuple(buckets))
    return Cohort(sum(buckets), errors, latency, draw(SMALL), draw(SMALL))


NAMES = some.sampled_from(["http://10.0.0.1:8080", "http://10.0.0.2:8080", "http://10.0.0.3:8080"])
STEPS = some.lists(some.tuples(NAMES, cohorts(), some.sets(NAMES)), max_size=12)
"""What a server counts next, and who is looked at then."""


def plain(cohort: Cohort) -> tuple[object, ...]:
    """A cohort without errors that never were."""
    errors = {kind: count for kind, count in cohort.errors.items() if count}
    return (cohort.requests, errors, cohort.latency, cohort.incomplete, cohort.degraded)


def nothing() -> Cohort:
    return Cohort(latency=Histogram(BOUNDS, (0, 0, 0, 0)))


def looked(steps: list[tuple[str, Cohort, set[str]]], start: dict[str, Cohort]) -> Iterator[dict[str, Cohort]]:
    """The looks while servers go on counting, the last one at all of them."""
    now = dict(start)
    for name, more, seen in steps:
        now[name] = sum_cohorts([now[name], more])
        yield {each: now[each] for each in sorted(seen)}
    yield now


@given(start=some.fixed_dictionaries({name: cohorts() for name in NAMES.elements}), steps=STEPS)
def test_what_is_counted_is_what_was_counted_whoever_is_looked_at_when(
    start: dict[str, Cohort], steps: list[tuple[str, Cohort, set[str]]]
) -> None:
    evidence = Evidence(opened=1.0, seen=start)
    for look in looked(steps, start):
        evidence = Evidence.from_text(evidence.add_counts(look, {}).to_text())
    wanted = sum_cohorts([nothing(), *(more for _, more, _ in steps)])
    assert plain(evidence.stable) == plain(wanted)
    assert plain(evidence.canary) == plain(Cohort(latency=evidence.canary.latency))


@given(before=cohorts(), lives=some.lists(cohorts(), max_size=5))
def test_a_restarted_server_is_counted_from_zero_and_never_twice(before: Cohort, lives: list[Cohort]) -> None:
    evidence, url = Evidence(opened=1.0, seen={"a": before}), "a"
    for life in lives:
        evidence = evidence.add_counts({}, {url: life})
        again = evidence.add_counts({}, {url: life})
        assert plain(again.canary) == plain(evidence.canary)
    counted, done = evidence.canary.requests, sum(life.requests for life in lives)
    assert 0 <= counted <= done
    if all(life.requests < former.requests for former, life in zip([before, *lives], lives, strict=False)):
        assert counted == done


def test_any_count_that_falls_is_a_restart() -> None:
    before = Cohort(100, {"bad_request": 5}, incomplete=3)
    assert count_increase(before, Cohort(120, {"bad_request": 6}, incomplete=3)) == Cohort(20, {"bad_request": 1})
    assert count_increase(before, Cohort(100, {"bad_request": 4}, incomplete=3)).requests == 100
    assert count_increase(before, Cohort(150, {}, incomplete=3)).requests == 150
    assert count_increase(before, Cohort(150, {"bad_request": 5}, incomplete=0)).requests == 150
    assert count_increase(before, before) == Cohort(0, {"bad_request": 0})


@given(
    starts=some.fixed_dictionaries({name: cohorts() for name in NAMES.elements}),
    reads=some.lists(some.tuples(NAMES, cohorts()), max_size=12),
    warm=some.integers(0, 300),
)
def test_durations_of_the_first_requests_of_each_server_are_not_counted_and_all_else_is(
    starts: dict[str, Cohort], reads: list[tuple[str, Cohort]], warm: int
) -> None:
    evidence, plainly = (Evidence().open_window(1.0, starts, first) for first in (warm, 0))
    now, served, counted = dict(starts), dict.fromkeys(starts, 0), 0
    for name, more in reads:
        now[name] = sum_cohorts([now[name], more])
        counted += more.requests if served[name] >= warm else 0
        served[name] += more.requests
        evidence = Evidence.from_text(evidence.add_counts({}, {name: now[name]}, warm).to_text())
        plainly = plainly.add_counts({}, {name: now[name]})
    assert (evidence.canary.latency.total if evidence.canary.latency else 0) == counted
    assert plain(replace(evidence.canary, latency=None)) == plain(replace(plainly.canary, latency=None))


def test_a_restarted_server_is_cold_again() -> None:
    def server(requests: int) -> Cohort:
        return Cohort(requests, latency=Histogram(BOUNDS, (requests, 0, 0, 0)))

    def total(seen: Evidence) -> tuple[int, int]:
        return seen.canary.requests, seen.canary.latency.total if seen.canary.latency else 0

    evidence = Evidence().open_window(1.0, {"a": server(1000)}, 50)
    evidence = evidence.add_counts({}, {"a": server(1060)}, 50)
    assert total(evidence) == (60, 0)
    evidence = evidence.add_counts({}, {"a": server(1100)}, 50)
    assert total(evidence) == (100, 40)
    evidence = evidence.add_counts({}, {"a": server(20)}, 50).add_counts({}, {"a": server(55)}, 50)
    assert total(evidence) == (155, 40)
    assert total(evidence.add_counts({}, {"a": server(60)}, 50)) == (160, 45)
    assert total(evidence.add_counts({}, {"new": server(500)}, 50).add_counts({}, {"new": server(530)}, 50)) == (
        185,
        40,
    )


def test_evidence_that_was_saved_before_servers_warmed_up_is_read() -> None:
    saved = json.loads(zlib.decompress(base64.b64decode(Evidence(opened=1.0).to_text())))
    del saved["warming"]
    text = base64.b64encode(zlib.compress(json.dumps(saved).encode())).decode()
    assert Evidence.from_text(text).opened == 1.0


def test_a_new_server_begins_at_what_it_says_and_a_silent_one_keeps_its_place() -> None:
    evidence = Evidence(opened=1.0, seen={"old": Cohort(10)})
    evidence = evidence.add_counts({"old": Cohort(15), "new": Cohort(1000)}, {})
    assert evidence.stable.requests == 5
    evidence = evidence.add_counts({"new": Cohort(1003)}, {})
    assert evidence.stable.requests == 8
    evidence = evidence.add_counts({"old": Cohort(21), "new": Cohort(1003)}, {})
    assert evidence.stable.requests == 14
    assert evidence.canary.requests == 0


def test_latencies_in_other_buckets_are_summed_in_those_that_both_have() -> None:
    fine = Cohort(10, latency=Histogram((0.001, 0.005, 0.01, 0.1), (1, 2, 3, 4, 0)))
    coarse = Cohort(20, latency=Histogram((0.001, 0.01, 0.1, 1.0), (5, 5, 5, 4, 1)))
    summed = sum_cohorts([fine, coarse])
    assert summed.requests == 30
    assert summed.latency == Histogram((0.001, 0.01, 0.1), (6, 10, 9, 5))
    assert sum_cohorts([coarse, fine]) == summed
    assert sum_cohorts([fine, replace(coarse, latency=Histogram((2.0, 3.0), (5, 5, 10)))]).latency is None


def test_a_server_that_comes_back_with_other_buckets_is_a_new_one() -> None:
    before = Cohort(10, latency=Histogram(BOUNDS, (10, 0, 0, 0)))
    now = Cohort(12, latency=Histogram((0.001, 0.1), (12, 0, 0)))
    evidence = Evidence(opened=1.0, seen={"a": before}, stable=before).add_counts({"a": now}, {})
    assert evidence.stable == Cohort(22, latency=Histogram((0.001, 0.1), (22, 0, 0)))


@given(
    opened=some.none() | some.floats(0, 2e9),
    stable=cohorts(),
    canary=cohorts(),
    rows=some.integers(0, 6),
    width=some.sampled_from([1, 3]),
    matches=some.none() | some.integers(0, 5),
    seed=some.integers(0, 99),
)
def test_evidence_is_what_it_was_once_it_was_written_down(
    opened: float | None, stable: Cohort, canary: Cohort, rows: int, width: int, matches: int | None, seed: int
) -> None:
    random = np.random.default_rng(seed)
    sides = [np.where(random.random((rows, width)) < 0.2, np.nan, random.random((rows, width))) for _ in range(2)]
    history = None if matches is None else random.normal(size=matches)
    before = Evidence(opened, {"a": stable, "b": canary}, stable, canary, Pairs(sides[0], sides[1]), history)
    after = Evidence.from_text(before.to_text())
    assert after.opened == before.opened
    assert {name: plain(cohort) for name, cohort in after.seen.items()} == {"a": plain(stable), "b": plain(canary)}
    assert (plain(after.stable), plain(after.canary)) == (plain(stable), plain(canary))
    assert after.pairs is not None
    for one, other in ((after.pairs.stable, sides[0]), (after.pairs.canary, sides[1])):
        assert one.shape == (rows, width)
        np.testing.assert_allclose(one, other, atol=1e-6)
    if history is None:
        assert after.history is None
    else:
        np.testing.assert_allclose(after.history, history, atol=1e-6)
    assert after.to_text() == Evidence.from_text(after.to_text()).to_text()


def test_no_evidence_is_no_text() -> None:
    assert Evidence().to_text() == ""
    assert Evidence.from_text("") == Evidence()


def test_evidence_of_a_whole_sample_fits_a_status() -> None:
    random = np.random.default_rng(7)
    sides = [random.dirichlet([4, 3, 3], 1000) for _ in range(2)]
    seen = {f"http://10.0.{place}.1:8080": Cohort(10**6, {}, Histogram(BOUNDS, (1, 2, 3, 4))) for place in range(50)}
    packed = Evidence(1.0, seen, pairs=Pairs(*sides), history=random.normal(size=400)).to_text()
    assert len(packed) < 100_000


def test_the_judge_sees_the_totals() -> None:
    skill = np.array([0.1, -0.1])
    observed = Evidence(1.0, stable=Cohort(5), canary=Cohort(3), skill=skill).observation()
    assert (observed.stable.requests, observed.canary.requests) == (5, 3)
    assert observed.skill is skill
    assert observed.pairs is None
    with pytest.raises(ValueError):
        Histogram((0.1, 0.2), (1, 2))


def test_everything_that_a_window_keeps_survives_being_written_down() -> None:
    evidence = Evidence().open_window(5.0, {"a": nothing(), "b": nothing(), "c": nothing()}, warm=0)
    evidence = evidence.add_restarts({"pod": 1}).add_restarts({"pod": 2}).add_failures(3, 4).add_failures(3, 9)
    for look in range(1, 6):
        stable, canary = Cohort(200 * look, {"other": look}, Histogram(BOUNDS, (200 * look, 0, 0, 0))), nothing()
        canary = Cohort(60 * look, {"other": 2 * look}, Histogram(BOUNDS, (0, 60 * look, 0, 0)))
        evidence = evidence.add_counts({"a": stable}, {"b": canary, "c": canary}, limit=0.005)
    rows = np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    about = Entities.of_rows([["ARS", "LIV"], ["LIV"]])
    evidence = replace(evidence, pairs=Pairs(rows, rows, about))
    again = Evidence.from_text(evidence.to_text())
    assert (again.restarts, again.gateway) == (evidence.restarts, evidence.gateway)
    assert again.gateway is not None and (again.gateway.stable, again.gateway.canary) == (0, 5)
    np.testing.assert_allclose(again.blocks, evidence.blocks)
    assert float(again.blocks.blocks) == 5
    np.testing.assert_allclose(again.recent[:4], evidence.recent[:4])
    np.testing.assert_allclose(again.recent.logs, evidence.recent.logs)
    assert (again.stable_servers, again.canary_servers) == (evidence.stable_servers, evidence.canary_servers)
    assert set(again.canary_servers) == {"b", "c"}
    assert again.pairs is not None
    assert again.pairs.entities.names == ("ARS", "LIV")
    assert again.pairs.entities.codes.tolist() == about.codes.tolist() == [[0, 1], [1, -1]]


def test_latencies_of_many_servers_are_kept_apart_up_to_a_number_of_them() -> None:
    names = [f"pod-{number}" for number in range(MOST_SERVERS + 4)]
    evidence = Evidence().open_window(5.0, {name: nothing() for name in names})
    read = {name: Cohort(10, {}, Histogram(BOUNDS, (10, 0, 0, 0))) for name in names}
    evidence = evidence.add_counts({}, read)
    assert len(evidence.canary_servers) == MOST_SERVERS + 1
    assert evidence.canary_servers["others"].total == 40
    assert sum(server.total for server in evidence.canary_servers.values()) == evidence.canary.requests
