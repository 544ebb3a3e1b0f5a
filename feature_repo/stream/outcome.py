"""What became of a batch of records."""

from dataclasses import dataclass, field


@dataclass
class Outcome:
    """Counts of one batch.

    known: records whose fact was known already, or another ranked higher. late: of days before the newest one.
    poison: by reason. rows: feature rows that were written, by view. newest: their latest event time, by view.
    """

    received: int = 0
    known: int = 0
    late: int = 0
    poison: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    newest: dict[str, float] = field(default_factory=dict)
