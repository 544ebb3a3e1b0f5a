"""Registry on an MLflow tracking server, read over its REST API, so that the server needs no MLflow.

The paths are those of MLflow 3: `registered-models/*` and `model-versions/*` for what is registered, and the
artifact proxy (`mlflow-artifacts`), through which the server hands out the files of its bucket.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, unquote, urlsplit

from matchday.bundle import CONTENTS, MAX_FILE_BYTES, SUMS, Bundle, BundleError, read_bundle, write_bundle
from matchday.registry.names import CHAMPION, DIGEST_TAG, ModelUri
from matchday.signature import Signature
from serving.storage.errors import Absent, FetchError, Unreachable, Untrained
from serving.storage.mlflow_api import MlflowApi, NotInMlflow
from serving.storage.registry import FoundVersion

API = "/api/2.0/mlflow"
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
FILES = frozenset({*CONTENTS, SUMS})
MAX_RESULTS = "100"
"""Models or versions that are read for a message that names what exists."""


class TrackingServer:
    """Reads bundles as `matchday.registry.Registry` does."""

    def __init__(self, url: str, environ: Mapping[str, str] = os.environ) -> None:
        """url: http(s) address. Raises FetchError for a malformed one."""
        self._api = MlflowApi(url, environ)

    def resolve(self, uri: str) -> FoundVersion:
        """The version that `mlflow://NAME/VERSION` or `mlflow://NAME@ALIAS` means now.

        Raises ModelUriError, or FetchError for an unknown model, version or alias, which says what exists.
        """
        name, version, alias = ModelUri.parse(uri)
        try:
            if version is None:
                answer = self._api.json(f"{API}/registered-models/alias", name=name, alias=str(alias))
            else:
                answer = self._api.json(f"{API}/model-versions/get", name=name, version=version)
        except NotInMlflow:
            self._raise_unknown(name, alias, version)
        found = answer.get("model_version", {})
        if found.get("status", "READY") != "READY":
            raise FetchError(f"{uri} is {found['status']} in MLflow: wait until its registration is complete")
        tags = {str(tag["key"]): str(tag.get("value", "")) for tag in found.get("tags", [])}
        return FoundVersion(name, str(found["version"]), tags)

    def download(self, uri: str, folder: str | os.PathLike[str]) -> Signature:
        """Put the bundle of `uri` into `folder`, verified, whole or not at all. Returns its signature.

        The signature that lands there names the version. Raises FetchError for what the server does not
        have or holds damaged, BundleError for a folder that cannot be written.
        """
        version = self.resolve(uri)
        target = Path(folder).absolute()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        except OSError as error:
            raise BundleError(f"cannot write the bundle {target}: {error.strerror or error}") from error
        try:
            self._download_files(version, scratch)
            bundle = _read_intact(version, scratch)
        except OSError as error:
            raise BundleError(f"cannot write the bundle {target}: {error.strerror or error}") from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        signature = replace(bundle.signature, version=version.version)
        write_bundle(target, bundle.onnx, signature, bundle.explainer, bundle.card)
        return signature

    def _download_files(self, version: FoundVersion, scratch: Path) -> None:
        """Download the files of a bundle. Raises FetchError when the artifacts hold any other."""
        root = self._artifact_path(version)
        try:
            _check_listing(version, self._api.json(PROXY, path=root).get("files", []))
            for name in sorted(FILES):
                self._download_file(version, f"{root}/{name}", scratch / name)
        except Unreachable as error:
            raise Unreachable(f"{error}; bundles are in its object store: see that this runs too") from None

    def _download_file(self, version: FoundVersion, path: str, file: Path) -> None:
        try:
            self._api.download(f"{PROXY}/{quote(path)}", file, MAX_FILE_BYTES)
        except NotInMlflow as error:
            raise FetchError(f"MLflow does not hand out {file.name} of {version.uri}: {error}") from None

    def _artifact_path(self, version: FoundVersion) -> str:
        """Path of the version's bundle below the root of the artifact proxy. Raises FetchError for an unsafe one."""
        answer = self._api.json(f"{API}/model-versions/get-download-uri", name=version.name, version=version.version)
        address = str(answer.get("artifact_uri", ""))
        parts = urlsplit(address)
        if parts.scheme == "mlflow-artifacts":
            path = unquote(parts.path)
        elif parts.scheme in ("http", "https") and PROXY in parts.path and address.startswith(self._api.url):
            path = unquote(parts.path.partition(PROXY)[2])
        else:
            raise FetchError(
                f"the bundle of {version.uri} is at {parts.scheme or 'file'}://..., which MLflow does not hand through:"
                " start its server with --artifacts-destination and register the model again"
            )
        steps = path.strip("/").split("/")
        if {"", ".", ".."} & set(steps):
            raise FetchError(f"MLflow names a place outside its artifacts for {version.uri}: do not use it")
        return "/".join(steps)

    def _raise_unknown(self, name: str, alias: str | None, number: str | None) -> NoReturn:
        try:
            model = self._api.json(f"{API}/registered-models/get", name=name)["registered_model"]
        except NotInMlflow:
            models = self._api.json(f"{API}/registered-models/search", max_results=MAX_RESULTS)
            names = sorted(str(each["name"]) for each in models.get("registered_models", []))
            said = f"no model {name} in MLflow at {self._api.url}; it knows: "
            if not names:
                raise Untrained(f"{said}none yet: train one first") from None
            raise Absent(f"{said}{_join(names)}; give one of these") from None
        if alias:
            aliases = sorted(str(each["alias"]) for each in model.get("aliases", []))
            said = f"{name} has no alias {alias}; its aliases: {_join(aliases) or 'none'}"
            if CHAMPION not in aliases:
                raise Untrained(f"{said}; train and promote one first") from None
            raise Absent(f"{said}; give one of these") from None
        found = self._api.json(f"{API}/model-versions/search", filter=f"name='{name}'", max_results=MAX_RESULTS)
        versions = sorted((int(each["version"]) for each in found.get("model_versions", [])), reverse=True)
        latest = ", ".join(map(str, reversed(versions[:20])))
        known = f"{latest}; give one of these" if latest else "none yet: train one first"
        raise Absent(f"{name} has no version {number}; its latest: {known}") from None


def _join(names: list[str], most: int = 20) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _check_listing(version: FoundVersion, entries: list[dict[str, Any]]) -> None:
    sizes = {str(each.get("path")): int(each.get("file_size", 0)) for each in entries if not each.get("is_dir")}
    folders = {str(each.get("path")) for each in entries if each.get("is_dir")}
    if others := sorted((set(sizes) | folders) - FILES | (folders & FILES)):
        raise FetchError(f"{version.uri} holds {_join(others)}, which is no part of a bundle: it is not fetched")
    if missing := sorted(FILES - set(sizes)):
        raise FetchError(f"{version.uri} lacks {', '.join(missing)}: register a whole bundle")
    for name, size in sizes.items():
        if size > MAX_FILE_BYTES:
            raise FetchError(f"{name} of {version.uri} has {size:,} bytes; at most {MAX_FILE_BYTES:,} are fetched")


def _read_intact(version: FoundVersion, folder: Path) -> Bundle:
    try:
        bundle = read_bundle(folder)
    except BundleError as error:
        said = str(error).replace(f"{folder}/", "").replace(str(folder), "it")
        raise FetchError(f"MLflow holds {version.uri} damaged: {said}; register it again") from error
    if bundle.digest != version.tags.get(DIGEST_TAG) or bundle.signature.model != version.name:
        raise FetchError(f"MLflow holds another bundle under {version.uri} than the one registered: do not use it")
    return bundle
