"""Sources of new versions of a served model: a folder, a tracking server, MLflow's database on this machine."""

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
class CandidateBundle:
    """A bundle that may take over. version: as registered; None leaves it to the bundle."""

    folder: Path
    version: str | None


class BundleSource(Protocol):
    """Has one version at a time. Its methods may take long, and raise MatchdayError."""

    def state(self) -> object:
        """A cheap mark of the version that the source has now: while it is equal, the version is the same."""

    def get(self) -> CandidateBundle:
        """Its bundle, on this machine."""

    def __str__(self) -> str:
        """Its address, for people."""


class FolderSource:
    """A bundle folder, or a symbolic link to one, that may be replaced."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def state(self) -> object:
        """Device, inode, size and time of each file."""
        return tuple(_mark(self.path / name) for name in (*CONTENTS, SUMS))

    def get(self) -> CandidateBundle:
        """The folder itself, not the link, so that all files are read from the same one."""
        return CandidateBundle(self.path.resolve(), None)

    def __str__(self) -> str:
        return str(self.path)


class TrackingServerSource:
    """A model URI on a tracking server, asked over REST."""

    def __init__(self, uri: str, home: Path, tracking_uri: str) -> None:
        self.uri = uri
        self._home = home
        self._tracking_uri = tracking_uri

    def state(self) -> object:
        """The version that the URI means now."""
        return open_registry(self._tracking_uri).resolve(self.uri).version

    def get(self) -> CandidateBundle:
        """Its bundle, downloaded once for all workers."""
        return _candidate(fetch(self.uri, self._home, open_registry(self._tracking_uri)))

    def __str__(self) -> str:
        return self.uri


class DatabaseSource:
    """A model URI in MLflow's database on this machine. A subprocess reads it, and only when the file has changed."""

    def __init__(self, uri: str, home: Path, database: Path) -> None:
        self.uri = uri
        self._home = home
        self._tracking_uri = f"sqlite:///{database}"
        self._files = (database, database.with_name(f"{database.name}-wal"))

    def state(self) -> object:
        """Device, inode, size and time of the database's files."""
        return tuple(_mark(file) for file in self._files)

    def get(self) -> CandidateBundle:
        """The bundle of the version that the URI means now."""
        return _candidate(fetch(self.uri, self._home, open_registry(self._tracking_uri)))

    def __str__(self) -> str:
        return self.uri


def open_sources(settings: ServingSettings) -> list[BundleSource | None]:
    """The source that each bundle follows: its model URI, or else its folder; None for a pinned version."""
    uris = [*settings.sources, *[""] * len(settings.bundles)]
    return [_open_source(uri, folder) for folder, uri in zip(settings.bundles, uris, strict=False)]


def _open_source(uri: str, folder: Path) -> BundleSource | None:
    if not uri.startswith(SCHEME):
        return FolderSource(folder)
    if _is_pinned(uri):
        return None
    domain = Settings()
    if domain.tracking_uri.startswith("sqlite:///"):
        return DatabaseSource(uri, domain.home, Path(domain.tracking_uri.removeprefix("sqlite:///")))
    return TrackingServerSource(uri, domain.home, domain.tracking_uri)


def _is_pinned(uri: str) -> bool:
    try:
        return ModelUri.parse(uri).pinned
    except ModelUriError:
        return False


def _candidate(stored: StoredBundle) -> CandidateBundle:
    return CandidateBundle(stored.folder, stored.version)


def _mark(file: Path) -> Iterable[int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
