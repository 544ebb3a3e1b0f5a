"""Following a run on a cluster to its end."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from components.step import FAILED, SAID
from console.operations.events import ClusterEvent, RunStanding, StepChanged, StepMessage
from matchday.errors import MatchdayError
from matchday.models.catalogue import KINDS
from matchday.models.registration import registered_by
from matchday.patience import wait_for
from matchday.registry import ModelVersion, Registry, RegistryError
from matchday.settings import Settings
from pipelines.kubeflow import Kubeflow
from pipelines.pods import RUN_LABEL, PodsError, RunPods
from pipelines.run import Run, RunStep

POLL_SECONDS = 2.0
SILENCE_SECONDS = 60.0
"""How long the API may give no answer."""
STANDSTILL_SECONDS = 900.0
"""How long nothing may change before the run is taken for one that cannot go on."""
REGISTERS = "register"
"""Name of the step that registers a model; a pipeline without it registers nothing."""
NOISE = re.compile(r"[IWEF]\d{4} |\[KFP Executor|time=\"|Error: exit status|[\s{}\[\]\"]|$")
"""How lines begin that Kubeflow and Argo print around a step, and lines that continue another."""


class StandstillError(MatchdayError):
    """A run that cannot go on."""


@dataclass(frozen=True)
class ClusterRunFinished:
    """A run that succeeded.

    refused: whether the gate refused the model. version, metrics: what it registered, where that can be found; none of
    a pipeline that registers no model. unknown: why the version cannot be found, else empty.
    """

    id: str
    refused: bool = False
    version: ModelVersion | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    unknown: str = ""


class RunFollower:
    """Follows one run. pods: None where Kubernetes cannot be asked; failures are explained in less detail then."""

    def __init__(
        self,
        kubeflow: Kubeflow,
        run_id: str,
        namespace: str,
        pods: RunPods | None,
        on_event: Callable[[ClusterEvent], None],
    ) -> None:
        self._kubeflow, self._run_id, self._namespace, self._pods = kubeflow, run_id, namespace, pods
        self._on_event = on_event
        self._states: dict[str, RunStep] = {}
        self._lines_read: dict[str, int] = {}

    def follow_states(self) -> ClusterRunFinished:
        """Report each state of each step until the run ends. Raises MatchdayError unless it succeeds."""
        return self._conclude(self._wait(self._report_states))

    def follow_logs(self, everything: bool) -> ClusterRunFinished:
        """Report what the steps say, or everything that their pods print, until the run ends. Raises as above."""
        return self._conclude(self._wait(partial(self._report_lines, everything=everything)))

    def report_states(self) -> ClusterRunFinished | RunStanding:
        """Report the state of each step now. Raises MatchdayError for a run that failed or was ended."""
        return self._look(self._report_states)

    def report_logs(self, everything: bool) -> ClusterRunFinished | RunStanding:
        """Report what the steps have said so far, or everything that their pods have printed. Raises as above."""
        return self._look(partial(self._report_lines, everything=everything))

    def _look(self, report: Callable[[Run], None]) -> ClusterRunFinished | RunStanding:
        run = self._kubeflow.run(self._run_id)
        report(run)
        return self._conclude(run) if run.over else RunStanding(run)

    def _wait(self, report: Callable[[Run], None]) -> Run:
        """The run once it is over, reported at every poll. Raises StandstillError."""
        seen, since = None, time.monotonic()
        while True:
            run = wait_for(lambda: self._kubeflow.run(self._run_id), SILENCE_SECONDS)
            report(run)
            if run.over and (seen == run.steps or all(step.seconds is not None for step in run.steps)):
                return run
            self._check_pods()
            if seen != run.steps:
                seen, since = run.steps, time.monotonic()
            elif time.monotonic() - since > STANDSTILL_SECONDS:
                waiting = ", ".join(step.name for step in run.steps if step.seconds is None) or "its first step"
                raise StandstillError(f"run {run.id} stands still at {waiting}: see {self._kubectl('get pods')}")
            time.sleep(POLL_SECONDS)

    def _check_pods(self) -> None:
        try:
            stuck = next((pod for pod in self._pods.of(self._run_id) if pod.stuck), None) if self._pods else None
        except PodsError:
            return
        if stuck:
            raise StandstillError(
                f"step {stuck.step} cannot start ({stuck.stuck}): see that the image is right and that the ConfigMap "
                f"and Secret of its environment are in namespace {self._namespace}"
            )

    def _report_states(self, run: Run) -> None:
        for step in run.steps:
            if step.state != "PENDING" and self._states.get(step.name) != step:
                self._states[step.name] = step
                self._on_event(StepChanged(step))

    def _report_lines(self, _: Run, everything: bool) -> None:
        for pod in self._pods.of(self._run_id) if self._pods else []:
            lines = self._pods.log(pod) if self._pods else []
            for line in lines[self._lines_read.get(pod.name, 0) :]:
                if everything or line.startswith((SAID, FAILED)):
                    self._on_event(StepMessage(pod.step, line.removeprefix(SAID)))
            self._lines_read[pod.name] = len(lines)

    def _conclude(self, run: Run) -> ClusterRunFinished:
        if run.state != "SUCCEEDED":
            raise MatchdayError(self._explain_failure(run))
        if any(step.name == "refuse" for step in run.steps):
            return ClusterRunFinished(run.id, refused=True)
        if not any(step.name == REGISTERS for step in run.steps):
            return ClusterRunFinished(run.id)
        return find_registered(run.id)

    def _explain_failure(self, run: Run) -> str:
        if run.canceled:
            done = [step.name for step in run.steps if step.state == "SUCCEEDED"]
            return f"run {run.id} was canceled, after {done[-1]}" if done else f"run {run.id} was canceled"
        failed = [step.name for step in run.steps if step.state == "FAILED"]
        outcome = f"run {run.id} {run.state.lower()}" + (f" in {', '.join(failed)}" if failed else "")
        if self._pods is None:
            return f"{outcome}: {run.error or 'its logs say why: ' + self._kubectl('logs -c main')}"
        try:
            reasons = [failure_reason(self._pods.log(pod)) for pod in self._pods.of(run.id) if pod.step in failed]
        except PodsError as error:
            reasons = [str(error)]
        return f"{outcome}: {'; '.join(filter(None, reasons)) or run.error or 'no pod of it is left to say why'}"

    def _kubectl(self, verb: str) -> str:
        return f"kubectl -n {self._namespace} {verb} -l {RUN_LABEL}={self._run_id}"


def failure_reason(log: list[str]) -> str:
    """Why a step failed: its own words for a failure it foresaw, else the last line that is not Kubeflow's."""
    known = (line.removeprefix(FAILED) for line in reversed(log) if line.startswith(FAILED))
    own = (line for line in reversed(log) if not NOISE.match(line))
    return next(known, None) or next(own, "")


def find_registered(run_id: str) -> ClusterRunFinished:
    """The version that a run registered, with its metrics, or why it cannot be found."""
    settings = Settings()
    if settings.embedded:
        return ClusterRunFinished(run_id, unknown="set MATCHDAY_TRACKING_URI to see the version that it registered")
    registry = Registry(settings.tracking_uri)
    try:
        found = (registered_by(kind, registry, run_id) for kind in KINDS.values())
        version = next(filter(None, found), None)
        if version is None:
            return ClusterRunFinished(
                run_id, unknown="a later run has registered the same version, which has the later run's id now"
            )
        return ClusterRunFinished(run_id, version=version, metrics=registry.metrics(version.name, version.version))
    except RegistryError as error:
        return ClusterRunFinished(run_id, unknown=f"the version that it registered cannot be found: {error}")
