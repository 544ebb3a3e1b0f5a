"""Fetching bundles: from a model URI to a verified bundle folder on this machine.

`python -m serving.storage URI FOLDER` does it as KServe's storage initializer (`__main__.py`).
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from matchday.bundle import BundleError, verify_bundle
from matchday.files import LockTimeout, lock_file, write_file
from matchday.registry.names import DIGEST_TAG, SCHEME
from serving.storage.errors import Absent, FetchError, Unreachable, Untrained
from serving.storage.registry import BundleRegistry

__all__ = [
    "SCHEME",
    "Absent",
    "BundleRegistry",
    "FetchError",
    "StoredBundle",
    "Unreachable",
    "Untrained",
    "fetch",
    "open_registry",
]


@dataclass(frozen=True, slots=True)
class StoredBundle:
    """A bundle folder, the model it holds, the version it is registered as (None: not registered), and its URI."""

    folder: Path
    name: str
    version: str | None
    uri: str = field(default="", compare=False)


def open_registry(tracking_uri: str) -> BundleRegistry:
    """The registry at a tracking URI, read without MLflow: a server over REST, a database by a subprocess.

    Raises FetchError for a malformed address.
    """
    if tracking_uri.startswith(("http://", "https://")):
        from serving.storage.tracking import TrackingServer

        return TrackingServer(tracking_uri)
    from serving.storage.embedded import EmbeddedRegistry

    return EmbeddedRegistry(tracking_uri)


def fetch(uri: str, home: Path, registry: BundleRegistry) -> StoredBundle:
    """The bundle of a model URI, downloaded once to `<home>/serving/<name>/<version>`.

    uri: `mlflow://match-outcome/12`, `mlflow://match-outcome@champion`, or a folder (path or `file://`), for which
    no registry is asked. A bundle that is there already is used again if the registry holds the same one under that
    version. Raises FetchError, BundleError or the registry's errors.
    """
    if uri.startswith(SCHEME):
        return _fetch_registered(uri, home, registry)
    return _find_folder(uri)


def _fetch_registered(uri: str, home: Path, registry: BundleRegistry) -> StoredBundle:
    found = registry.resolve(uri)
    folder = home.resolve() / "serving" / found.name / found.version
    with ExitStack() as held:
        _lock(held, folder.parent)
        registered = folder.with_name(f".{found.version}.registered")
        digest = found.tags.get(DIGEST_TAG, "")
        if not (_holds(folder, found.name) and _read_text(registered) == digest):
            registry.download(f"{SCHEME}{found.name}/{found.version}", folder)
            if not _holds(folder, found.name):
                raise FetchError(f"{uri} is not a bundle of {found.name}: register it again")
            write_file(registered, digest.encode())
    return StoredBundle(folder, found.name, found.version, uri)


def _lock(held: ExitStack, folder: Path) -> None:
    """Let the workers of a server download one after the other, so that the second finds the bundle there."""
    try:
        held.enter_context(lock_file(folder / ".lock"))
    except LockTimeout as error:
        raise FetchError(str(error)) from None
    except OSError as error:
        raise FetchError(f"cannot write to {folder}: {error.strerror or error}; set MATCHDAY_HOME") from None


def _read_text(file: Path) -> str | None:
    return file.read_text() if file.exists() else None


def _holds(folder: Path, name: str) -> bool:
    """Whether the folder is a whole bundle of the model, from an earlier download."""
    try:
        return verify_bundle(folder).model == name
    except BundleError:
        return False


def _find_folder(uri: str) -> StoredBundle:
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file"):
        raise FetchError(
            f"{uri} is not a model URI: give mlflow://NAME/VERSION, mlflow://NAME@ALIAS or a bundle folder"
        )
    folder = Path(unquote(parts.path) if parts.scheme else uri).resolve()
    signature = verify_bundle(folder)
    return StoredBundle(folder, signature.model, signature.version)
