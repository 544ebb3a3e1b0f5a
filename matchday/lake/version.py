"""The pointer of a table, `current.json`: which version is current, and where its parts are."""

import json
from dataclasses import asdict, dataclass

FORMAT = 2
"""In format 1 versions had no number, parts no fingerprint; files were `TABLE/FINGERPRINT/season=2526/part.parquet`."""

KEPT = 3
"""Former versions whose parts stay, for readers that still hold them."""


class UnknownFormat(Exception):
    """A pointer that a later release wrote."""


@dataclass(frozen=True)
class Part:
    """One Parquet file: its path below the root, its season if the table has one, and the SHA-256 of its bytes.

    fingerprint: of its rows; empty in a part of format 1.
    """

    path: str
    season: str | None
    rows: int
    sha256: str
    fingerprint: str = ""


@dataclass(frozen=True)
class Version:
    """A version of a table. fingerprint: of all rows. former: paths of the versions before it, newest first.

    number: one more than that of the version before; 0 for format 1.
    """

    fingerprint: str
    parts: tuple[Part, ...]
    number: int = 0
    former: tuple[tuple[str, ...], ...] = ()

    def next(self, fingerprint: str, parts: tuple[Part, ...]) -> "Version":
        """The version that replaces this one."""
        former = (tuple(part.path for part in self.parts), *self.former)
        return Version(fingerprint, parts, self.number + 1, former[:KEPT])

    def paths(self) -> set[str]:
        """Every file that a reader of this version or of a kept former one needs."""
        return {part.path for part in self.parts}.union(*self.former)

    def to_json(self) -> bytes:
        """As stored."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Version":
        """From what is stored. Raises UnknownFormat; KeyError, TypeError or ValueError when it is damaged."""
        tree = json.loads(content)
        written = tree.get("format", 1) if isinstance(tree, dict) else 1
        if written not in (1, FORMAT):
            raise UnknownFormat(str(written))
        parts = tuple(Part(**part) for part in tree["parts"])
        if written == 1:
            return cls(tree["fingerprint"], parts)
        former = tuple(tuple(map(str, paths)) for paths in tree["former"])
        return cls(tree["fingerprint"], parts, int(tree["number"]), former)
