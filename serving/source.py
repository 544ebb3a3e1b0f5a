"""Where the next version of a served model would come from, and whether there is one."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from matchday.bundle import CONTENTS, SUMS
from matchday.registry.names import SCHEME, ModelUri, ModelUriError
from matchday.settings import Settings
from serving.settings import ServingSettings
from serving.storage import StoredBundle, fetch, open_registry


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bundle to serve. version: as registered; None leaves it to the bundle."""

    folder: Path
    version: str | None


class Source(Protocol):
    """Something that may come to hold another version. Its methods may take long and raise MatchdayError."""

    def state(self) -> object:
        """What is there now, cheaply; two states that are equal are the same version."""

    def get(self) -> Candidate:
        """The bundle that is there now, on this machine."""

    def __str__(self) -> str:
        """For people."""


class Folder:
    """A bundle folder, or a link to one, that someone may replace."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def state(self) -> object:
        """Which files are there."""
        return tuple(_mark(self.path / name) for name in (*CONTENTS, SUMS))

    def get(self) -> Candidate:
        """The folder that a link points to now, so that all files are read from the same one."""
        return Candidate(self.path.resolve(), None)

    def __str__(self) -> str:
        return str(self.path)


class Served:
    """A model URI on a tracking server that answers over REST."""

    def __init__(self, uri: str, home: Path, tracking_uri: str) -> None:
        self.uri = uri
        self._home = home
        self._tracking_uri = tracking_uri

    def state(self) -> object:
        """The version that the URI means now."""
        return open_registry(self._tracking_uri).resolve(self.uri).version

    def get(self) -> Candidate:
        """Its bundle, downloaded once for all workers."""
        return _candidate(fetch(self.uri, self._home, open_registry(self._tracking_uri)))

    def __str__(self) -> str:
        return self.uri


class Embedded:
    """A model URI in MLflow's database on this machine, which another process asks when the file has changed."""

    def __init__(self, uri: str, home: Path, database: Path) -> None:
        self.uri = uri
        self._home = home
        self._tracking_uri = f"sqlite:///{database}"
        self._files = (database, database.with_name(f"{database.name}-wal"))

    def state(self) -> object:
        """The files of the database."""
        return tuple(_mark(file) for file in self._files)

    def get(self) -> Candidate:
        """The bundle of the version that the URI means now."""
        return _candidate(fetch(self.uri, self._home, open_registry(self._tracking_uri)))

    def __str__(self) -> str:
        return self.uri


def sources(settings: ServingSettings) -> list[Source | None]:
    """What each of the bundles follows: its model URI, or else its folder; None for a version that is pinned."""
    uris = [*settings.sources, *[""] * len(settings.bundles)]
    return [_source(uri, folder) for folder, uri in zip(settings.bundles, uris, strict=False)]


def _source(uri: str, folder: Path) -> Source | None:
    if not uri.startswith(SCHEME):
        return Folder(folder)
    if _is_pinned(uri):
        return None
    domain = Settings()
    if domain.tracking_uri.startswith("sqlite:///"):
        return Embedded(uri, domain.home, Path(domain.tracking_uri.removeprefix("sqlite:///")))
    return Served(uri, domain.home, domain.tracking_uri)


def _is_pinned(uri: str) -> bool:
    try:
        return ModelUri.parse(uri).pinned
    except ModelUriError:
        return False


def _candidate(stored: StoredBundle) -> Candidate:
    return Candidate(stored.folder, stored.version)


def _mark(file: Path) -> Iterable[int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
