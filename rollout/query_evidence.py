"""Evidence of one PromQL gate in one window: counters of both versions, or how long a number has been too high."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rollout.judge import ErrorBlocks, Hits, QueriedCheck, QueriedCounts, QueriedNumber
from rollout.query_gate import QueryGate

LONGEST_GAP = 60.0
"""Seconds between two reads of a number beyond which it is not known to have stayed where it was."""

Series = Mapping[str, float]
"""Value of each series, by its labels as text."""


@dataclass(frozen=True)
class CounterRise:
    """Rise of counters since the first read of a window. first: at that read. last: of each series, when it was there.

    A series that appears later counts from zero: it is of a new server, or the first event of its kind.
    """

    first: Series = field(default_factory=dict)
    last: Series = field(default_factory=dict)

    @classmethod
    def begin(cls, now: Series) -> "CounterRise":
        """At the first read of a window."""
        return cls(dict(now), dict(now))

    def add(self, now: Series) -> "CounterRise":
        """With another read."""
        return replace(self, last={**self.last, **now})

    def falls(self, now: Series) -> bool:
        """Whether a series is lower than before: a server restarted, or left the sum that a query makes."""
        return any(now.get(name, value) < value for name, value in self.last.items())

    @property
    def total(self) -> int:
        """The rise of all series."""
        return round(sum(value - self.first.get(name, 0.0) for name, value in self.last.items()))


@dataclass(frozen=True)
class VersionCounts:
    """Events of one version, and all that was counted with them."""

    events: CounterRise
    total: CounterRise

    @classmethod
    def begin(cls, events: Series, total: Series) -> "VersionCounts":
        """At the first read of a window."""
        return cls(CounterRise.begin(events), CounterRise.begin(total))

    def add(self, events: Series, total: Series) -> "VersionCounts":
        """With another read."""
        return VersionCounts(self.events.add(events), self.total.add(total))

    def falls(self, events: Series, total: Series) -> bool:
        """Whether a series is lower than before."""
        return self.events.falls(events) or self.total.falls(total)

    @property
    def hits(self) -> Hits:
        """In this window."""
        n = self.total.total
        return Hits(min(self.events.total, n), n)


@dataclass(frozen=True)
class QueryEvidence:
    """What one gate has seen. asked: checksum of its queries; other queries under its name begin anew.

    stable, canary: counters; None before the first read. number, beyond, read_at: the last number, the seconds that it
    has stayed above the limit, and when it was read, Unix seconds.
    """

    asked: int
    stable: VersionCounts | None = None
    canary: VersionCounts | None = None
    blocks: ErrorBlocks = ErrorBlocks()  # noqa: RUF009
    number: float | None = None
    beyond: float = 0.0
    read_at: float = 0.0

    @classmethod
    def of(cls, gate: QueryGate, known: Mapping[str, "QueryEvidence"]) -> "QueryEvidence":
        """The known evidence of a gate; none where its queries have changed."""
        asked = zlib.crc32(f"{gate.query}\0{gate.total}".encode())
        found = known.get(gate.name)
        return found if found and found.asked == asked else cls(asked)

    def add_counts(self, stable: tuple[Series, Series], canary: tuple[Series, Series]) -> "QueryEvidence":
        """With counters as they are now: events and total of each version. The first read is where they begin.

        They begin anew where one is lower than before. A sum over servers that lacks one for a while jumps when it is
        back: counts that were read before are then gone, so none counts twice.
        """
        if not (self.stable and self.canary) or self.stable.falls(*stable) or self.canary.falls(*canary):
            return QueryEvidence(self.asked, VersionCounts.begin(*stable), VersionCounts.begin(*canary))
        one, other = self.stable.add(*stable), self.canary.add(*canary)
        return replace(self, stable=one, canary=other, blocks=self.blocks.add(one.hits, other.hits))

    def add_number(self, number: float | None, limit: float, now: float) -> "QueryEvidence":
        """With the number as it is now; None for none. Time in which it was not read does not count as above."""
        passed, was_above = now - self.read_at, self.number is not None and self.number > limit
        is_above = number is not None and number > limit
        counted = passed if was_above and 0 <= passed <= LONGEST_GAP else 0.0
        beyond = self.beyond + counted if is_above and was_above else 0.0
        return replace(self, number=number, beyond=beyond, read_at=now)

    def check(self, gate: QueryGate) -> QueriedCheck:
        """What the judge is asked about it."""
        result: QueriedCounts | QueriedNumber = QueriedNumber(self.number, self.beyond)
        if gate.total:
            result = QueriedCounts(blocks=self.blocks)
            if self.stable and self.canary:
                result = QueriedCounts(self.stable.hits, self.canary.hits, self.blocks)
        return QueriedCheck(gate.name, gate.limit, result, gate.for_seconds)

    def to_json(self) -> list[Any]:
        """To save with the evidence of a window."""
        counts = [each and _counts_to_json(each) for each in (self.stable, self.canary)]
        return [self.asked, *counts, [float(each) for each in self.blocks], self.number, self.beyond, self.read_at]

    @classmethod
    def from_json(cls, saved: list[Any]) -> "QueryEvidence":
        """From what `to_json` made. Raises ValueError or TypeError for anything else."""
        asked, stable, canary, blocks, number, beyond, read_at = saved
        one, other = (each and _counts_from_json(each) for each in (stable, canary))
        return cls(int(asked), one, other, ErrorBlocks(*blocks), number, float(beyond), float(read_at))


def queried_checks(gates: Iterable[QueryGate], known: Mapping[str, QueryEvidence]) -> tuple[QueriedCheck, ...]:
    """Of each gate, those without any evidence among them."""
    return tuple(QueryEvidence.of(gate, known).check(gate) for gate in gates)


def _counts_to_json(counts: VersionCounts) -> list[Any]:
    return [[dict(each.first), dict(each.last)] for each in (counts.events, counts.total)]


def _counts_from_json(saved: list[Any]) -> VersionCounts:
    return VersionCounts(*(CounterRise(dict(first), dict(last)) for first, last in saved))
