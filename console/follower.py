"""A run on a cluster, followed to its end and told to a person."""

import re
import time
from collections.abc import Callable
from functools import partial

from components.step import FAILED, SAID
from console.screen import console, table
from matchday.errors import MatchdayError
from matchday.models.candidate import registered_by
from matchday.patience import wait_for
from matchday.registry import Registry, RegistryError
from matchday.settings import Settings
from pipelines.kubeflow import Kubeflow
from pipelines.pods import RUN_LABEL, PodsError, RunPods
from pipelines.run import Run, Step

EVERY_S = 2.0
SILENCE_S = 60.0
"""How long the API may be silent meanwhile."""
STANDSTILL_S = 900.0
"""How long nothing may change before a run is taken for one that cannot go on."""
NOISE = re.compile(r"[IWEF]\d{4} |\[KFP Executor|time=\"|Error: exit status|[\s{}\[\]\"]|$")
"""How lines begin that Kubeflow and Argo print around a step, and those that belong to the line before."""


class StandstillError(MatchdayError):
    """A run that cannot go on."""


class Follower:
    """Follows a run. pods: None where Kubernetes cannot be asked; less is told then."""

    def __init__(self, kubeflow: Kubeflow, run_id: str, namespace: str, pods: RunPods | None) -> None:
        self._kubeflow, self._run_id, self._namespace, self._pods = kubeflow, run_id, namespace, pods
        self._states: dict[str, Step] = {}
        self._lines: dict[str, int] = {}

    def states(self) -> None:
        """Tell the states of the steps, then what came of the run. Raises MatchdayError unless it succeeds."""
        self._conclude(self._followed(self._tell_states))

    def logs(self, everything: bool) -> None:
        """Tell what the steps say, or all that their pods print; then as `states`."""
        self._conclude(self._followed(partial(self._tell_lines, everything=everything)))

    def _followed(self, tell: Callable[[Run], None]) -> Run:
        """The run once it is over; until then it is told again and again. Raises StandstillError."""
        seen, since = None, time.monotonic()
        while True:
            run = wait_for(lambda: self._kubeflow.run(self._run_id), SILENCE_S)
            tell(run)
            if run.over and (seen == run.steps or all(step.seconds is not None for step in run.steps)):
                return run
            self._check_pods()
            if seen != run.steps:
                seen, since = run.steps, time.monotonic()
            elif time.monotonic() - since > STANDSTILL_S:
                waiting = ", ".join(step.name for step in run.steps if step.seconds is None) or "its first step"
                raise StandstillError(f"run {run.id} stands still at {waiting}: see {self._look('get pods')}")
            time.sleep(EVERY_S)

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

    def _tell_states(self, run: Run) -> None:
        for step in run.steps:
            if step.state != "PENDING" and self._states.get(step.name) != step:
                self._states[step.name] = step
                took = "" if step.seconds is None else f" [dim]({step.seconds:.0f} s)[/dim]"
                state = "unchanged, taken from the cache" if step.reused else step.state.lower()
                console.print(f"  {step.name:<16} {state}{took}")

    def _tell_lines(self, _: Run, everything: bool) -> None:
        for pod in self._pods.of(self._run_id) if self._pods else []:
            lines = self._pods.log(pod) if self._pods else []
            for line in lines[self._lines.get(pod.name, 0) :]:
                if everything or line.startswith((SAID, FAILED)):
                    console.print(f"  {pod.step:<16} {line.removeprefix(SAID)}", markup=False)
            self._lines[pod.name] = len(lines)

    def _conclude(self, run: Run) -> None:
        if run.state != "SUCCEEDED":
            raise MatchdayError(self._failure(run))
        console.print(f"run {run.id} succeeded")
        if any(step.name == "refuse" for step in run.steps):
            console.print("no version: the gate refused the model, and the champion stays")
        else:
            _show_version(run)

    def _failure(self, run: Run) -> str:
        failed = [step.name for step in run.steps if step.state == "FAILED"]
        said = f"run {run.id} {run.state.lower()}" + (f" in {', '.join(failed)}" if failed else "")
        if self._pods is None:
            return f"{said}: {run.error or 'its logs say why: ' + self._look('logs -c main')}"
        try:
            words = [last_words(self._pods.log(pod)) for pod in self._pods.of(run.id) if pod.step in failed]
        except PodsError as error:
            words = [str(error)]
        return f"{said}: {'; '.join(filter(None, words)) or run.error or 'no pod of it is left to say why'}"

    def _look(self, verb: str) -> str:
        return f"kubectl -n {self._namespace} {verb} -l {RUN_LABEL}={self._run_id}"


def last_words(log: list[str]) -> str:
    """Why a step failed: in its own words if it foresaw it, else the last line that is not Kubeflow's."""
    known = (line.removeprefix(FAILED) for line in reversed(log) if line.startswith(FAILED))
    own = (line for line in reversed(log) if not NOISE.match(line))
    return next(known, None) or next(own, "")


def _show_version(run: Run) -> None:
    settings = Settings()
    if settings.embedded:
        console.print("set MATCHDAY_TRACKING_URI to see the version that it registered")
        return
    registry = Registry(settings.tracking_uri)
    try:
        version = registered_by(registry, run.id)
        if version is None:
            console.print("the version that it registered bears the id of a later run by now")
            return
        metrics = registry.metrics(version.name, version.version)
    except RegistryError as error:
        console.print(f"its version cannot be told: {error}")
        return
    role = ", ".join(version.aliases) or "neither champion nor challenger"
    console.print(f"{version.name} version {version.version}: {role}")
    table(("metric", "value"), [(name, f"{value:.4g}") for name, value in sorted(metrics.items())])
