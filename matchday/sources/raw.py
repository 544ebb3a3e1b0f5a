"""Answers of sources as they were received, kept by their content, and which address gave which answer when.

    raw/bodies/<sha256>.gz    a body, compressed; the same body is kept once
    raw/answers/<sum>.json    the answers of one address, oldest first; <sum>: 32 digits of the address's sha256

A body is written before the line that names it, so a writer that is killed leaves a body that nothing names, and never
a name without a body. `sweep` deletes what is older than the retention; the newest answer of an address stays.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from matchday.errors import MatchdayError
from matchday.storage import Storage

MAX_BYTES = 64 * 2**20
"""Largest body that is unpacked."""


class RawError(MatchdayError):
    """An answer that was kept and is damaged or gone."""


@dataclass(frozen=True)
class RawAnswer:
    """One answer of an address. known_at: when it was received, ISO 8601 UTC. etag, last_modified: its validators.

    read: it could be read as what it should be; only such an answer may be asked for again by its validators.
    """

    address: str
    sha256: str
    known_at: str
    etag: str = ""
    last_modified: str = ""
    read: bool = False

    @property
    def moment(self) -> datetime:
        """When it was received."""
        return datetime.fromisoformat(self.known_at)


class RawAnswers:
    """Answers below the root of what was collected. Raises StorageError when the root does not allow it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @property
    def url(self) -> str:
        """The root of what was collected."""
        return self._storage.url

    def keep(self, address: str, body: bytes, known_at: datetime, etag: str = "", last_modified: str = "") -> RawAnswer:
        """Keep an answer, not yet read.

        The same body as the newest one's is no new answer: that one is returned, with the validators of this one.
        """
        digest = hashlib.sha256(body).hexdigest()
        kept = self.answers(address)
        if kept and kept[-1].sha256 == digest and self._holds(digest):
            again = replace(kept[-1], etag=etag, last_modified=last_modified)
            if again != kept[-1]:
                self._write(address, [*kept[:-1], again])
            return again
        answer = RawAnswer(address, digest, known_at.astimezone(UTC).isoformat(), etag, last_modified)
        self._storage.write(_body(digest), gzip.compress(body, mtime=0))
        self._write(address, [*kept, answer])
        return answer

    def mark_read(self, answer: RawAnswer) -> None:
        """Note that an answer could be read."""
        before = self.answers(answer.address)
        marked = [replace(one, read=True) if one.sha256 == answer.sha256 else one for one in before]
        if marked != before:
            self._write(answer.address, marked)

    def newest(self, address: str) -> RawAnswer | None:
        """The newest answer of an address that could be read and whose body is there; None without any."""
        good = (one for one in reversed(self.answers(address)) if one.read and self._holds(one.sha256))
        return next(good, None)

    def answers(self, address: str) -> list[RawAnswer]:
        """The answers of an address, oldest first. A record that cannot be read holds none."""
        return self._lines(_record(address))

    def body(self, sha256: str) -> bytes:
        """The body of an answer. Raises RawError when it is gone or damaged."""
        try:
            packed = self._storage.read(_body(sha256))
            found = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(packed, MAX_BYTES)
        except FileNotFoundError:
            raise RawError(f"{self._storage.address(_body(sha256))} is gone: its retention is over") from None
        except zlib.error:
            found = b""
        if hashlib.sha256(found).hexdigest() != sha256:
            raise RawError(
                f"{self._storage.address(_body(sha256))} is damaged; delete it, and restore it from a backup"
            )
        return found

    def sweep(self, now: datetime, retention: timedelta, needed: Iterable[str] = ()) -> int:
        """Delete bodies that only answers older than the retention name. Returns how many.

        needed: sums of bodies that stay all the same, such as those of rows in quarantine.
        """
        oldest, stay, gone = now - retention, set(needed), dict[str, list[RawAnswer]]()
        for path in self._storage.files("raw/answers"):
            kept = self._lines(path)
            old = [one for one in kept[:-1] if one.moment < oldest]
            stay |= {one.sha256 for one in kept if one not in old}
            if old:
                gone[path] = [one for one in kept if one not in old]
        bodies = self._storage.files("raw/bodies")
        doomed = [path for path, written in bodies.items() if _digest(path) not in stay and written < oldest]
        for path, left in gone.items():
            self._storage.write(path, _dump(left))
        self._storage.delete(doomed)
        return len(doomed)

    def _lines(self, path: str) -> list[RawAnswer]:
        try:
            return [RawAnswer(**line) for line in json.loads(self._storage.read(path))]
        except (FileNotFoundError, ValueError, TypeError):
            return []

    def _write(self, address: str, answers: list[RawAnswer]) -> None:
        self._storage.write(_record(address), _dump(answers))

    def _holds(self, sha256: str) -> bool:
        try:
            self.body(sha256)
        except RawError:
            return False
        return True


def _dump(answers: list[RawAnswer]) -> bytes:
    return json.dumps([asdict(one) for one in answers], indent=0).encode()


def _record(address: str) -> str:
    return f"raw/answers/{hashlib.sha256(address.encode()).hexdigest()[:32]}.json"


def _body(sha256: str) -> str:
    return f"raw/bodies/{sha256}.gz"


def _digest(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".gz")
