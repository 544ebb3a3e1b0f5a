"""What is written of a rollout, and when: little, seldom while it waits, and never evidence of another moment."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.elapsed import MOST_ROUND_SECONDS
from rollout.evidence import Evidence
from rollout.kubernetes.api import Api
from rollout.kubernetes.evidence_store import GONE, evidence_key
from rollout.kubernetes.model_rollout import status_of
from rollout.kubernetes.repository import ClusterRepository
from rollout.kubernetes.store import SAVE_SECONDS, ClusterStore
from rollout.spec import Spec
from rollout.state import HistoryEntry, Phase, State
from tests.rollout.fakes import ProcessKilled, cohort, pairs
from tests.rollout.kubernetes.cluster import NAMESPACE, SERVICE, Cluster
from tests.rollout.kubernetes.simulation import ROUND_SECONDS, Simulation, both_modes, simulate

MOST_IN_A_LINE = 1000
EVIDENCE_MAP = f"{SERVICE}-rollout-evidence"


def described(value: Any, indent: int = 0) -> list[str]:
    """Lines of `kubectl describe`: each text of an object is one, behind its key and its depth."""
    if isinstance(value, dict):
        return [line for name, each in value.items() for line in _item(name, each, indent)]
    if isinstance(value, list):
        return [line for each in value for line in described(each, indent + 2)]
    return [f"{'':{indent}}{value}"]


def _item(name: str, value: Any, indent: int) -> list[str]:
    if isinstance(value, dict | list):
        return [f"{'':{indent}}{name}:", *described(value, indent + 2)]
    return [f"{'':{indent}}{name}:  {value}"]


def evidence_of(count: int) -> str:
    return Evidence(opened=float(count), stable=cohort(count), canary=cohort(count)).to_text()


def new_store(cluster: Cluster) -> ClusterStore:
    return ClusterStore(Api(NAMESPACE, cluster), "try")


def created() -> Cluster:
    cluster = Cluster()
    ClusterRepository(NAMESPACE, Api(NAMESPACE, cluster)).create("try", Spec.parse({"inferenceService": SERVICE}))
    return cluster


@both_modes
def test_no_line_of_a_described_rollout_is_long_in_any_round(mode: str) -> None:
    sim = simulate(mode)
    sim.create()
    longest = 0
    for _ in range(60):
        sim.step()
        thing = sim.cluster.get("modelrollouts", "try")
        longest = max(longest, *map(len, described(thing)))
        assert "evidence" not in thing["status"]
    assert sim.state().phase is Phase.PROMOTED
    assert longest <= MOST_IN_A_LINE


def test_long_texts_are_cut_off_wherever_they_are() -> None:
    text = "word " * 2000
    finding = {"check": "errors", "reason": text}
    entry = HistoryEntry(time=1.0, phase=Phase.SHADOW, reason=text, findings=(finding,))
    state = State(phase=Phase.PROGRESSING, reason=text, problem=text, needs=text, findings=(finding,), history=(entry,))
    thing = {"metadata": {}, "spec": {"inferenceService": "x", **{f"key{count}": 1 for count in range(900)}}}
    lines = described({"Status": status_of(state, thing)})
    assert max(map(len, lines)) <= MOST_IN_A_LINE
    assert any(line.endswith("…") for line in lines)


def writes_by_kind(sim: Simulation, rounds: int) -> dict[str, int]:
    """Writes of the operator in so many rounds that wait."""
    counts: dict[str, int] = {}
    ask = sim.cluster.ask

    def count(method: str, path: str, *given: Any) -> Any:
        if method != "GET":
            kind = path.split("/")[-3 if path.endswith("/status") else -2]
            counts[kind] = counts.get(kind, 0) + 1
        return ask(method, path, *given)

    sim.cluster.ask = count  # type: ignore[method-assign]
    for _ in range(rounds):
        sim.step()
    sim.cluster.ask = ask  # type: ignore[method-assign]
    return counts


@both_modes
@pytest.mark.parametrize("paused", [False, True])
def test_a_gate_that_waits_is_saved_seldom_though_requests_are_counted(mode: str, paused: bool) -> None:
    sim = simulate(mode)
    sim.create(promotion="Manual")
    sim.until_gate()
    if paused:
        sim.annotate("paused", "true")
        sim.step()
    rounds = 60
    most = rounds * ROUND_SECONDS / SAVE_SECONDS + 1
    counts = writes_by_kind(sim, rounds)
    assert counts.keys() <= {"modelrollouts", "configmaps"}
    assert counts["modelrollouts"] <= most
    assert counts["configmaps"] <= most
    assert sim.state().gate and sim.state().paused == paused
    sim.annotate("paused", "false")
    sim.annotate("approved", sim.state().gate)
    sim.until("Promoted")


def test_a_rollout_that_has_ended_writes_nothing_more() -> None:
    sim = simulate("Standard")
    sim.create()
    sim.until("Promoted")
    sim.step()
    assert writes_by_kind(sim, 100) == {}


def test_an_edit_of_an_ended_rollout_is_observed() -> None:
    sim = simulate("Standard")
    sim.create()
    sim.until("Promoted")
    thing = sim.cluster.get("modelrollouts", "try")
    thing["metadata"]["generation"] += 1
    sim.step()
    assert sim.cluster.get("modelrollouts", "try")["status"]["observedGeneration"] == thing["metadata"]["generation"]


def test_a_save_is_never_older_than_the_time_that_one_round_may_count() -> None:
    assert SAVE_SECONDS + 2 * ROUND_SECONDS < MOST_ROUND_SECONDS


@both_modes
def test_requests_between_two_saves_are_counted_once(mode: str) -> None:
    """At a gate that waits, the requests counted are those served since the window opened, give or take a save."""
    sim = simulate(mode)
    sim.create(promotion="Manual")
    sim.until_gate()
    for _ in range(40):
        sim.step(requests=1000)
    sim.rounds = sim.operator()
    sim.step(requests=0)
    state = ClusterStore(Api(NAMESPACE, sim.cluster), "try").load()
    canary = Evidence.from_text(state.evidence).canary.requests
    expected = 40 * 1000 * state.weight // 100
    first = sim.world.served["2"] - expected
    assert canary <= sim.world.served["2"]
    assert canary >= sim.world.served["2"] - first - 1000 * (SAVE_SECONDS / ROUND_SECONDS + 1)


@settings(max_examples=50, deadline=None)
@given(kills=st.lists(st.integers(1, 5), min_size=1, max_size=8))
def test_a_status_finds_the_evidence_that_it_was_decided_with_whenever_a_process_is_killed(kills: list[int]) -> None:
    cluster, count = created(), 0
    for at in kills:
        cluster.kill_at = cluster.writes + at
        store = new_store(cluster)
        try:
            while True:
                state = store.load()
                assert state.evidence == (evidence_of(int(state.reason)) if state.reason else "")
                count += 1
                store.save(state.model_copy(update={"reason": str(count), "evidence": evidence_of(count)}))
        except ProcessKilled:
            continue
    state = new_store(cluster).load()
    assert state.evidence == (evidence_of(int(state.reason)) if state.reason else "")
    held = cluster.objects.get(("configmaps", EVIDENCE_MAP), {}).get("binaryData", {})
    assert len(held) <= 2


def test_evidence_that_somebody_deletes_begins_the_window_anew() -> None:
    sim = simulate("Standard")
    sim.create(promotion="Manual")
    sim.until_gate()
    del sim.cluster.objects["configmaps", EVIDENCE_MAP]
    assert new_store(sim.cluster).load().evidence == GONE
    sim.step()
    assert "the window begins anew" in sim.state().problem
    assert sim.cluster.shares()["2"]
    sim.until_gate()
    sim.annotate("approved", sim.state().gate)
    sim.until("Promoted")


def test_evidence_goes_with_its_rollout() -> None:
    sim = simulate("Standard")
    sim.create(promotion="Manual")
    sim.until_gate()
    kept = sim.cluster.get("configmaps", EVIDENCE_MAP)
    [owner] = kept["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("ModelRollout", "try", "u")
    assert sim.cluster.get("modelrollouts", "try")["status"]["evidenceKey"] in kept["binaryData"]
    assert len(json.dumps(kept)) < 100_000


def test_keys_differ_with_the_evidence_and_nothing_is_written_for_none() -> None:
    texts = ["", evidence_of(1), evidence_of(2), Evidence(opened=1.0, pairs=pairs(40)).to_text()]
    keys = [evidence_key(text) for text in texts]
    assert len(set(keys)) == len(texts) and keys[0] == ""
    cluster = created()
    store = new_store(cluster)
    store.save(store.load().transition(5.0, Phase.SHADOW, "ready"))
    assert ("configmaps", EVIDENCE_MAP) not in cluster.objects


EARLIER_FIELDS = {"opened", "retried", "stalled", "progress", "evidenceKey"}
"""Fields of the status that the definition of the release before does not have."""


@both_modes
@pytest.mark.parametrize("bad", [False, True])
def test_with_the_definition_of_an_earlier_release_a_rollout_goes_as_it_did(mode: str, bad: bool) -> None:
    """The API drops from a status what its definition does not know, and says nothing."""
    sim = simulate(mode)
    write = sim.cluster.write

    def prune(plural: str, name: str, before: Any, after: Any) -> Any:
        if plural == "modelrollouts":
            kept = {key: value for key, value in after.get("status", {}).items() if key not in EARLIER_FIELDS}
            after = {**after, "status": kept}
        return write(plural, name, before, after)

    sim.cluster.write = prune  # type: ignore[method-assign]
    sim.create(promotion="Manual")
    sim.until_gate()
    assert Evidence.from_text(sim.state().evidence).canary.requests
    if bad:
        sim.world.errors["2"] = 0.5
        sim.until("RolledBack")
    else:
        sim.annotate("approved", sim.state().gate)
        sim.until("Promoted")
