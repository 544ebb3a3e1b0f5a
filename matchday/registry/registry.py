"""The registry: versions of models, their bundles, aliases and tags, on an MLflow server or a SQLite file."""

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from matchday.bundle import Bundle, BundleError, read_bundle, write_bundle
from matchday.registry.client import all_pages, without_credentials
from matchday.registry.connection import Connection
from matchday.registry.error import RegistryError
from matchday.registry.names import ATTACHED_TAG, CHALLENGER, CHAMPION, CONTENT_TAG, DIGEST_TAG, ModelUri
from matchday.registry.record import ATTACHMENTS, BUNDLE, RunRecord, ensure_experiment, find_finished
from matchday.registry.version import ModelVersion, check_name, from_mlflow
from matchday.signature import Signature


class Registry(Connection):
    """A model registry on an MLflow server or on a SQLite file.

    tracking_uri: `sqlite:///PATH`, created if missing, with the artifacts in a folder beside it; or the http(s) address
    of a server, which knows where its artifacts are. Nothing is opened before the first
    call. Every method raises RegistryError when MLflow cannot answer.
    """

    def __init__(self, tracking_uri: str, may_write: Callable[[], None] = lambda: None) -> None:
        """tracking_uri: as above. may_write: called before an alias or tag is written; raises to prevent it."""
        super().__init__(tracking_uri)
        self._may_write = may_write

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
        record = RunRecord(bundle, Path(bundle_folder), params, metrics, tags, attachments or {})
        record.check(model)
        if (same := self.find(model, {CONTENT_TAG: record.content})) and self.is_complete(same):
            return same
        with self._translate_errors(f"log a run of {model}"):
            where = ensure_experiment(self._client, experiment, self._artifacts)
            run_id = None if same else find_finished(self._client, where, record.content)
            return self._register(model, run_id or record.write(self._client, where), record)

    def is_complete(self, version: ModelVersion) -> bool:
        """Whether all files of a version can still be fetched and its bundle is intact."""
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
        with self._translate_errors(f"list the versions of {name}"):
            found = all_pages(self._client.search_model_versions, f"name = '{check_name(name)}'")
            ours = [from_mlflow(item, pointing) for item in found if item.run_id]
        return sorted(ours, key=lambda version: int(version.version), reverse=True)

    def models(self) -> list[str]:
        """Names of the registered models, sorted."""
        with self._translate_errors("list its models"):
            return sorted(model.name for model in all_pages(self._client.search_registered_models))

    def aliases(self, name: str) -> dict[str, str]:
        """The aliases of `name` and the version each points to; none when there is no such model."""
        with self._translate_errors(f"read the aliases of {name}"):
            models = self._client.search_registered_models(f"name = '{check_name(name)}'", max_results=1)
            return {alias: str(version) for model in models for alias, version in model.aliases.items()}

    def at_alias(self, name: str, alias: str) -> ModelVersion | None:
        """The version that `alias` points to; None when the alias does not exist."""
        return self.resolve(f"mlflow://{name}@{alias}") if alias in self.aliases(name) else None

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Point `alias` at a version, in one step: a reader sees the old version or the new one.

        Raises RegistryError, saying what exists, when there is no such version.
        """
        self.resolve(f"mlflow://{name}/{version}")
        with self._translate_errors(f"set {name}@{alias}"):
            self._may_write()
            self._client.set_registered_model_alias(name, alias, version)

    def set_tag(self, version: ModelVersion, key: str, value: str) -> None:
        """Write a tag of a version; replaces the one of that key."""
        with self._translate_errors(f"tag {version.uri}"):
            self._may_write()
            self._client.set_model_version_tag(version.name, version.version, key, value)

    def promote(self, name: str, version: str) -> None:
        """Make a version the champion. The alias `challenger` is removed if it points to that version."""
        self.set_alias(name, CHAMPION, version)
        if self.aliases(name).get(CHALLENGER) == version:
            with self._translate_errors(f"remove {name}@{CHALLENGER}"):
                self._may_write()
                self._client.delete_registered_model_alias(name, CHALLENGER)

    def resolve(self, uri: str) -> ModelVersion:
        """The version that `mlflow://NAME/VERSION` or `mlflow://NAME@ALIAS` means now.

        Raises RegistryError, saying what exists, for an unknown model, version or alias.
        """
        name, wanted, alias = ModelUri.parse(uri)
        versions = self.versions(name)
        if not versions:
            self._unknown_model(name)
        number = self.aliases(name).get(alias) if alias else wanted
        for version in versions:
            if version.version == number:
                return version
        if alias:
            known = ", ".join(sorted(self.aliases(name))) or "none"
            raise RegistryError(f"{name} has no alias {alias}; its aliases: {known}")
        known = ", ".join(version.version for version in reversed(versions[:20]))
        raise RegistryError(f"{name} has no version {wanted}; its latest: {known}")

    def download(self, uri: str, folder: str | os.PathLike[str]) -> Signature:
        """Put the bundle of `uri` into `folder`, verified, whole or not at all. Returns its signature.

        The bundle that lands there carries its version in the signature, so that whoever serves the folder
        knows what it serves. Raises RegistryError for what MLflow holds damaged, BundleError for a folder
        that cannot be written.
        """
        version = self.resolve(uri)
        with tempfile.TemporaryDirectory(prefix="matchday-") as scratch:
            with self._translate_errors(f"hand out {version.uri}"):
                fetched = self._client.download_artifacts(version.run_id, BUNDLE, scratch)
            bundle = _intact(version, Path(fetched))
        signature = replace(bundle.signature, version=version.version)
        write_bundle(folder, bundle.onnx, signature, bundle.explainer, bundle.card)
        return signature

    def attachment(self, version: ModelVersion, name: str, folder: Path) -> Path:
        """Fetch a file that was attached to a version into `folder`; returns its path. Raises RegistryError."""
        with self._translate_errors(f"hand out {name} of {version.uri}"):
            return Path(self._client.download_artifacts(version.run_id, f"{ATTACHMENTS}/{name}", str(folder)))

    def metrics(self, name: str, version: str) -> dict[str, float]:
        """The metrics that a version was registered with. Raises RegistryError as `resolve` does."""
        run_id = self.resolve(f"mlflow://{name}/{version}").run_id
        with self._translate_errors(f"read the metrics of {name}/{version}"):
            return dict(self._client.get_run(run_id).data.metrics)

    def tags(self, name: str, version: str) -> dict[str, str]:
        """The tags of a version. Raises RegistryError as `resolve` does."""
        return dict(self.resolve(f"mlflow://{name}/{version}").tags)

    def _register(self, model: str, run_id: str, record: RunRecord) -> ModelVersion:
        self._make_model(model)
        made = self._client.create_model_version(
            model,
            source=f"{self._client.get_run(run_id).info.artifact_uri}/{BUNDLE}",
            run_id=run_id,
            tags=record.labels,
            description=record.description,
        )
        return from_mlflow(made, {})

    def _make_model(self, name: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(name, description=f"Matchday bundles of {name}.")
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _unknown_model(self, name: str) -> NoReturn:
        known = ", ".join(self.models()) or "none yet: train one first"
        raise RegistryError(f"no model {name} in MLflow at {without_credentials(self.tracking_uri)}; it knows: {known}")


def _intact(version: ModelVersion, folder: Path) -> Bundle:
    try:
        bundle = read_bundle(folder)
    except BundleError as error:
        raise RegistryError(f"MLflow holds {version.uri} damaged: {error}") from error
    if bundle.digest != version.tags.get(DIGEST_TAG) or bundle.signature.model != version.name:
        raise RegistryError(f"MLflow holds another bundle under {version.uri} than the one registered: do not use it")
    return bundle
