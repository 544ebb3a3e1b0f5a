"""Row to replay: the inputs of one forecast, asked of both versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class ReplayRow:
    """Inputs of one forecast, with the logged answer where there is one.

    entities: input -> entity. kickoff: Unix seconds, None where it was not given. features: column -> value, None where
    it was missing. version: of the logged answer, empty where there is none. output: column -> value. feature_service:
    what the features mean, empty where the log does not say. numbers: those that a request gives beside entities; a
    logged row has them among its features.
    """

    entities: Mapping[str, str | int] = field(default_factory=dict)
    kickoff: float | None = None
    features: Mapping[str, float | None] = field(default_factory=dict)
    version: str = ""
    output: Mapping[str, float] = field(default_factory=dict)
    feature_service: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)

    def number(self, name: str) -> float | None:
        """A number that a request gives beside entities; None where it is not known."""
        return self.numbers.get(name, self.features.get(name))


class RowSource(Protocol):
    """Provides rows to replay."""

    def rows(self, model: str, most: int) -> Sequence[ReplayRow]:
        """At most so many different rows; the same each time until rows are added. Raises SourceError."""
