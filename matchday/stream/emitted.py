"""What a producer has said so far: the digest and the revision of each subject, kept in a file."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from matchday.events import Topic
from matchday.files import write_file
from matchday.stream.messages import subject


class Emitted:
    """Tells what is new, and numbers its revisions. path: of the file; None keeps nothing beyond this process."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._said: dict[str, tuple[str, int]] = {}
        if path is not None and path.exists():
            try:
                self._said = {key: (str(one), int(two)) for key, (one, two) in json.loads(path.read_text()).items()}
            except (ValueError, TypeError, AttributeError):
                self._said = {}  # then all is said again, which changes nothing

    def changed(
        self, found: Iterable[tuple[Topic, Mapping[str, Any]]], at_least: int
    ) -> list[tuple[Topic, dict[str, Any]]]:
        """Those data that say something else than before, with their revision.

        found: data without a revision. at_least: of the revision, such as milliseconds of this moment; it always grows.
        """
        new = []
        for topic, data in found:
            key, digest = subject(topic, data), _digest(data)
            known, revision = self._said.get(key, ("", -1))
            if known != digest:
                revision = max(at_least, revision + 1)
                self._said[key] = (digest, revision)
                new.append((topic, {**data, "revision": revision}))
        return new

    def results(self) -> list[str]:
        """Matches whose result was said."""
        return [key for key in self._said if ":" not in key]

    def keep(self) -> None:
        """Write down what was said, once it has been delivered."""
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_file(self._path, json.dumps(self._said).encode())


def _digest(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
