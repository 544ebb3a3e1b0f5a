"""A registry on this machine: a SQLite file, with the artifacts in a folder beside it."""

from pathlib import Path

from matchday.files import replace_file
from matchday.registry.client import client_class
from matchday.registry.error import RegistryError
from matchday.registry.names import PREFIX, sqlite_file

__all__ = ["PREFIX", "create", "sqlite_file"]


def create(path: Path) -> None:
    """Create MLflow's tables in a temporary file and rename it to `path`; a file that exists is kept.

    Raises RegistryError.
    """
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
