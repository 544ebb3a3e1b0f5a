"""The one door to MLflow: runs with their bundles, versions of models, and the aliases that point to them.

A version is made in two steps, a finished run and then the version that points to it, so that nobody ever
resolves one whose bundle is not whole. A run that was cut off between the two is taken up by the next call
with the same content; one cut off earlier is ignored. MLflow's own usage telemetry is off.
"""

import fcntl
import hashlib
import json
import logging
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from matchday.bundle import Bundle, BundleError, Signature, read_bundle, write_bundle
from matchday.errors import MatchdayError

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion
    from mlflow.tracking.client import MlflowClient

BUNDLE = "bundle"
ATTACHMENTS = "attachments"
CONTENT_TAG = "matchday.content"
DIGEST_TAG = "matchday.bundle"
COMMIT_TAG = "git_commit"
ATTACHED_TAG = "matchday.attachments"
CHAMPION, CHALLENGER = "champion", "challenger"
URI = re.compile(r"mlflow://(?P<name>[\w.-]+)(?:/(?P<version>\d+)|@(?P<alias>[A-Za-z][\w-]*))")
_USER_INFO = re.compile(r"//[^/@\s]*@")
DESCRIPTION_CHARACTERS = 5000
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}


class RegistryError(MatchdayError):
    """A model, version or alias that is not there, or an MLflow that cannot answer."""


@dataclass(frozen=True)
class ModelVersion:
    """A registered version. Two are equal when name, version and run are."""

    name: str
    version: str
    run_id: str
    aliases: tuple[str, ...] = field(default=(), compare=False)
    created: datetime | None = field(default=None, compare=False)
    tags: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def uri(self) -> str:
        """The pinned model URI, `mlflow://match-outcome/12`."""
        return f"mlflow://{self.name}/{self.version}"


class Registry:
    """An MLflow tracking server with its model registry, or a SQLite file that stands for both.

    tracking_uri: `sqlite:///PATH`, made when it is not there, with the artifacts in a folder beside it; or
    the http(s) address of a server, which knows where its artifacts are. Nothing is opened before the first
    call. Every method raises RegistryError when MLflow cannot answer.
    """

    def __init__(self, tracking_uri: str) -> None:
        """tracking_uri: as above."""
        self.tracking_uri = tracking_uri

    def log_run(
        self,
        experiment: str,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        bundle_folder: str | os.PathLike[str],
        model: str,
        attachments: Mapping[str, Path] | None = None,
    ) -> ModelVersion:
        """Record a training run with its bundle and register the bundle as a version of `model`.

        attachments: further files kept with the run, by name; they are no part of the bundle.

        The same content (bundle, params, metrics, and tags but for the commit) gives the version that is already
        there. A tag `git_commit` also becomes the run's source version in the UI.
        Raises BundleError for a bundle that is not whole, RegistryError for one of another model or a metric
        that is not finite.
        """
        bundle = read_bundle(bundle_folder)
        _check(bundle, metrics, model)
        content = _content(bundle, params, metrics, tags)
        if (same := self.find(model, {CONTENT_TAG: content})) and self.whole(same):
            return same
        files = attachments or {}
        labels = {**tags, CONTENT_TAG: content, DIGEST_TAG: bundle.digest}
        if files:
            labels[ATTACHED_TAG] = ",".join(sorted(files))
        with self._explained(f"log a run of {model}"):
            where = self._experiment(experiment)
            run_id = None if same else self._finished_run(where, content)
            if run_id is None:
                folders = {BUNDLE: Path(bundle_folder)}
                run_id = self._new_run(where, bundle, params, metrics, labels, folders, files)
            return self._register(model, run_id, bundle, labels)

    def whole(self, version: ModelVersion) -> bool:
        """Whether the files of a version are all there: who keeps artifacts may have lost some."""
        client = self._client
        from mlflow.exceptions import MlflowException

        attached = [name for name in version.tags.get(ATTACHED_TAG, "").split(",") if name]
        try:
            with tempfile.TemporaryDirectory(prefix="matchday-") as scratch:
                read_bundle(client.download_artifacts(version.run_id, BUNDLE, scratch))
                for name in attached:
                    client.download_artifacts(version.run_id, f"{ATTACHMENTS}/{name}", scratch)
        except (MlflowException, BundleError, OSError):
            return False
        return True

    def find(self, name: str, tags: Mapping[str, str]) -> ModelVersion | None:
        """The newest version of `name` that carries all of `tags`, if there is one."""
        return next((version for version in self.versions(name) if tags.items() <= version.tags.items()), None)

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions of `name`, newest first; none when there is no such model."""
        pointing = self.aliases(name)
        with self._explained(f"list the versions of {name}"):
            found = _pages(self._client.search_model_versions, f"name = '{_checked_name(name)}'")
            ours = [_version(item, pointing) for item in found if item.run_id]
        return sorted(ours, key=lambda version: int(version.version), reverse=True)

    def models(self) -> list[str]:
        """Names of the registered models, sorted."""
        with self._explained("list its models"):
            return sorted(model.name for model in _pages(self._client.search_registered_models))

    def aliases(self, name: str) -> dict[str, str]:
        """The aliases of `name` and the version each points to; none when there is no such model."""
        with self._explained(f"read the aliases of {name}"):
            models = self._client.search_registered_models(f"name = '{_checked_name(name)}'", max_results=1)
            return {alias: str(version) for model in models for alias, version in model.aliases.items()}

    def aliased(self, name: str, alias: str) -> ModelVersion | None:
        """The version `alias` points to, or None: for a promotion that may be the first."""
        return self.resolve(f"mlflow://{name}@{alias}") if alias in self.aliases(name) else None

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Point `alias` at a version, in one step: a reader sees the old version or the new one.

        Raises RegistryError, saying what exists, when there is no such version.
        """
        self.resolve(f"mlflow://{name}/{version}")
        with self._explained(f"set {name}@{alias}"):
            self._client.set_registered_model_alias(name, alias, version)

    def promote(self, name: str, version: str) -> None:
        """Make a version the champion; a challenger that is that version is one no more."""
        self.set_alias(name, CHAMPION, version)
        if self.aliases(name).get(CHALLENGER) == version:
            with self._explained(f"remove {name}@{CHALLENGER}"):
                self._client.delete_registered_model_alias(name, CHALLENGER)

    def resolve(self, uri: str) -> ModelVersion:
        """The version that `mlflow://NAME/VERSION` or `mlflow://NAME@ALIAS` means now.

        Raises RegistryError, saying what exists, for an unknown model, version or alias.
        """
        parts = URI.fullmatch(uri)
        if parts is None:
            raise RegistryError(f"{uri!r} is no model URI: write mlflow://NAME/VERSION or mlflow://NAME@ALIAS")
        name, alias = parts["name"], parts["alias"]
        versions = self.versions(name)
        if not versions:
            self._unknown_model(name)
        number = self.aliases(name).get(alias) if alias else str(int(parts["version"]))
        for version in versions:
            if version.version == number:
                return version
        if alias:
            known = ", ".join(sorted(self.aliases(name))) or "none"
            raise RegistryError(f"{name} has no alias {alias}; its aliases: {known}")
        known = ", ".join(version.version for version in reversed(versions[:20]))
        raise RegistryError(f"{name} has no version {parts['version']}; its latest: {known}")

    def download(self, uri: str, folder: str | os.PathLike[str]) -> Signature:
        """Put the bundle of `uri` into `folder`, verified, whole or not at all. Returns its signature.

        The bundle that lands there carries its version in the signature, so that whoever serves the folder
        knows what it serves. Raises RegistryError for what MLflow holds damaged, BundleError for a folder
        that cannot be written.
        """
        version = self.resolve(uri)
        with tempfile.TemporaryDirectory(prefix="matchday-") as scratch:
            with self._explained(f"hand out {version.uri}"):
                fetched = self._client.download_artifacts(version.run_id, BUNDLE, scratch)
            bundle = _intact(version, Path(fetched))
        signature = replace(bundle.signature, version=version.version)
        write_bundle(folder, bundle.onnx, signature, bundle.explainer, bundle.card)
        return signature

    def attachment(self, version: ModelVersion, name: str, folder: Path) -> Path:
        """A file kept with the run behind a version, fetched into `folder`. Raises RegistryError."""
        with self._explained(f"hand out {name} of {version.uri}"):
            return Path(self._client.download_artifacts(version.run_id, f"{ATTACHMENTS}/{name}", str(folder)))

    def metrics(self, name: str, version: str) -> dict[str, float]:
        """The metrics of the run behind a version. Raises RegistryError as `resolve` does."""
        run_id = self.resolve(f"mlflow://{name}/{version}").run_id
        with self._explained(f"read the metrics of {name}/{version}"):
            return dict(self._client.get_run(run_id).data.metrics)

    def tags(self, name: str, version: str) -> dict[str, str]:
        """The tags of a version. Raises RegistryError as `resolve` does."""
        return dict(self.resolve(f"mlflow://{name}/{version}").tags)

    @cached_property
    def _client(self) -> "MlflowClient":
        client = _import_client()
        if database := self._database:
            _make_database(database)
        return client(self.tracking_uri, registry_uri=self.tracking_uri)

    @property
    def _database(self) -> Path | None:
        prefix = "sqlite:///"
        return Path(self.tracking_uri.removeprefix(prefix)) if self.tracking_uri.startswith(prefix) else None

    def _experiment(self, name: str) -> str:
        """The id of the experiment, made when it is not there."""
        from mlflow.exceptions import MlflowException

        if known := self._client.get_experiment_by_name(name):
            return str(known.experiment_id)
        place = str((self._database.parent / "artifacts").resolve()) if self._database else None
        try:
            return self._client.create_experiment(name, artifact_location=place)
        except MlflowException:
            if known := self._client.get_experiment_by_name(name):
                return str(known.experiment_id)
            raise

    def _finished_run(self, experiment: str, content: str) -> str | None:
        """A run with the same content that ended well but was cut off before it was registered."""
        same = f"tags.`{CONTENT_TAG}` = '{content}' and attributes.status = 'FINISHED'"
        return next((run.info.run_id for run in self._client.search_runs([experiment], same, max_results=1)), None)

    def _new_run(
        self,
        experiment: str,
        bundle: Bundle,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        labels: Mapping[str, str],
        folders: Mapping[str, Path],
        files: Mapping[str, Path],
    ) -> str:
        run_id = self._client.create_run(
            experiment, tags=_ui_tags(bundle, labels), run_name=_run_name(bundle)
        ).info.run_id
        try:
            self._log(run_id, params, metrics)
            for name, folder in folders.items():
                self._client.log_artifacts(run_id, str(folder), name)
            for name, file in files.items():
                self._attach(run_id, name, file)
            self._client.set_terminated(run_id, "FINISHED")
        except BaseException:
            self._client.set_terminated(run_id, "FAILED")
            raise
        return str(run_id)

    def _attach(self, run_id: str, name: str, file: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="matchday-") as scratch:
            named = shutil.copy(file, Path(scratch) / name)
            self._client.log_artifact(run_id, str(named), ATTACHMENTS)

    def _log(self, run_id: str, params: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        from mlflow.entities import Metric, Param

        now = int(datetime.now(UTC).timestamp() * 1000)
        scores = [Metric(key, float(value), now, 0) for key, value in sorted(metrics.items())]
        self._client.log_batch(run_id, metrics=scores)
        pairs = [Param(key, str(value)) for key, value in sorted(params.items())]
        for first in range(0, len(pairs), 100):
            self._client.log_batch(run_id, params=pairs[first : first + 100])

    def _register(self, model: str, run_id: str, bundle: Bundle, labels: Mapping[str, str]) -> ModelVersion:
        self._make_model(model)
        made = self._client.create_model_version(
            model,
            source=f"{self._client.get_run(run_id).info.artifact_uri}/{BUNDLE}",
            run_id=run_id,
            tags={**labels, "feature_service": bundle.signature.feature_service},
            description=bundle.card[:DESCRIPTION_CHARACTERS],
        )
        return _version(made, {})

    def _make_model(self, name: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(name, description=f"Matchday bundles of {name}.")
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _unknown_model(self, name: str) -> NoReturn:
        known = ", ".join(self.models()) or "none yet: train one first"
        raise RegistryError(f"no model {name} in MLflow at {self._shown}; it knows: {known}")

    @property
    def _shown(self) -> str:
        return _USER_INFO.sub("//", self.tracking_uri)

    @contextmanager
    def _explained(self, action: str) -> Iterator[None]:
        """Turn MLflow's failures into one line that says what was asked of which MLflow."""
        _import_client()
        from mlflow.exceptions import MlflowException

        try:
            yield
        except (MlflowException, OSError) as error:
            raise RegistryError(f"MLflow at {self._shown} could not {action}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """The first line of MLflow's own words, without passwords."""
    words = next(iter(str(error).splitlines()), type(error).__name__)
    return "no answer; is it running?" if "Max retries exceeded" in words else _USER_INFO.sub("//", words)


def _import_client() -> "type[MlflowClient]":
    """MLflow's client, imported when it is first needed (1.3 s and more), without its noise and telemetry."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    for noisy in ("mlflow", "alembic", "urllib3.connectionpool"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    from mlflow.tracking.client import MlflowClient

    return MlflowClient


def _make_database(path: Path) -> None:
    """Make MLflow's tables beside `path` and move them there, so that no kill leaves half of them."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (path.parent / f".{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():
                _check_database(path)
                return
            staged = path.with_name(f".{path.name}.new")
            for leftover in path.parent.glob(f"{staged.name}*"):
                leftover.unlink()
            _import_client()(f"sqlite:///{staged}", registry_uri=f"sqlite:///{staged}").search_registered_models()
            staged.rename(path)
    except OSError as error:
        raise RegistryError(f"cannot make the registry {path}: {error.strerror}") from error


def _check_database(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(16) not in (b"", b"SQLite format 3\0"):
            raise RegistryError(f"{path} is no SQLite database: move it away and a new registry is made")


def _check(bundle: Bundle, metrics: Mapping[str, float], model: str) -> None:
    if bundle.signature.model != model:
        raise RegistryError(f"the bundle is of {bundle.signature.model}: it cannot be registered as {model}")
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise RegistryError(f"metric {name} is {value}: only finite numbers are registered")


def _content(bundle: Bundle, params: Mapping[str, Any], metrics: Mapping[str, float], tags: Mapping[str, str]) -> str:
    """One name for all that a run records."""
    numbers = {key: float(value) for key, value in metrics.items()}
    texts = {key: str(value) for key, value in params.items()}
    kept = {key: tag for key, tag in tags.items() if key != COMMIT_TAG}
    record = json.dumps([bundle.digest, texts, numbers, kept], sort_keys=True)
    return hashlib.sha256(record.encode()).hexdigest()


def _run_name(bundle: Bundle) -> str:
    return f"{bundle.signature.model} until {bundle.signature.trained_until[:10]}"


def _ui_tags(bundle: Bundle, labels: Mapping[str, str]) -> dict[str, str]:
    """The run's tags, and those by which MLflow's own pages show the card and the source."""
    shown = {"mlflow.note.content": bundle.card[:DESCRIPTION_CHARACTERS], "mlflow.source.name": "matchday"}
    if commit := labels.get(COMMIT_TAG):
        shown["mlflow.source.git.commit"] = commit
    return {**labels, "feature_service": bundle.signature.feature_service, **shown}


def _intact(version: ModelVersion, folder: Path) -> Bundle:
    try:
        bundle = read_bundle(folder)
    except BundleError as error:
        raise RegistryError(f"MLflow holds {version.uri} damaged: {error}") from error
    if bundle.digest != version.tags.get(DIGEST_TAG) or bundle.signature.model != version.name:
        raise RegistryError(f"MLflow holds another bundle under {version.uri} than the one registered: do not use it")
    return bundle


def _version(item: "MlflowVersion", pointing: Mapping[str, str]) -> ModelVersion:
    number = str(item.version)
    return ModelVersion(
        name=item.name,
        version=number,
        run_id=item.run_id or "",
        aliases=tuple(sorted(alias for alias, version in pointing.items() if version == number)),
        created=datetime.fromtimestamp(item.creation_timestamp / 1000, UTC),
        tags=dict(item.tags),
    )


def _checked_name(name: str) -> str:
    if not re.fullmatch(r"[\w.-]+", name):
        raise RegistryError(f"{name!r} is no model name: letters, digits, '.', '_' and '-' only")
    return name


def _pages(search: Any, condition: str | None = None) -> Iterable[Any]:
    """All items of a paged search of MLflow."""
    token = None
    while True:
        page = search(filter_string=condition, page_token=token)
        yield from page
        if not (token := page.token):
            return
