"""Evidence of PromQL gates: what is counted between two reads, and how long a number is too high."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.evidence import Evidence
from rollout.judge import QueriedCounts, QueriedNumber
from rollout.query_evidence import LONGEST_GAP, QueryEvidence, queried_checks
from rollout.query_gate import QueryGate
from rollout.query_reader import QueryReader
from rollout.sources import SourceError
from rollout.spec import Spec
from rollout.splitter import Endpoints
from rollout.state import Phase, State
from tests.rollout.fakes import MemoryStore, RolloutWorld
from tests.rollout.runs import reconciler
from tests.rollout.scenarios import GIVEN

RATE = QueryGate(name="late", query='late{v="{{version}}"}', total='all{v="{{version}}"}', limit=0.01)
NUMBER = QueryGate(name="queue", query='queue{v="{{candidate}}"}', limit=5.0, for_seconds=60.0)
STATE = State(phase=Phase.PROGRESSING, stable_version="1", candidate_version="2")
Counted = tuple[tuple[int, int], tuple[int, int]]


def counts(evidence: QueryEvidence) -> Counted:
    """Events and total of stable and of the candidate."""
    [check] = queried_checks([RATE], {"late": evidence})
    assert isinstance(check.result, QueriedCounts)
    stable, canary = ((int(each.hits), int(each.n)) for each in check.result[:2])
    return stable, canary


def test_only_what_a_window_adds_is_counted() -> None:
    seen = QueryEvidence.of(RATE, {}).add_counts(({"a": 5}, {"a": 1000}), ({"b": 1}, {"b": 10}))
    assert counts(seen) == ((0, 0), (0, 0))
    seen = seen.add_counts(({"a": 6}, {"a": 1100}), ({"b": 3}, {"b": 60}))
    assert counts(seen) == ((1, 100), (2, 50))


def test_the_first_event_of_a_kind_and_a_new_server_count_from_zero() -> None:
    seen = QueryEvidence.of(RATE, {}).add_counts(({"a": 0}, {"a": 10}), ({"b": 0}, {"b": 10}))
    seen = seen.add_counts(({"a": 0}, {"a": 10}), ({"b": 0, "b 500": 4}, {"b": 30, "c": 20}))
    assert counts(seen)[1] == (4, 40)


def test_a_server_that_is_gone_keeps_what_it_counted() -> None:
    seen = QueryEvidence.of(RATE, {}).add_counts(({"a": 0}, {"a": 0, "b": 0}), ({"c": 0}, {"c": 0}))
    seen = seen.add_counts(({"a": 0}, {"a": 10, "b": 10}), ({"c": 0}, {"c": 10}))
    assert counts(seen.add_counts(({"a": 0}, {"a": 15}), ({"c": 0}, {"c": 10})))[0] == (0, 25)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50)), max_size=30))
def test_no_event_counts_twice_however_a_sum_falls_and_jumps(reads: list[tuple[bool, int]]) -> None:
    """A sum over two servers, one of which is not scraped at times: what is counted was there once."""
    seen, always, at_times = QueryEvidence.of(RATE, {}), 1000, 5000
    for is_scraped, more in reads:
        always, at_times = always + more, at_times + more
        total = always + (at_times if is_scraped else 0)
        seen = seen.add_counts(({"": 0}, {"": total}), ({"": 0}, {"": 1}))
    assert 0 <= counts(seen)[0][1] <= max(always + at_times - 1000, 0)


def test_counters_that_fall_begin_anew_for_both_versions() -> None:
    seen = QueryEvidence.of(RATE, {}).add_counts(({"a": 0}, {"a": 0}), ({"b": 0}, {"b": 0}))
    seen = seen.add_counts(({"a": 9}, {"a": 900}), ({"b": 9}, {"b": 90}))
    seen = seen.add_counts(({"a": 9}, {"a": 901}), ({"b": 0}, {"b": 3}))
    assert counts(seen) == ((0, 0), (0, 0))
    assert counts(seen.add_counts(({"a": 9}, {"a": 911}), ({"b": 1}, {"b": 8}))) == ((0, 10), (1, 5))


def beyond(*reads: tuple[float, float | None]) -> float:
    """Seconds above the limit after these reads: when, and the number."""
    seen = QueryEvidence.of(NUMBER, {})
    for when, value in reads:
        seen = seen.add_number(value, NUMBER.limit, when)
    result = seen.check(NUMBER).result
    assert isinstance(result, QueriedNumber)
    return result.beyond


def test_a_number_counts_as_above_from_its_second_read_on_and_anew_once_it_was_not() -> None:
    assert beyond((0, 6)) == 0
    assert beyond((0, 6), (5, 6), (10, 7)) == 10
    assert beyond((0, 6), (5, 6), (10, 5), (15, 6)) == 0
    assert beyond((0, 6), (5, None), (10, 6)) == 0


def test_time_without_reads_and_a_clock_that_jumps_are_not_time_above() -> None:
    assert beyond((0, 6), (LONGEST_GAP + 1, 6), (LONGEST_GAP + 6, 6)) == 5
    assert beyond((1000, 6), (0, 6), (5, 6)) == 5


def test_it_is_saved_with_the_window() -> None:
    seen = QueryEvidence.of(RATE, {}).add_counts(({"a": 0}, {"a": 0}), ({"b": 0}, {"b": 0}))
    seen = seen.add_counts(({"a": 1}, {"a": 100}), ({"b": 2}, {"b": 50}))
    high = QueryEvidence.of(NUMBER, {}).add_number(6.0, 5.0, 10.0).add_number(6.0, 5.0, 15.0)
    kept = Evidence(opened=1.0).add_queried("late", seen).add_queried("queue", high)
    back = Evidence.from_text(kept.to_text()).queried
    assert queried_checks([RATE, NUMBER], back) == queried_checks([RATE, NUMBER], kept.queried)
    assert counts(back["late"]) == ((1, 100), (2, 50))


def test_another_query_under_the_same_name_begins_anew() -> None:
    seen = QueryEvidence.of(RATE, {}).add_counts(({"a": 0}, {"a": 0}), ({"b": 0}, {"b": 0}))
    changed = RATE.model_copy(update={"query": 'slow{v="{{version}}"}'})
    assert QueryEvidence.of(RATE, {"late": seen}) == seen
    assert QueryEvidence.of(changed, {"late": seen}).stable is None


class FakePrometheus:
    """Answers by the query; one without an answer is refused."""

    def __init__(self, answers: Mapping[str, Mapping[str, float]]) -> None:
        self.answers = dict(answers)

    def ask(self, query: str) -> Mapping[str, float]:
        if query not in self.answers:
            raise SourceError(f"no answer to {query}")
        return self.answers[query]


GOOD = {
    'late{v="1"}': {"a": 0.0},
    'all{v="1"}': {"a": 10.0},
    'late{v="2"}': {"b": 0.0},
    'all{v="2"}': {"b": 10.0},
}


def read(gate: QueryGate, answers: Mapping[str, Mapping[str, float]]) -> QueryEvidence:
    endpoints = Endpoints(("http://10.0.0.1:8080",), ("http://10.0.0.2:8080/",))
    reader = QueryReader([gate], FakePrometheus(answers), lambda: endpoints, lambda: 7.0)
    [(step, names)] = reader.steps()
    assert names == (gate.name,)
    return step(STATE, Evidence(opened=1.0)).queried[gate.name]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({'late{v="2"}': {}}, "late: no series for late{v=\"2\"}; what may be absent needs 'or' and a zero"),
        ({'all{v="1"}': {}}, "no series for all"),
        ({'late{v="2"}': {"b": 11.0}}, r"query gives more \(11\) than total does"),
        ({'late{v="2"}': {"b": -1.0}}, "which is no count"),
        ({'all{v="2"}': {"b": float("nan")}}, "which is no count"),
        ({'all{v="2"}': {str(i): 1.0 for i in range(201)}}, "gives 201 series"),
    ],
)
def test_counts_that_cannot_be_read_are_told(changed: Mapping[str, Mapping[str, float]], reason: str) -> None:
    assert read(RATE, GOOD).stable is not None
    with pytest.raises(Exception, match=reason):
        read(RATE, {**GOOD, **changed})


def test_a_number_is_one_series_and_finite() -> None:
    query = 'queue{v="2"}'
    assert read(NUMBER, {query: {"": 3.0}}).number == 3.0
    assert read(NUMBER, {query: {}}).number is None
    assert read(NUMBER, {query: {"": float("nan")}}).number is None
    for found, reason in (({"a": 1.0, "b": 2.0}, "gives 2 series"), ({"": float("inf")}, "gives inf")):
        with pytest.raises(Exception, match=reason):
            read(NUMBER, {query: found})


def test_servers_are_named_as_prometheus_names_them() -> None:
    gate = RATE.model_copy(update={"query": 'late{i=~"{{servers}}"}', "total": 'all{i=~"{{servers}}"}'})
    answers = {f'{name}{{i=~"10[.]0[.]0[.]{last}:8080"}}': {"": 4.0} for name in ("late", "all") for last in (1, 2)}
    assert read(gate, answers).canary is not None


def test_a_rollout_with_checks_needs_a_prometheus_and_is_judged_by_it() -> None:
    checks = [RATE.model_dump(by_alias=True)]
    spec = Spec.parse(GIVEN | {"checks": checks, "shadow": None})
    world = RolloutWorld()
    refused = reconciler(spec, world, MemoryStore(world)).reconcile()
    assert refused.phase is Phase.REFUSED and "there is no Prometheus to ask" in refused.reason
    rollout, prometheus = reconciler(spec, world, store := MemoryStore(world)), FakePrometheus({})
    rollout._sources = replace(rollout._sources, queries=prometheus)
    rollout._observer._queries._queries = prometheus
    for _ in range(4):
        state = rollout.reconcile()
        world.passed()
    assert state.phase is Phase.PROGRESSING and "late: could not be read: no answer to late" in state.reason
    prometheus.answers.update(GOOD)
    while state.phase is Phase.PROGRESSING:
        prometheus.answers['all{v="1"}'] = {"a": prometheus.answers['all{v="1"}']["a"] + 5000}
        for query in ('all{v="2"}', 'late{v="2"}'):
            prometheus.answers[query] = {"b": prometheus.answers[query]["b"] + 500}
        state = rollout.reconcile()
        world.passed()
    assert state.phase is Phase.ROLLING_BACK and state.reason.startswith("late: 100.00% of what the query counts")
    assert store.state.findings[-1]["check"] == "late"
