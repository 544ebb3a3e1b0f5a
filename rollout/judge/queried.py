"""Results of a PromQL query that a specification gates on: counts of both versions, or one number."""

from dataclasses import dataclass, field
from typing import NamedTuple

from rollout.judge.dispersion import ErrorBlocks
from rollout.judge.sequential import Hits


class QueriedCounts(NamedTuple):
    """Events among all that was counted, of both versions in this window. blocks: of events, for their dispersion."""

    stable: Hits = Hits(0, 0)
    canary: Hits = Hits(0, 0)
    blocks: ErrorBlocks = ErrorBlocks()


class QueriedNumber(NamedTuple):
    """The last number. value: None while the query gives none. beyond: seconds that it has stayed above the limit."""

    value: float | None = None
    beyond: float = 0.0


@dataclass(frozen=True)
class QueriedCheck:
    """A query, its limit, and what it gave so far.

    limit: of counts, the rise of the share of events; of a number, the largest one. seconds: that a number must stay
    above the limit to fail the canary.
    """

    name: str
    limit: float
    result: QueriedCounts | QueriedNumber = field(default_factory=QueriedCounts)
    seconds: float = 0.0
