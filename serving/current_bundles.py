"""The bundles that a server serves now, on its disk: a worker that starts later begins with them.

A worker is started again after a crash and on SIGHUP, and a container after a kill. The bundle that the server was
started with may be a retired champion by then.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from matchday.bundle import verify_bundle
from matchday.errors import MatchdayError
from matchday.files import lock_file, write_file
from serving.settings import ServingSettings
from serving.sources import CandidateBundle, FolderSource, open_sources


class CurrentBundles:
    """One file for each served model, by its index in the settings. All workers of a server read and write them."""

    def __init__(self, folder: Path, lasting: Path | None = None) -> None:
        """folder: of this run. lasting: outlives it; written where that is possible, read by `resume`."""
        self.folder = folder
        self.lasting = lasting

    def read(self, index: int) -> CandidateBundle | None:
        """The bundle that serves, None before any does."""
        return _read(self.folder / _name(index))

    def write(self, index: int, bundle: CandidateBundle) -> None:
        """Note that this bundle has taken over."""
        with lock_file(self.folder / "current.lock"):
            self._write(index, bundle)

    def write_first(self, index: int, bundle: CandidateBundle) -> None:
        """Note the bundle of the start, unless another has taken over already."""
        with lock_file(self.folder / "current.lock"):
            if self.read(index) is None:
                self._write(index, bundle)

    def resume(self, indices: Iterable[int]) -> None:
        """Begin with what a former run of the same settings served last, where that is still whole."""
        if self.lasting is None:
            return
        for index in indices:
            try:
                if last := _read(self.lasting / _name(index)):
                    verify_bundle(last.folder)
                    _write(self.folder / _name(index), last)
            except (MatchdayError, OSError, ValueError, KeyError, TypeError):
                continue  # the bundle of the start serves, until its source is asked

    def _write(self, index: int, bundle: CandidateBundle) -> None:
        _write(self.folder / _name(index), bundle)
        if self.lasting is None:
            return
        try:
            self.lasting.mkdir(parents=True, exist_ok=True)
            _write(self.lasting / _name(index), bundle)
        except OSError:
            self.lasting = None  # a disk that cannot be written: a container's restart begins with its first bundle


def lasting_folder(settings: ServingSettings, home: Path) -> Path | None:
    """Where servers with these settings note what they serve; None where they follow no source."""
    if not settings.refresh_seconds:
        return None
    start = [[str(folder) for folder in settings.bundles], settings.versions, settings.sources, settings.start]
    return home / "serving" / hashlib.sha256(json.dumps(start).encode()).hexdigest()[:16]


def resumable(settings: ServingSettings) -> list[int]:
    """The served models, by their index, that go on with what is noted: a folder itself tells what it holds now."""
    return [
        index
        for index, source in enumerate(open_sources(settings))
        if source is not None and not isinstance(source, FolderSource)
    ]


def _name(index: int) -> str:
    return f"current-{index}.json"


def _read(file: Path) -> CandidateBundle | None:
    try:
        found = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    return CandidateBundle(Path(found["folder"]), found["version"])


def _write(file: Path, bundle: CandidateBundle) -> None:
    write_file(file, json.dumps({"folder": str(bundle.folder.resolve()), "version": bundle.version}).encode())
