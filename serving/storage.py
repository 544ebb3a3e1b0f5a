"""From a model URI to a verified bundle folder on this machine."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from matchday.bundle import BundleError, verify_bundle
from matchday.errors import MatchdayError

SCHEME = "mlflow://"


class StorageError(MatchdayError):
    """A model URI that leads nowhere."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A bundle folder, the model it holds, and the version it is registered as (None: not registered)."""

    folder: Path
    name: str
    version: str | None


def fetch(uri: str, home: Path, tracking_uri: str) -> Stored:
    """The bundle of a model URI, downloaded once to `<home>/serving/<name>/<version>-<run>`.

    A registry that was made anew gives old numbers to new models; the run keeps them apart.

    uri: `mlflow://match-outcome/12`, `mlflow://match-outcome@champion`, or a folder (path or `file://`).
    MLflow is imported only here and only for its own scheme: call this in a process that then ends or
    becomes another. Raises StorageError, BundleError or the registry's errors.
    """
    if uri.startswith(SCHEME):
        return _registered(uri, home, tracking_uri)
    return _local(uri)


def _registered(uri: str, home: Path, tracking_uri: str) -> Stored:
    from matchday.registry import Registry

    registry = Registry(tracking_uri)
    found = registry.resolve(uri)
    version = str(found.version)
    folder = home.resolve() / "serving" / found.name / f"{version}-{found.run_id[:8]}"
    if not _holds(folder, found.name):
        registry.download(f"{SCHEME}{found.name}/{version}", folder)
        if not _holds(folder, found.name):
            raise StorageError(f"{uri} is not a bundle of {found.name}: register it again")
    return Stored(folder, found.name, version)


def _holds(folder: Path, name: str) -> bool:
    """Whether the folder is a whole bundle of the model, from an earlier download."""
    try:
        return verify_bundle(folder).model == name
    except BundleError:
        return False


def _local(uri: str) -> Stored:
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file"):
        raise StorageError(
            f"{uri} is not a model URI: give mlflow://NAME/VERSION, mlflow://NAME@ALIAS or a bundle folder"
        )
    folder = Path(unquote(parts.path) if parts.scheme else uri).resolve()
    signature = verify_bundle(folder)
    return Stored(folder, signature.model, signature.version)
