"""Following a run on a cluster: its steps, its end, and why it failed."""

from typing import Any

import pytest
import yaml

from console.cli.progress import RunProgress
from console.operations import run_following
from console.operations.run_following import RunFollower, StandstillError, failure_reason
from matchday.errors import MatchdayError
from matchday.patience import NotYet
from pipelines.compilation import COMPILED, PIPELINES, TRAINING
from pipelines.pods import PodsError, StepPod
from pipelines.run import Run, RunStep
from tests.console.conftest import Printed

OVER = RunStep("ingest", "SUCCEEDED", 12.0)


class ScriptedKubeflow:
    """Answers with one run after the other, and with the last one from then on."""

    def __init__(self, *answers: Run | Exception) -> None:
        self.answers = list(answers)

    def run(self, run_id: str) -> Run:
        now = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(now, Exception):
            raise now
        return now


class GrowingPods:
    """Pods whose logs grow by a line whenever they are read."""

    def __init__(self, pods: list[StepPod], log: list[str], error: PodsError | None = None) -> None:
        self.pods, self.lines, self.error, self.read = pods, log, error, 0

    def of(self, run_id: str) -> list[StepPod]:
        if self.error:
            raise self.error
        return self.pods

    def log(self, pod: StepPod) -> list[str]:
        self.read += 1
        return self.lines[: self.read]


@pytest.fixture(autouse=True)
def _poll_without_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_following, "POLL_SECONDS", 0)


def run(state: str, *steps: RunStep) -> Run:
    return Run("r1", "a run", state, steps)


def show_states(kubeflow: ScriptedKubeflow, pods: GrowingPods | None = None) -> None:
    """Follow a run's states and print them as the command does."""
    progress = RunProgress()
    follower = RunFollower(kubeflow, "r1", "kubeflow", pods, progress.show)  # type: ignore[arg-type]
    progress.show(follower.follow_states())


def show_logs(kubeflow: ScriptedKubeflow, pods: GrowingPods, *, everything: bool) -> None:
    """Follow a run's logs and print them as the command does."""
    progress = RunProgress()
    follower = RunFollower(kubeflow, "r1", "kubeflow", pods, progress.show)  # type: ignore[arg-type]
    progress.show(follower.follow_logs(everything))


def test_each_state_is_printed_once(printed: Printed) -> None:
    running, reused = RunStep("ingest", "RUNNING"), RunStep("validate", "SUCCEEDED", 5.0, reused=True)
    before = [
        run("PENDING"),
        run("RUNNING", RunStep("ingest", "PENDING")),
        run("RUNNING", running),
        run("RUNNING", running),
    ]
    show_states(ScriptedKubeflow(*before, run("SUCCEEDED", OVER, reused, RunStep("register", "SUCCEEDED", 7.0))))
    assert printed.text().splitlines() == [
        "  ingest           running",
        "  ingest           succeeded (12 s)",
        "  validate         unchanged, taken from the cache (5 s)",
        "  register         succeeded (7 s)",
        "run r1 succeeded",
        "set MATCHDAY_TRACKING_URI to see the version that it registered",
    ]


@pytest.mark.parametrize("step", ["update-data", "materialise", "forecast"])
def test_of_a_pipeline_that_registers_no_model_no_version_is_missed(printed: Printed, step: str) -> None:
    show_states(ScriptedKubeflow(run("SUCCEEDED", RunStep(step, "SUCCEEDED", 9.0))))
    assert printed.text().splitlines()[1:] == ["run r1 succeeded"]


def test_the_step_that_registers_is_in_the_pipelines_that_train_and_in_no_other() -> None:
    registering = {name for name in PIPELINES if f"comp-{run_following.REGISTERS}" in compiled(name)["components"]}
    assert registering == set(TRAINING)


def compiled(name: str) -> dict[str, Any]:
    """The specification of a pipeline as it is submitted."""
    spec: dict[str, Any]
    spec, *_ = yaml.safe_load_all((COMPILED / f"{name}.yaml").read_text(encoding="utf-8"))
    return spec


def test_a_run_that_is_over_before_its_steps_is_asked_again(printed: Printed) -> None:
    show_states(
        ScriptedKubeflow(
            run("SUCCEEDED", RunStep("promote", "RUNNING")), run("SUCCEEDED", RunStep("promote", "SUCCEEDED", 9.0))
        )
    )
    assert "promote          succeeded (9 s)" in printed.text()


def test_a_refused_model_is_no_failure(printed: Printed) -> None:
    show_states(ScriptedKubeflow(run("SUCCEEDED", OVER, RunStep("refuse", "SUCCEEDED", 3.0))))
    assert "the gate refused the model, and the champion stays" in printed.text()


def test_lines_of_the_steps_are_printed_as_they_are(printed: Printed) -> None:
    log = ["I1121 launcher", "» taken into the lake", "[KFP Executor] noise", "» done [sic]"]
    pods = GrowingPods([StepPod("p1", "ingest", "Running")], log)
    busy = run("RUNNING", RunStep("ingest", "RUNNING"))
    show_logs(ScriptedKubeflow(busy, busy, busy, run("SUCCEEDED", OVER)), pods, everything=False)
    said = printed.text().splitlines()
    assert said[:2] == ["  ingest           taken into the lake", "  ingest           done [sic]"]
    pods.read = 3
    show_logs(ScriptedKubeflow(run("SUCCEEDED", OVER)), pods, everything=True)
    assert "  ingest           I1121 launcher" in printed.text()


def test_a_failure_is_reported_in_the_steps_own_words() -> None:
    pods = GrowingPods(
        [StepPod("p1", "materialise", "Failed"), StepPod("p2", "ingest", "Succeeded")], ["✗ Redis refuses"]
    )
    failed = run("FAILED", OVER, RunStep("materialise", "FAILED", 3.0))
    with pytest.raises(MatchdayError, match=r"^run r1 failed in materialise: Redis refuses$"):
        show_states(ScriptedKubeflow(failed), pods)


def test_without_the_pods_the_failure_says_where_to_look() -> None:
    failed = run("FAILED", RunStep("materialise", "FAILED", 3.0))
    said = r"failed in materialise: its logs say why: kubectl -n kubeflow logs -c main -l pipeline/runid=r1$"
    with pytest.raises(MatchdayError, match=said):
        show_states(ScriptedKubeflow(failed))
    with pytest.raises(MatchdayError, match="no pod of it is left"):
        show_states(ScriptedKubeflow(failed), GrowingPods([], []))
    with pytest.raises(MatchdayError, match="Kubernetes refuses"):
        show_states(ScriptedKubeflow(failed), GrowingPods([], [], PodsError("Kubernetes refuses")))


def test_a_step_that_cannot_start_ends_the_waiting() -> None:
    stuck = StepPod("p1", "ingest", "Pending", 'ImagePullBackOff, Back-off pulling image "x:1"')
    busy = run("RUNNING", RunStep("ingest", "RUNNING"))
    with pytest.raises(StandstillError, match=r"step ingest cannot start \(ImagePullBackOff, .*x:1.*ConfigMap"):
        show_states(ScriptedKubeflow(busy), GrowingPods([stuck], []))


def test_a_run_in_which_nothing_happens_ends_the_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_following, "STANDSTILL_SECONDS", -1)
    busy = run("RUNNING", RunStep("ingest", "RUNNING"))
    with pytest.raises(StandstillError, match=r"stands still at ingest: see kubectl -n kubeflow get pods -l .*=r1"):
        show_states(ScriptedKubeflow(busy), GrowingPods([], [], PodsError("forbidden")))


def test_an_api_that_is_silent_for_a_moment_is_asked_again() -> None:
    show_states(ScriptedKubeflow(NotYet("silent"), run("SUCCEEDED", OVER)))


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (
            ["» fine", "✗ the lake is gone", "I1121 16:19:49 publish success.", "Error: exit status 1"],
            "the lake is gone",
        ),
        (
            [
                "Traceback (most recent call last):",
                '  File "ephemeral_component.py", line 3, in ingest',
                "ValueError: no such season",
                "F1121 16:19:49 main.go:53] failed to execute component: exit status 1",
                'time="2026-11-21T16:19:49.330Z" level=info msg="sub-process exited" argo=true',
                "Error: exit status 1",
            ],
            "ValueError: no such season",
        ),
        (["I1121 nothing but Kubeflow", "{", '  "inputs": {}', "}", ""], ""),
    ],
)
def test_the_failure_reason_of_a_step(log: list[str], words: str) -> None:
    assert failure_reason(log) == words
