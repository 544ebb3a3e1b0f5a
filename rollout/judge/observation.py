"""Observation of two versions in the same window: request counts, latencies, paired forecasts, paired scores."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from rollout.judge.arrays import FloatArray
from rollout.judge.cohort import Cohort, Histogram
from rollout.judge.dispersion import ErrorBlocks
from rollout.judge.gateway_failures import GatewayFailures
from rollout.judge.pairs import Pairs
from rollout.judge.queried import QueriedCheck
from rollout.judge.recent_errors import RecentErrors
from rollout.judge.restarts import Restarts
from rollout.judge.sequential import Hits


class ServerLatencies(NamedTuple):
    """Durations by server of each version, in this window."""

    stable: tuple[Histogram, ...] = ()
    canary: tuple[Histogram, ...] = ()


@dataclass(frozen=True)
class ReplayedCohorts:
    """Requests that a rollout made of both versions before traffic, or copied. ended: no more are waited for.

    blocks: of errors, for their dispersion; None where they are taken as independent. servers: latency by server; empty
    where only the sums are known.
    """

    stable: Cohort = field(default_factory=Cohort)
    canary: Cohort = field(default_factory=Cohort)
    ended: bool = False
    blocks: ErrorBlocks | None = None
    servers: ServerLatencies = field(default_factory=ServerLatencies)

    def tested(self) -> tuple[Hits, Hits]:
        """Errors as counts of independent requests of stable and canary, where both have any."""
        one, other = (Hits(each.failed, each.requests) for each in (self.stable, self.canary))
        if self.blocks is None or not min(self.stable.requests, self.canary.requests):
            return one, other
        return self.blocks.effective(one, other)


@dataclass(frozen=True, eq=False)
class Observation:
    """All data for a judgement; None where a source has none.

    skill: (n,) score of canary minus stable on matches that both forecast, lower is better; looked at repeatedly.
    history: (n,) the same for walk-forward forecasts of past weeks; looked at once, before any traffic. classes: names
    of the columns of `pairs`, for people. largest_score: of one match, where 0 is the best; None when the score has no
    largest value. unreadable: check -> why its newest data could not be read; such a check does not pass, while one
    whose data is absent may be left out. restarts: of the candidate's servers. gateway: failed requests as the gateway
    counted them, None where it counts none. blocks: of errors, for their dispersion; None where errors are taken as
    independent. recent: the detector of a late change of errors. replayed: requests of the rollout's
    own. servers: latency by server; empty where only the sums are known. mirrored: users' requests, and their copies to
    the canary. mirrored_pairs: answers to those. queried: checks that the specification adds.
    """

    stable: Cohort = field(default_factory=Cohort)
    canary: Cohort = field(default_factory=Cohort)
    pairs: Pairs | None = None
    skill: FloatArray | None = None
    history: FloatArray | None = None
    classes: tuple[str, ...] = ()
    largest_score: float | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)
    restarts: Restarts | None = None
    gateway: GatewayFailures | None = None
    blocks: ErrorBlocks | None = None
    recent: RecentErrors | None = None
    replayed: ReplayedCohorts | None = None
    servers: ServerLatencies = field(default_factory=ServerLatencies)
    mirrored: ReplayedCohorts | None = None
    mirrored_pairs: Pairs | None = None
    queried: tuple[QueriedCheck, ...] = ()
