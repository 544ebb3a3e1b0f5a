"""Rollouts on Kubernetes from beginning to end, in both of KServe's modes, whatever goes wrong on the way."""

from typing import Any

import pytest

from rollout import machine
from rollout.kubernetes.api import Api
from rollout.kubernetes.model_rollout import FINALIZER
from rollout.state import Phase, PromotionStage
from tests.rollout.kubernetes.cluster import NAMESPACE, SERVICE, Cluster
from tests.rollout.kubernetes.play import Play
from tests.rollout.test_kills import counting

MODES = ("Standard", "Knative")
both = pytest.mark.parametrize("mode", MODES)


@pytest.fixture(autouse=True)
def _quick_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge has tests of its own; here one that only counts."""
    monkeypatch.setattr(machine, "judge", counting)


def play(mode: str, **given: Any) -> Play:
    return Play(Cluster(mode=mode, **given))


def is_whole(played: Play, version: str) -> None:
    """All requests go to one version, which every stable pod is pinned to; nothing of the other is left."""
    for _ in range(8):
        played.step()
    assert played.cluster.shares().keys() == {version}
    assert played.cluster.pin == version
    assert not played.cluster.service["spec"].get("canary")
    assert "canaryTrafficPercent" not in played.cluster.predictor
    assert played.world.champion == version


@both
@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_a_good_candidate_is_promoted_through_its_steps(mode: str, replicas: int) -> None:
    played = play(mode, replicas=replicas)
    played.ask()
    state = played.until("Promoted", most=200)
    assert [each for each in played.phases if each[0] == "Progressing"] == [("Progressing", 20), ("Progressing", 50)]
    assert state.stable_version, state.candidate_version == ("1", "2")
    is_whole(played, "2")
    assert played.events()[0] == "Normal Starting"
    assert "Normal Promoted" in played.events()


@both
def test_each_weight_is_what_the_requests_see(mode: str) -> None:
    played = play(mode)
    played.ask(promotion="Manual", shadow=None, steps=[{"weight": 20, "holdSeconds": 30}])
    played.until("Progressing")
    for _ in range(4):
        played.step()
    assert played.cluster.shares() == {"1": 80, "2": 20}


@both
def test_a_candidate_that_errs_is_rolled_back(mode: str) -> None:
    played = play(mode)
    played.world.errors["2"] = 0.5
    played.ask()
    state = played.until("RolledBack")
    assert "fail" in state.reason
    is_whole(played, "1")
    assert "2" in played.world.marked
    assert {"Warning RollingBack", "Warning RolledBack"} <= set(played.events())


@both
@pytest.mark.parametrize(("trouble", "reason"), [("never", "was not ready for 120 s"), ("crash", "it damaged")])
def test_a_candidate_that_never_answers_is_rolled_back_with_what_it_says(mode: str, trouble: str, reason: str) -> None:
    played = play(mode, broken={"2": trouble})
    played.ask()
    state = played.until("RolledBack")
    assert reason in state.reason
    assert (state.history[-1].time - state.history[0].time < 60) == (trouble == "crash")
    is_whole(played, "1")


@both
def test_the_api_may_be_down_for_a_while_in_every_phase(mode: str) -> None:
    played = play(mode)
    played.ask()
    for _ in range(60):
        played.step()
        played.cluster.failing = True
        played.step()
        played.cluster.failing = False
        if played.state().ended:
            break
    assert played.state().phase is Phase.PROMOTED
    is_whole(played, "2")


@both
def test_the_operator_may_be_killed_before_any_write(mode: str) -> None:
    whole = play(mode)
    whole.ask()
    begun = whole.cluster.writes
    whole.until("Promoted")
    for at in range(begun + 1, whole.cluster.writes + 1):
        played = play(mode)
        played.ask()
        played.cluster.kill_at = at
        played.until("Promoted")
        assert played.kills == 1
        is_whole(played, "2")


@both
def test_a_roll_back_may_be_killed_before_any_write(mode: str) -> None:
    whole = play(mode)
    whole.world.errors["2"] = 0.5
    whole.ask()
    whole.until("RolledBack")
    for at in range(1, whole.cluster.writes + 1):
        played = play(mode)
        played.world.errors["2"] = 0.5
        played.ask()
        played.cluster.kill_at = at
        played.until("RolledBack")
        is_whole(played, "1")


@both
def test_who_writes_at_the_same_time_costs_a_round(mode: str) -> None:
    played = play(mode)
    played.ask()
    for count in range(120):
        if count % 2:
            played.rounds._api._transport = _Meddler(played)  # type: ignore[assignment]
        else:
            played.rounds = played.process()
        played.step()
        if played.state().ended:
            break
    assert played.state().phase is Phase.PROMOTED


class _Meddler:
    """Somebody who annotates a rollout between a load and the save after it."""

    def __init__(self, played: Play) -> None:
        self.played = played

    def ask(self, method: str, path: str, *given: Any) -> Any:
        answer = self.played.cluster.ask(method, path, *given)
        if method == "GET" and path.endswith("/modelrollouts/try"):
            thing = self.played.cluster.get("modelrollouts", "try")
            self.played.cluster.count += 1
            thing["metadata"]["resourceVersion"] = str(self.played.cluster.count)
        return answer


@both
def test_a_moved_alias_gets_nothing_in(mode: str) -> None:
    played = play(mode)
    played.step()
    played.world.champion = "3"
    for _ in range(5):
        played.step()
    assert played.cluster.pin == "1"
    assert played.cluster.shares() == {"1": 100}
    assert "serves version 1, which a rollout let in, and the alias champion means 3" in refused(played)


@both
def test_a_failed_promotion_is_put_back_whole(mode: str) -> None:
    played = play(mode)
    played.world.faults.add("crown")
    played.ask(promotionSeconds=60)
    while played.state().stage is not PromotionStage.UNDO:
        played.step()
    played.world.faults.clear()
    played.until("RolledBack")
    is_whole(played, "1")


@both
def test_deleting_a_rollout_rolls_it_back_first(mode: str) -> None:
    played = play(mode)
    played.ask()
    played.until("Progressing")
    assert played.cluster.get("modelrollouts", "try")["metadata"]["finalizers"] == [FINALIZER]
    played.cluster.delete("modelrollouts", "try")
    for _ in range(40):
        if not played.cluster.having("modelrollouts"):
            break
        played.step()
    assert played.cluster.having("modelrollouts") == []
    is_whole(played, "1")


@both
def test_an_ended_rollout_holds_no_finalizer(mode: str) -> None:
    played = play(mode)
    played.ask()
    played.until("Promoted")
    assert not played.cluster.get("modelrollouts", "try")["metadata"].get("finalizers")


@both
def test_people_pause_approve_and_abort_by_annotations(mode: str) -> None:
    played = play(mode)
    played.ask(promotion="Manual")
    played.until("Progressing")
    played.annotate("paused", "true")
    for _ in range(10):
        played.step()
    assert (played.state().weight, played.state().paused) == (20, True)
    played.annotate("paused", "false")
    for _ in range(40):
        played.step()
    assert played.state().gate == "1/promotion"
    assert "Normal AwaitsApproval" in played.events()
    assert "Normal Paused" in played.events()
    played.annotate("approved", "1/promotion")
    played.until("Promoted")
    is_whole(played, "2")


@both
def test_a_second_rollout_of_a_service_waits_for_the_first(mode: str) -> None:
    played = play(mode)
    played.ask()
    played.ask("later", candidate="3")
    played.until("Progressing")
    assert played.state("later").phase is Phase.PENDING
    assert "rollout try" in played.state("later").reason


def refused(played: Play, **changes: Any) -> str:
    played.ask(**changes)
    return played.until("Refused").reason


@both
def test_what_cannot_be_split_is_refused_with_why(mode: str) -> None:
    other = "Knative" if mode == "Standard" else "Standard"
    with_transformer = play(mode)
    with_transformer.cluster.service["spec"]["transformer"] = {"containers": []}
    assert "has a separate transformer" in refused(with_transformer)
    moved = play(mode)
    moved.cluster.service["status"] = {"deploymentMode": other}
    assert f"is annotated as {mode} and runs as {other}" in refused(moved)
    pinned = play(mode)
    pinned.cluster.predictor["model"]["storageUri"] = "mlflow://match-outcome/1"
    assert "a rollout promotes what serves mlflow://match-outcome@champion" in refused(pinned)
    assert "no version 9" in refused(play(mode), candidate="9")
    assert "is the champion already" in refused(play(mode), candidate="1")


def test_a_service_that_is_not_there_is_refused() -> None:
    played = play("Standard")
    del played.cluster.objects["inferenceservices", SERVICE]
    played.ask()
    played.rounds.once()
    assert "no InferenceService match-outcome in football" in played.state().reason


def test_a_service_that_goes_meanwhile_ends_its_rollout() -> None:
    played = play("Standard")
    played.ask(shadow=None, steps=[{"weight": 20, "holdSeconds": 10, "deadlineSeconds": 60}])
    played.until("Progressing")
    for kind in ("inferenceservices", "services", "pods", "httproutes"):
        for thing in played.cluster.having(kind):
            del played.cluster.objects[kind, thing["metadata"]["name"]]
    for _ in range(60):
        played.rounds.once()
        played.cluster.clock += 5
    assert played.state().phase is Phase.ROLLED_BACK


def test_a_canary_of_somebody_else_is_left_alone() -> None:
    played = play("Standard")
    canary = {"trafficPercent": 0, "predictor": {"name": "mine", "minReplicas": 1, "model": {"storageUri": "s3://x/1"}}}
    played.cluster.service["spec"]["canary"] = [canary]
    played.rounds.once()
    assert played.cluster.pin == "1"
    assert "canary" not in played.cluster.applied["inferenceservices", SERVICE]["spec"]
    played.cluster.service["spec"]["canary"] = [canary]
    played.ask()
    played.rounds.once()
    assert "has a canary already that no rollout made" in played.state().reason
    assert played.cluster.service["spec"]["canary"] == [canary]


def test_without_its_route_a_service_is_refused() -> None:
    played = play("Standard")
    del played.cluster.objects["httproutes", f"{SERVICE}-public"]
    played.ask()
    played.rounds.once()
    assert "install the chart with rollouts.enabled" in played.state().reason


def test_two_operators_never_both_act() -> None:
    played = play("Standard")
    played.ask()
    with pytest.MonkeyPatch.context() as patch:
        other = played.process(_never)
        for _ in range(30):
            before = played.cluster.writes
            other.once()
            assert played.cluster.writes == before
            played.step()
        patch.undo()
    assert played.state().phase is not Phase.PENDING


def _never() -> None:
    from rollout.kubernetes.lease import NotHolder

    raise NotHolder("another holds the lease")


def test_an_edited_candidate_is_tried_once_the_attempt_has_ended() -> None:
    played = play("Standard")
    played.ask()
    played.until("Promoted")
    played.cluster.get("modelrollouts", "try")["spec"]["candidate"] = "3"
    state = played.until("Starting")
    assert (state.attempt, state.candidate_version) == (2, "3")


def test_no_request_goes_to_a_candidate_that_lost_its_pods_and_it_is_taken_back() -> None:
    played = play("Standard")
    played.ask(promotion="Manual")
    while not played.state().gate:
        played.step()
    assert played.cluster.shares()["2"]
    played.cluster.broken["2"] = "never"
    for pod in played.cluster.having("pods"):
        if pod["version"] == "2":
            pod["status"]["conditions"] = []
    played.step()
    assert "2" not in played.cluster.shares()
    state = played.until("RolledBack", most=40)
    assert "was not ready for 120 s" in state.reason
    is_whole(played, "1")


def test_a_candidate_whose_pods_come_back_goes_on_in_the_same_window() -> None:
    played = play("Standard")
    played.ask(promotion="Manual")
    while not played.state().gate:
        played.step()
    since = played.state().since
    for pod in played.cluster.having("pods"):
        if pod["version"] == "2":
            pod["status"]["conditions"] = []
    played.step()
    assert "2" not in played.cluster.shares()
    played.step()
    played.step()
    assert played.cluster.shares()["2"] and played.state().since == since
    played.annotate("approved", played.state().gate)
    played.until("Promoted")


def test_a_candidate_that_scaled_to_zero_is_not_silent() -> None:
    played = play("Knative")
    played.ask(promotion="Manual")
    while not played.state().gate:
        played.step()
    for pod in played.cluster.having("pods"):
        if pod["version"] == "2":
            del played.cluster.objects["pods", pod["metadata"]["name"]]
    assert played.splitter(Api(NAMESPACE, played.cluster), SERVICE, SERVICE).readiness().ready


def test_an_aborted_rollout_that_never_began_is_refused_once() -> None:
    played = play("Standard")
    played.ask()
    played.annotate("aborted", "true")
    for _ in range(40):
        played.step()
    assert (played.state().phase, played.state().attempt, len(played.state().history)) == (Phase.REFUSED, 1, 1)
