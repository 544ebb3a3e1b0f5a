"""A row that both versions are asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class ReplayRow:
    """A match as it was asked for, and what was answered then, where somebody was.

    entities: input -> entity. kickoff: Unix seconds, None where it was not said. features: column -> number, None
    where it was missing. version: who answered; empty where nobody has. output: class -> number.
    """

    entities: Mapping[str, str | int] = field(default_factory=dict)
    kickoff: float | None = None
    features: Mapping[str, float | None] = field(default_factory=dict)
    version: str = ""
    output: Mapping[str, float] = field(default_factory=dict)


class RowSource(Protocol):
    """Where rows come from."""

    def rows(self, model: str, most: int) -> Sequence[ReplayRow]:
        """At most so many different rows, the same each time as long as nothing is added. Raises SourceError."""
