"""Client of Kubeflow Pipelines: uploads pipelines, starts runs, reads their state."""

import contextlib
import hashlib
import io
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matchday.errors import MatchdayError
from matchday.patience import NotYet, wait_for
from pipelines.run import OVER, Run

ANSWER_SECONDS = 5.0
EXPERIMENT = "matchday"
VARIABLE = "KFP_ENDPOINT"
LISTED = 100
"""Newest runs among which those that are under way are looked for."""


class KubeflowError(MatchdayError):
    """Kubeflow Pipelines refuses, or a run does not exist."""


@dataclass(frozen=True)
class Upload:
    """An uploaded version of a pipeline. new: whether this call uploaded it."""

    version: str
    new: bool


@dataclass(frozen=True)
class RecurringRun:
    """A recurring run on the cluster. cron: six fields, seconds first. version: id of the pipeline's version."""

    id: str
    name: str
    cron: str
    version: str

    @classmethod
    def of_api(cls, run: Any) -> "RecurringRun":
        """From a `V2beta1RecurringRun`."""
        schedule = run.trigger.cron_schedule if run.trigger else None
        reference = run.pipeline_version_reference
        version = reference.pipeline_version_id if reference else None
        return cls(run.recurring_run_id, run.display_name or "", (schedule and schedule.cron) or "", version or "")


class Kubeflow:
    """The API of Kubeflow Pipelines. Methods raise KubeflowError when it refuses, NotYet when it does not answer."""

    def __init__(self, endpoint: str, seconds: float = 0.0) -> None:
        """endpoint: its address, `http://ml-pipeline.kubeflow:8888`. seconds: how long to wait for an answer.

        Raises MatchdayError when there is none by then, KubeflowError when somebody else answers.
        """
        if not endpoint:
            raise KubeflowError(f"{VARIABLE} is not set: give it the address of Kubeflow Pipelines' API")
        self.endpoint = endpoint.rstrip("/")
        wait_for(lambda: _check(self.endpoint), seconds)
        with _quiet():
            from kfp import Client

            self._client = Client(host=self.endpoint)

    def submit(self, package: Path, name: str, arguments: Mapping[str, str]) -> str:
        """Start a run of a compiled pipeline; returns its id. Steps are cached as the pipeline says."""
        with self._translate_errors(f"run {name}"):
            begun = self._client.create_run_from_pipeline_package(
                str(package), arguments=dict(arguments), run_name=name, experiment_name=EXPERIMENT
            )
        return str(begun.run_id)

    def run(self, run_id: str) -> Run:
        """The current state of a run. Raises KubeflowError for an unknown id."""
        with self._translate_errors(f"tell of run {run_id}"):
            return Run.of_api(self._client.get_run(run_id))

    def under_way(self, pipeline: str) -> list[str]:
        """Ids of the runs of a pipeline that are not over, as far as their names tell; newest first."""
        with self._translate_errors("list runs"):
            page = self._client.list_runs(page_size=LISTED, sort_by="created_at desc")
        runs = [run for run in page.runs or [] if (run.display_name or "").split(" ")[0] == pipeline]
        return [str(run.run_id) for run in runs if (run.state or "PENDING") not in OVER]

    def stop(self, run_id: str) -> None:
        """Terminate a run."""
        with self._translate_errors(f"stop run {run_id}"):
            self._client.terminate_run(run_id)

    def address(self, run_id: str) -> str:
        """URL of a run's page, if the UI is at the endpoint's address."""
        return f"{self.endpoint}/#/runs/details/{run_id}"

    def upload(self, pipeline: str, package: Path, version: str, description: str) -> Upload:
        """Upload a compiled pipeline as a version of `pipeline`, unless it is there already.

        description: what tells this version from one of the same name, for another release say; both are kept then.
        """
        with self._translate_errors(f"keep {pipeline} {version}"):
            pipeline_id = self._client.get_pipeline_id(pipeline) or self._make(pipeline)
            known = {one.display_name: one.description or "" for one in self._versions(pipeline_id)}
            if version in known and known[version] != description:
                version = f"{version}-{hashlib.sha256(description.encode()).hexdigest()[:8]}"
            if version in known:
                return Upload(version, new=False)
            self._client.upload_pipeline_version(
                str(package), pipeline_version_name=version, pipeline_id=pipeline_id, description=description
            )
            return Upload(version, new=True)

    def _make(self, pipeline: str) -> str:
        from kfp_server_api import V2beta1Pipeline

        asked = V2beta1Pipeline(display_name=pipeline)
        return str(self._client.pipelines.pipeline_service_create_pipeline(pipeline=asked).pipeline_id)

    def version_id(self, pipeline: str, version: str) -> tuple[str, str]:
        """Ids of a pipeline and of one of its versions. Raises KubeflowError for one that is not there."""
        with self._translate_errors(f"tell of {pipeline} {version}"):
            pipeline_id = self._client.get_pipeline_id(pipeline) or ""
            known = self._versions(pipeline_id) if pipeline_id else []
        for one in known:
            if one.display_name == version:
                return pipeline_id, str(one.pipeline_version_id)
        raise KubeflowError(f"Kubeflow Pipelines at {self.endpoint} has no version {version} of {pipeline}: upload it")

    def recurring_runs(self) -> list[RecurringRun]:
        """Every recurring run."""
        found: list[RecurringRun] = []
        token = ""
        with self._translate_errors("list recurring runs"):
            while True:
                page = self._client.list_recurring_runs(page_token=token, page_size=LISTED)
                found += map(RecurringRun.of_api, page.recurring_runs or [])
                if not (token := page.next_page_token or ""):
                    return found

    def start_recurring(self, name: str, pipeline_id: str, version_id: str, cron: str) -> None:
        """Run a version of a pipeline again and again, with its default arguments, one run at a time.

        cron: six fields, seconds first. A run whose time has passed is not made up for.
        """
        with self._translate_errors(f"run {name} by the clock"):
            self._client.create_recurring_run(
                self._client.create_experiment(EXPERIMENT).experiment_id,
                name,
                cron_expression=cron,
                max_concurrency=1,
                no_catchup=True,
                pipeline_id=pipeline_id,
                version_id=version_id,
            )

    def end_recurring(self, run: RecurringRun) -> None:
        """Delete a recurring run; runs that it has begun go on."""
        with self._translate_errors(f"delete the recurring run {run.name}"):
            self._client.delete_recurring_run(run.id)

    def _versions(self, pipeline_id: str) -> list[Any]:
        """Every version of a pipeline, as the API has it."""
        found: list[Any] = []
        token = ""
        while True:
            page = self._client.list_pipeline_versions(pipeline_id, page_token=token, page_size=100)
            found += page.pipeline_versions or []
            if not (token := page.next_page_token or ""):
                return found

    @contextmanager
    def _translate_errors(self, action: str) -> Iterator[None]:
        from kfp_server_api import ApiException
        from urllib3.exceptions import HTTPError as ConnectionFailure

        where = f"Kubeflow Pipelines at {self.endpoint}"
        try:
            with _quiet():
                yield
        except ApiException as error:
            raise KubeflowError(f"{where} could not {action}: {_reason(error)}") from None
        except ConnectionFailure as error:
            raise NotYet(f"{where} does not answer any more ({type(error).__name__})") from None


def _check(endpoint: str) -> None:
    import httpx

    where, remedy = f"Kubeflow Pipelines at {endpoint}", f"see that it runs and that {VARIABLE} is its address"
    try:
        answer = httpx.get(f"{endpoint}/apis/v2beta1/healthz", timeout=ANSWER_SECONDS, follow_redirects=True)
        if answer.status_code in (502, 503, 504):
            raise NotYet(f"{where} is not ready ({answer.status_code}); {remedy}")
        if answer.is_error:
            raise KubeflowError(f"{where} answers {answer.status_code} when asked for its health; {remedy}")
        answer.json()
    except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL, ValueError):
        raise KubeflowError(f"{endpoint} is not Kubeflow Pipelines' API; {remedy}") from None
    except httpx.HTTPError as error:
        raise NotYet(f"{where} does not answer ({error}); {remedy}") from None


def _reason(error: Any) -> str:
    """The API's message, without the traceback that it sends along."""
    try:
        words = str(json.loads(error.body)["message"])
    except (ValueError, KeyError, TypeError):
        words = f"{error.status} {error.reason}"
    return next(iter(words.splitlines()), "no reason given")


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress what the SDK prints, and warnings of its libraries."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
