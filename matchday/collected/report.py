"""What an update did: what each source gave, what changed, what was refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from matchday.collected.standings import SourceStanding


@dataclass(frozen=True)
class SourceOutcome:
    """What one source gave in an update. added: new versions by table name.

    error: why it gave nothing, or only a part; else empty.
    """

    standing: SourceStanding
    added: Mapping[str, int] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Change:
    """A field of a match or a player that has another value than before. Values as text, `-` for none."""

    subject: str
    field: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.field} {self.before} -> {self.now}"


@dataclass(frozen=True)
class Disagreement:
    """Sources that say something else of a match than what is believed. field: kickoff or result."""

    match_id: str
    field: str
    believed: str
    others: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        others = ", ".join(f"{source} says {said}" for source, said in self.others)
        return f"{self.match_id}: {self.field} is {self.believed}, but {others}"


@dataclass(frozen=True)
class RefusedRow:
    """A row in quarantine; see `matchday.tables.refused_rows`. Moments: ISO 8601 UTC; decided_at empty without one."""

    id: str
    source: str
    season: str
    table: str
    key: str
    rule: str
    reason: str
    content: str
    known_at: str
    raw: str
    state: str
    decided_at: str


@dataclass(frozen=True)
class UpdateReport:
    """What an update did.

    refused: rows that were refused for the first time. kept: how many rows in quarantine wait for a decision.
    seasons: those under way. tables: names of the standard tables that changed; without any, nothing downstream need
    run. until: after it the tables change without news, as a bundled season takes an observed one's place; None: never.
    """

    moment: datetime
    sources: tuple[SourceOutcome, ...]
    changes: tuple[Change, ...]
    refused: tuple[RefusedRow, ...]
    kept: int
    disagreements: tuple[Disagreement, ...]
    warnings: tuple[str, ...]
    seasons: tuple[str, ...]
    tables: tuple[str, ...]
    until: datetime | None = None

    @property
    def failed(self) -> list[SourceOutcome]:
        """The sources that gave nothing, or only a part."""
        return [one for one in self.sources if one.error]


def describe_outcome(outcome: SourceOutcome) -> str:
    """What a source gave, in one line; one that gave nothing: why, since when, and of when its data are."""
    standing = outcome.standing
    if outcome.error:
        last = f"its data is of {standing.last_success[:16]}" if standing.last_success else "it never gave any"
        return f"{outcome.error} (fails since {standing.failing_since[:16]}; {last})"
    new = ", ".join(f"{count:,} {name.removeprefix('observed_')}" for name, count in outcome.added.items() if count)
    return f"{standing.source}: new: {new}" if new else f"{standing.source}: nothing new"
