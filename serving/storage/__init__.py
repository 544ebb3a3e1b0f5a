"""From a model URI to a verified bundle folder on this machine.

`python -m serving.storage URI FOLDER` does this as KServe's storage initializer (`__main__.py`).
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from matchday.bundle import BundleError, verify_bundle
from matchday.files import LockTimeout, lock_file, write_file
from matchday.registry import DIGEST_TAG
from serving.storage.errors import Absent, StorageError, Unreachable, Untrained

if TYPE_CHECKING:
    from matchday.registry import Registry
    from serving.storage.tracking import Tracking

__all__ = ["SCHEME", "Absent", "StorageError", "Stored", "Unreachable", "Untrained", "fetch", "registry"]

SCHEME = "mlflow://"


@dataclass(frozen=True, slots=True)
class Stored:
    """A bundle folder, the model it holds, the version it is registered as (None: not registered), and its URI."""

    folder: Path
    name: str
    version: str | None
    uri: str = field(default="", compare=False)


def fetch(uri: str, home: Path, tracking_uri: str) -> Stored:
    """The bundle of a model URI, downloaded once to `<home>/serving/<name>/<version>`.

    uri: `mlflow://match-outcome/12`, `mlflow://match-outcome@champion`, or a folder (path or `file://`).
    What is there is used again if it is what the registry holds under that version now.

    tracking_uri: http(s) is asked over REST; anything else needs MLflow, which is imported: call this in a
    process that then ends or becomes another. Raises StorageError, BundleError or the registry's errors.
    """
    if uri.startswith(SCHEME):
        return _registered(uri, home, tracking_uri)
    return _local(uri)


def registry(tracking_uri: str) -> "Registry | Tracking":
    """What knows the registered models: the server over REST, or MLflow on its own database."""
    if tracking_uri.startswith(("http://", "https://")):
        from serving.storage.tracking import Tracking

        return Tracking(tracking_uri)
    from matchday.registry import Registry

    return Registry(tracking_uri)


def _registered(uri: str, home: Path, tracking_uri: str) -> Stored:
    known = registry(tracking_uri)
    found = known.resolve(uri)
    version = str(found.version)
    folder = home.resolve() / "serving" / found.name / version
    with ExitStack() as held:
        _lock(held, folder.parent)
        registered = folder.with_name(f".{version}.registered")
        digest = found.tags.get(DIGEST_TAG, "")
        if not (_holds(folder, found.name) and _text(registered) == digest):
            known.download(f"{SCHEME}{found.name}/{version}", folder)
            if not _holds(folder, found.name):
                raise StorageError(f"{uri} is not a bundle of {found.name}: register it again")
            write_file(registered, digest.encode())
    return Stored(folder, found.name, version, uri)


def _lock(held: ExitStack, folder: Path) -> None:
    """Let the workers of a server download one after the other, so that the second finds the bundle there."""
    try:
        held.enter_context(lock_file(folder / ".lock"))
    except LockTimeout as error:
        raise StorageError(str(error)) from None
    except OSError as error:
        raise StorageError(f"cannot write to {folder}: {error.strerror or error}; set MATCHDAY_HOME") from None


def _text(file: Path) -> str | None:
    return file.read_text() if file.exists() else None


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
