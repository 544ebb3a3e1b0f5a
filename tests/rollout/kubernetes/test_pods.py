"""Pods of an InferenceService: which are ready, and what is wrong with the others."""

from typing import Any

import pytest

from rollout.kubernetes.api import Api
from rollout.kubernetes.pod_trouble import PodTrouble, find_trouble
from rollout.kubernetes.pods import ServerPod, count_restarts, list_pods, readiness
from tests.rollout.kubernetes.cluster import NAMESPACE, SERVICE, Cluster
from tests.rollout.kubernetes.simulation import both_modes, simulate

UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}
PERSON, NEVER = {"stuck": True}, {"stuck": True, "permanent": True}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
    return {"containerStatuses": [{"name": "c", "image": "x:1", "state": state}]}


def crashed(code: int, message: str, restarts: int, container: str = "kserve-container") -> dict[str, Any]:
    last = {"terminated": {"exitCode": code, "message": message}}
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    return {"name": container, "image": "x:1", "restartCount": restarts, "state": state, "lastState": last}


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        ({}, None),
        ({"containerStatuses": [{"name": "c", "state": {"running": {}}}]}, None),
        (waiting("PodInitializing"), None),
        (waiting("ContainerCreating"), None),
        ({"conditions": [UNSCHEDULABLE]}, PodTrouble("finds no node: 0/1 nodes are available")),
        (waiting("ErrImagePull", "no such image"), PodTrouble("ErrImagePull: no such image")),
        (waiting("ImagePullBackOff", "no such image"), PodTrouble("ImagePullBackOff: no such image", **PERSON)),
        (waiting("CreateContainerError"), PodTrouble("CreateContainerError: x:1", **PERSON)),
        (waiting("InvalidImageName"), PodTrouble("InvalidImageName: x:1", **NEVER)),
        (waiting("ErrImageNeverPull"), PodTrouble("ErrImageNeverPull: x:1", **NEVER)),
        (waiting("CreateContainerConfigError"), PodTrouble("CreateContainerConfigError: x:1", **NEVER)),
        (
            {"containerStatuses": [crashed(1, "noise\nno such file", 2)]},
            PodTrouble("ended with 1 in kserve-container: no such file"),
        ),
        (
            {"containerStatuses": [crashed(1, "", 3)]},
            PodTrouble("ended with 1 in kserve-container: no message", **NEVER),
        ),
        (
            {"initContainerStatuses": [crashed(2, "it is damaged", 0, "storage-initializer")]},
            PodTrouble("ended with 2 in storage-initializer: it is damaged", **NEVER),
        ),
        (
            {"initContainerStatuses": [crashed(1, "MLflow is away", 0, "storage-initializer")]},
            PodTrouble("ended with 1 in storage-initializer: MLflow is away"),
        ),
        (
            {"initContainerStatuses": [{"name": "i", "state": {"running": {}}}], **waiting("InvalidImageName")},
            PodTrouble("InvalidImageName: x:1", **NEVER),
        ),
    ],
)
def test_a_pod_that_is_not_ready_says_why_and_whether_waiting_helps(
    status: dict[str, Any], trouble: PodTrouble | None
) -> None:
    assert find_trouble({"status": status}) == trouble
    cluster = Cluster()
    cluster.put("pods", "sick", {"status": status}, labels={"app": "x"})
    [pod] = list_pods(Api(NAMESPACE, cluster), {"app": "x"})
    assert pod.trouble == trouble
    found = readiness([pod], 1)
    assert found.permanent is bool(trouble and trouble.permanent)
    assert found.reason.endswith(trouble.reason if trouble else "sick is starting")


def test_a_pod_that_is_being_deleted_is_not_listed() -> None:
    cluster = Cluster()
    cluster.put("pods", "old", {"status": {}}, labels={"app": "x"}, deletionTimestamp="now")
    assert list_pods(Api(NAMESPACE, cluster), {"app": "x"}) == []


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_a_pod_that_ended_is_not_listed(phase: str) -> None:
    cluster, labels = Cluster(), {"app": f"isvc.{SERVICE}-predictor"}
    before = list_pods(Api(NAMESPACE, cluster), labels)
    cluster.put("pods", "evicted", {"spec": {}, "status": {"phase": phase, "reason": "Evicted"}}, labels=labels)
    assert list_pods(Api(NAMESPACE, cluster), labels) == before != []


def test_readiness_counts_pods_and_names_the_first_that_is_not_ready() -> None:
    one = ServerPod("one", "http://x", True, "2")
    two = ServerPod("two", "http://y", False, "2")
    assert readiness([one], 1).ready
    assert readiness([one, two], 2).reason == "1 of 2 pods of the candidate are ready: two is starting"
    assert not readiness([], 1).permanent


def restarted(times: int, container: str = "kserve-container") -> dict[str, Any]:
    return {"name": container, "restartCount": times, "state": {"running": {}}}


@pytest.mark.parametrize(
    ("status", "more", "restarts"),
    [
        ({}, {}, 0),
        ({"containerStatuses": None}, {}, 0),
        ({"containerStatuses": [restarted(0)]}, {}, 0),
        ({"containerStatuses": [restarted(23), restarted(5, "queue-proxy")]}, {}, 23),
        ({"initContainerStatuses": [restarted(4, "storage-initializer")], "containerStatuses": []}, {}, 0),
        ({"phase": "Failed", "reason": "Evicted"}, {}, 1),
        ({"phase": "Failed", "reason": "Evicted", "containerStatuses": [restarted(2)]}, {}, 3),
        ({"phase": "Failed", "reason": "Terminated"}, {}, 0),
        ({"containerStatuses": [restarted(2)]}, {"deletionTimestamp": "now"}, 2),
    ],
)
def test_restarts_of_the_server_and_evictions_by_the_node_are_counted(
    status: dict[str, Any], more: dict[str, Any], restarts: int
) -> None:
    cluster = Cluster()
    cluster.put("pods", "one", {"status": status}, labels={"app": "x"}, **more)
    cluster.put("pods", "other", {"status": {"containerStatuses": [restarted(9)]}}, labels={"app": "y"})
    assert count_restarts(Api(NAMESPACE, cluster), {"app": "x"}) == {"one": restarts}


@both_modes
def test_a_candidate_that_is_ready_at_each_look_shows_its_restarts(mode: str) -> None:
    sim = simulate(mode, replicas=2)
    splitter = sim.splitter(Api(NAMESPACE, sim.cluster), SERVICE, SERVICE)
    sim.create(promotion="Manual")
    sim.until_gate()
    pods = {pod["metadata"]["name"]: pod for pod in sim.cluster.having("pods") if pod["version"] == "2"}
    assert splitter.restarts() == dict.fromkeys(pods, 0) != {}
    first, pod = next(iter(pods.items()))
    pod["status"]["containerStatuses"] = [restarted(23)]
    assert splitter.readiness().ready
    assert splitter.restarts()[first] == 23
    sim.annotate("aborted", "true")
    sim.until("RolledBack")
    assert mode == "Knative" or splitter.restarts() == {}
