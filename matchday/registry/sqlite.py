"""The registry of this machine alone: a SQLite file, with the artifacts in a folder beside it."""

from pathlib import Path

from matchday.files import replace_file
from matchday.registry.client import client_class
from matchday.registry.error import RegistryError

PREFIX = "sqlite:///"


def file_of(tracking_uri: str) -> Path | None:
    """The file behind a tracking URI; None when it is not one of SQLite's."""
    return Path(tracking_uri.removeprefix(PREFIX)) if tracking_uri.startswith(PREFIX) else None


def make(path: Path) -> None:
    """Make MLflow's tables in a draft of `path`, so that no kill leaves half of them. Raises RegistryError."""
    try:
        with replace_file(path) as draft:
            if path.exists():
                _check(path)
                return
            client_class()(f"{PREFIX}{draft}", registry_uri=f"{PREFIX}{draft}").search_registered_models()
    except OSError as error:
        raise RegistryError(f"cannot make the registry {path}: {error.strerror or error}") from error


def _check(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(16) not in (b"", b"SQLite format 3\0"):
            raise RegistryError(f"{path} is no SQLite database: move it away and a new registry is made")
