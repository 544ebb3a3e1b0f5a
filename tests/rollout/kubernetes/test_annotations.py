"""Commands as annotations: one key at a time, none lost, and those that are not understood are answered."""

from typing import Any

import pytest

from rollout.kubernetes.annotations import commands_of, find_misunderstood
from rollout.kubernetes.api import Api
from rollout.kubernetes.client import ApiResponse
from rollout.kubernetes.repository import MOST_TRIES, ClusterRepository
from rollout.repository import ChooseCommand
from rollout.spec import Spec
from rollout.state import Commands, Phase, State
from rollout.store import Conflict
from tests.rollout.kubernetes.cluster import NAMESPACE, Cluster
from tests.rollout.kubernetes.simulation import Simulation, simulate

PREFIX = "rollout.matchday.io/"
CHANGES: dict[str, dict[str, Any]] = {
    "pause": {"paused": True},
    "abort": {"aborted": True},
    "approve": {"approved": "1/20"},
    "undo": {"undo": 1},
    "retry": {"retry": 2, "aborted": False, "paused": False},
}


class Colleague:
    """Commands something else between the read and the write of a command, so many times."""

    def __init__(self, cluster: Cluster, change: dict[str, Any], times: int = 1) -> None:
        self.cluster, self.change, self.left = cluster, change, times

    def ask(self, method: str, path: str, *given: Any) -> ApiResponse:
        answer = self.cluster.ask(method, path, *given)
        if method == "GET" and path.endswith("/try") and self.left:
            self.left -= 1
            rollouts(self.cluster).command("try", always({**self.change, "approved": f"1/{self.left + 1}"}))
        return answer


def rollouts(transport: Any) -> ClusterRepository:
    return ClusterRepository(NAMESPACE, Api(NAMESPACE, transport))


def always(change: dict[str, Any]) -> ChooseCommand:
    return lambda state: change


@pytest.fixture
def cluster() -> Cluster:
    """With one rollout."""
    found = Cluster()
    rollouts(found).create("try", Spec.parse({"inferenceService": "match-outcome"}))
    return found


@pytest.mark.parametrize("name", CHANGES)
def test_a_command_changes_its_own_keys_alone(cluster: Cluster, name: str) -> None:
    here = rollouts(cluster)
    for other, change in CHANGES.items():
        if other != "retry":
            here.command("try", always(change))
    before = here.commands("try")
    assert here.command("try", always(CHANGES[name])) == here.commands("try")
    assert here.commands("try") == before.model_copy(update=CHANGES[name])


@pytest.mark.parametrize("mine", ["pause", "undo"])
@pytest.mark.parametrize("other", ["pause", "abort"])
def test_a_command_at_the_same_time_is_lost_by_neither(cluster: Cluster, mine: str, other: str) -> None:
    rollouts(Colleague(cluster, CHANGES[other], times=3)).command("try", always(CHANGES[mine]))
    expected = Commands(approved="1/1").model_copy(update={**CHANGES[other], **CHANGES[mine]})
    assert rollouts(cluster).commands("try") == expected


def test_what_makes_sense_is_asked_of_the_state_that_is_written_over(cluster: Cluster) -> None:
    """The rollout ends between the read and the write of an abort: the abort is refused then."""

    class Ends(Colleague):
        def ask(self, method: str, path: str, *given: Any) -> ApiResponse:
            answer = self.cluster.ask(method, path, *given)
            if method == "GET" and self.left:
                self.left -= 1
                thing = self.cluster.get("modelrollouts", "try")
                self.cluster.write("modelrollouts", "try", thing, {**thing, "status": {"phase": "Promoted"}})
            return answer

    def choose(state: State) -> dict[str, Any]:
        if state.ended:
            raise ValueError("it has ended")
        return {"aborted": True}

    with pytest.raises(ValueError, match="it has ended"):
        rollouts(Ends(cluster, {})).command("try", choose)
    assert not rollouts(cluster).commands("try").aborted


def test_one_that_meets_other_writes_all_the_time_says_so(cluster: Cluster) -> None:
    with pytest.raises(Conflict, match="has been modified"):
        rollouts(Colleague(cluster, {"paused": True}, times=MOST_TRIES)).command("try", always({"aborted": True}))


@pytest.mark.parametrize(
    ("notes", "state", "said"),
    [
        ({"paused": "yes"}, {}, 'paused: "yes" is neither "true" nor "false": write "true"'),
        ({"paused": "True"}, {}, 'paused: "True" is neither'),
        ({"aborted": "now"}, {}, 'aborted: "now" is neither'),
        ({"approved": "promotion"}, {"gate": "2/promotion"}, "names no gate: write ATTEMPT/GATE, such as 2/promotion"),
        ({"approved": "yes"}, {"attempt": 3}, "such as 3/promotion"),
        ({"approved": "1/200"}, {}, "names no gate"),
        ({"retry": "again"}, {"attempt": 2}, 'retry: "again" is no attempt: write "3"'),
        ({"retry": "2"}, {"attempt": 3, "phase": Phase.PROMOTED}, 'as attempt 3 has ended: write "4" to try again'),
        ({"undo": "true"}, {"attempt": 2}, 'undo: "true" is no attempt that was made: write "2"'),
        ({"undo": "3"}, {"attempt": 2}, 'undo: "3" is no attempt that was made: write "2"'),
        ({"abort": "true"}, {}, "rollout.matchday.io/abort is not known: there are rollout.matchday.io/paused, "),
    ],
)
def test_what_is_not_understood_is_answered_with_what_to_write(
    notes: dict[str, str], state: dict[str, Any], said: str
) -> None:
    thing = {"metadata": {"annotations": {f"{PREFIX}{name}": text for name, text in notes.items()}}}
    asked = commands_of(thing)
    assert not asked.paused and not asked.aborted and asked.undo in (0, 3)
    [wrong] = find_misunderstood(thing, State(**state))
    assert said in wrong


@pytest.mark.parametrize(
    ("notes", "state"),
    [
        ({"paused": "true", "aborted": "false"}, {}),
        ({"approved": "1/20"}, {"gate": "1/promotion"}),
        ({"approved": "1/shadow"}, {"attempt": 2}),
        ({"retry": "2"}, {"attempt": 1}),
        ({"retry": "2"}, {"attempt": 2, "retried": 2, "phase": Phase.PROMOTED}),
        ({"retry": "2"}, {"attempt": 3, "retried": 2, "phase": Phase.PROMOTED}),
        ({"undo": "1"}, {}),
        ({"paused": "", "retry": "", "approved": "", "undo": ""}, {}),
    ],
)
def test_what_is_understood_or_done_with_is_no_complaint(notes: dict[str, str], state: dict[str, Any]) -> None:
    thing = {"metadata": {"annotations": {f"{PREFIX}{name}": text for name, text in notes.items()} | {"other/x": "?"}}}
    assert find_misunderstood(thing, State(**state)) == []


def understood(sim: Simulation) -> tuple[str, str]:
    conditions = {each["type"]: each for each in sim.cluster.get("modelrollouts", "try")["status"]["conditions"]}
    return conditions["CommandsUnderstood"]["status"], conditions["CommandsUnderstood"]["message"]


def test_a_wrong_annotation_becomes_a_condition_and_one_event() -> None:
    sim = simulate("Standard")
    sim.create(promotion="Manual")
    sim.until_gate()
    assert understood(sim) == ("True", "")
    sim.annotate("approved", "promotion")
    for _ in range(4):
        sim.step()
    assert understood(sim)[0] == "False" and "such as 1/promotion" in understood(sim)[1]
    assert sim.events().count("Warning CommandNotUnderstood") == 1
    sim.annotate("approved", "1/promotion")
    sim.until("Promoted")
    assert understood(sim) == ("True", "")


def test_a_stale_retry_of_a_rollout_that_has_ended_is_answered() -> None:
    sim = simulate("Standard")
    sim.create()
    sim.until("Promoted")
    sim.annotate("retry", "1")
    sim.step()
    assert understood(sim) == ("True", "")
    thing = sim.cluster.get("modelrollouts", "try")
    thing["status"]["attempt"] = 3
    sim.annotate("retry", "2")
    sim.step()
    assert "as attempt 3 has ended" in understood(sim)[1]
    assert sim.events().count("Warning CommandNotUnderstood") == 1
