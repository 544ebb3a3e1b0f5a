"""Record of a training run in MLflow: params, metrics, tags, the bundle, further files."""

import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matchday.bundle import Bundle
from matchday.registry.error import RegistryError
from matchday.registry.names import ATTACHED_TAG, COMMIT_TAG, CONTENT_TAG, DIGEST_TAG

if TYPE_CHECKING:
    from mlflow.tracking.client import MlflowClient

BUNDLE = "bundle"
ATTACHMENTS = "attachments"
DESCRIPTION_CHARACTERS = 5000
PARAMS_AT_ONCE = 100


@dataclass(frozen=True)
class RunRecord:
    """A run to be recorded. folder: holds the bundle. files: kept with the run, not part of the bundle."""

    bundle: Bundle
    folder: Path
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    files: Mapping[str, Path]

    def check(self, model: str) -> None:
        """Raises RegistryError for a bundle of another model or a metric that is not finite."""
        if self.bundle.signature.model != model:
            raise RegistryError(f"the bundle is of {self.bundle.signature.model}: it cannot be registered as {model}")
        for name, value in self.metrics.items():
            if not math.isfinite(value):
                raise RegistryError(f"metric {name} is {value}: only finite numbers are registered")

    @property
    def content(self) -> str:
        """Hash of everything that is recorded but the commit."""
        numbers = {key: float(value) for key, value in self.metrics.items()}
        texts = {key: str(value) for key, value in self.params.items()}
        kept = {key: tag for key, tag in self.tags.items() if key != COMMIT_TAG}
        record = json.dumps([self.bundle.digest, texts, numbers, kept], sort_keys=True)
        return hashlib.sha256(record.encode()).hexdigest()

    @property
    def labels(self) -> dict[str, str]:
        """Tags of the run and of the version."""
        labels = {
            **self.tags,
            CONTENT_TAG: self.content,
            DIGEST_TAG: self.bundle.digest,
            "feature_service": self.bundle.signature.feature_service,
        }
        return {**labels, ATTACHED_TAG: ",".join(sorted(self.files))} if self.files else labels

    @property
    def description(self) -> str:
        """The model card, cut to the length that MLflow accepts."""
        return self.bundle.card[:DESCRIPTION_CHARACTERS]

    def write(self, client: "MlflowClient", experiment: str) -> str:
        """Make the run; returns its id. A run that is interrupted is marked FAILED and never used."""
        run_id = client.create_run(experiment, tags=self._run_tags(), run_name=self._name()).info.run_id
        try:
            self._log(client, run_id)
            client.log_artifacts(run_id, str(self.folder), BUNDLE)
            for name, file in self.files.items():
                _attach(client, run_id, name, file)
            client.set_terminated(run_id, "FINISHED")
        except BaseException:
            client.set_terminated(run_id, "FAILED")
            raise
        return str(run_id)

    def _log(self, client: "MlflowClient", run_id: str) -> None:
        from mlflow.entities import Metric, Param

        now = int(datetime.now(UTC).timestamp() * 1000)
        client.log_batch(run_id, metrics=[Metric(key, float(it), now, 0) for key, it in sorted(self.metrics.items())])
        pairs = [Param(key, str(value)) for key, value in sorted(self.params.items())]
        for first in range(0, len(pairs), PARAMS_AT_ONCE):
            client.log_batch(run_id, params=pairs[first : first + PARAMS_AT_ONCE])

    def _name(self) -> str:
        return f"{self.bundle.signature.model} until {self.bundle.signature.trained_until[:10]}"

    def _run_tags(self) -> dict[str, str]:
        """The labels, and tags from which MLflow's pages show card and source."""
        shown = {"mlflow.note.content": self.description, "mlflow.source.name": "matchday"}
        if commit := self.tags.get(COMMIT_TAG):
            shown["mlflow.source.git.commit"] = commit
        return {**self.labels, **shown}


def find_finished(client: "MlflowClient", experiment: str, content: str) -> str | None:
    """The id of a finished run with the same content, whose registration was interrupted; None when there is none."""
    same = f"tags.`{CONTENT_TAG}` = '{content}' and attributes.status = 'FINISHED'"
    return next((run.info.run_id for run in client.search_runs([experiment], same, max_results=1)), None)


def ensure_experiment(client: "MlflowClient", name: str, artifacts: Path | None) -> str:
    """Make the experiment if it does not exist; returns its id. artifacts: their folder, None on a server."""
    from mlflow.exceptions import MlflowException

    if known := client.get_experiment_by_name(name):
        return str(known.experiment_id)
    try:
        return client.create_experiment(name, artifact_location=str(artifacts) if artifacts else None)
    except MlflowException:
        if known := client.get_experiment_by_name(name):
            return str(known.experiment_id)
        raise


def _attach(client: "MlflowClient", run_id: str, name: str, file: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="matchday-") as scratch:
        named = shutil.copy(file, Path(scratch) / name)
        client.log_artifact(run_id, str(named), ATTACHMENTS)
