"""The registry of this machine alone: a SQLite file, with the artifacts in a folder beside it."""

import fcntl
from pathlib import Path

from matchday.registry.client import client_class
from matchday.registry.error import RegistryError

PREFIX = "sqlite:///"


def file_of(tracking_uri: str) -> Path | None:
    """The file behind a tracking URI; None when it is not one of SQLite's."""
    return Path(tracking_uri.removeprefix(PREFIX)) if tracking_uri.startswith(PREFIX) else None


def make(path: Path) -> None:
    """Make MLflow's tables beside `path` and move them there, so that no kill leaves half of them."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (path.parent / f".{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():
                _check(path)
                return
            staged = path.with_name(f".{path.name}.new")
            for leftover in path.parent.glob(f"{staged.name}*"):
                leftover.unlink()
            client_class()(f"{PREFIX}{staged}", registry_uri=f"{PREFIX}{staged}").search_registered_models()
            staged.rename(path)
    except OSError as error:
        raise RegistryError(f"cannot make the registry {path}: {error.strerror}") from error


def _check(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(16) not in (b"", b"SQLite format 3\0"):
            raise RegistryError(f"{path} is no SQLite database: move it away and a new registry is made")
