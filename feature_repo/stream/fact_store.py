"""What the processor keeps: facts, how far features were made of them, and which offsets they hold."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from feature_repo.stream.facts import Fact

Position = tuple[str, int]
"""Topic and partition."""


class Progress(NamedTuple):
    """How far features of a season were written. version: their revision. until: Unix seconds of the last moment."""

    version: int = 0
    until: float = 0.0


class Changes(NamedTuple):
    """Matches whose facts changed after some version. version: of the facts as read, at least.

    facts: match -> subject -> stored fact, all facts of each of these matches.
    """

    version: int
    facts: Mapping[str, Mapping[str, bytes]]


class FactStore(Protocol):
    """Shared by all processors of a group, beside the online features. Every method raises FeatureStoreError.

    Facts carry a version for each season, which grows whenever one of them changes: Unix milliseconds of then, or one
    more than before. Rows that are made of facts have it as their revision, and as `created` in the offline store.
    """

    def put(self, facts: Sequence[Fact]) -> int:
        """Keep the facts that rank higher than what is known, atomically. Returns how many did."""

    def changes(self, season: str, since: int) -> Changes:
        """What changed after a version; all of the season since 0."""

    def version(self, season: str) -> int:
        """The version of a season's facts; 0 without any."""

    def seasons(self) -> list[str]:
        """The seasons that have facts, in order."""

    def progress(self, season: str) -> Progress:
        """How far the features of a season were written, by any processor."""

    def note_progress(self, season: str, progress: Progress) -> None:
        """Write down that features were written; never goes back."""

    def offsets(self) -> dict[Position, int]:
        """The offset behind the last record whose facts and features are kept, by partition."""

    def note_offsets(self, offsets: Mapping[Position, int]) -> None:
        """Write down offsets, together; none goes back."""

    def forget_offsets(self, positions: Sequence[Position]) -> None:
        """Forget offsets, so that lower ones can be written down: a topic was made anew."""

    def note(self, name: str, value: str | None = None) -> str:
        """The value of a note, empty without one; with a value it is written first."""

    def close(self) -> None:
        """Let go of connections."""
