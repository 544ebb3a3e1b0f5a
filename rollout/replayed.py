"""Requests that a rollout made of both versions before traffic: what they did with them, slice by slice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rollout.cohorts import cohort_from_json, cohort_to_json, sum_cohorts
from rollout.judge import Cohort, ErrorBlocks, Histogram, Hits, ReplayedCohorts, ServerLatencies
from rollout.server_latencies import add_latencies, latencies_from_json, latencies_to_json
from rollout.sources import ReplayedRequests


@dataclass(frozen=True)
class ReplayEvidence:
    """Sums over the slices. ended: no more are made. blocks: of errors. stable_servers, canary_servers: durations."""

    stable: Cohort = field(default_factory=Cohort)
    canary: Cohort = field(default_factory=Cohort)
    ended: bool = False
    blocks: ErrorBlocks = field(default_factory=ErrorBlocks)
    stable_servers: Mapping[str, Histogram] = field(default_factory=dict)
    canary_servers: Mapping[str, Histogram] = field(default_factory=dict)

    def add(self, more: ReplayedRequests, budget: int) -> "ReplayEvidence":
        """With one more slice. budget: of requests to each version, after which there are no more."""
        stable, canary = sum_cohorts([self.stable, more.stable]), sum_cohorts([self.canary, more.canary])
        return ReplayEvidence(
            stable,
            canary,
            canary.requests >= budget,
            self.blocks.add(Hits(stable.failed, stable.requests), Hits(canary.failed, canary.requests)),
            add_latencies(self.stable_servers, more.stable_servers, more.stable_servers),
            add_latencies(self.canary_servers, more.canary_servers, more.canary_servers),
        )

    def cohorts(self) -> ReplayedCohorts:
        """The input of the judge."""
        servers = ServerLatencies(tuple(self.stable_servers.values()), tuple(self.canary_servers.values()))
        return ReplayedCohorts(self.stable, self.canary, self.ended, self.blocks, servers)

    def to_json(self) -> list[Any]:
        """To save."""
        servers = [latencies_to_json(each) for each in (self.stable_servers, self.canary_servers)]
        blocks = [float(each) for each in self.blocks]
        return [cohort_to_json(self.stable), cohort_to_json(self.canary), self.ended, blocks, servers]

    @classmethod
    def from_json(cls, saved: list[Any]) -> "ReplayEvidence":
        """As saved; earlier releases saved neither blocks nor servers. Raises KeyError, TypeError or ValueError."""
        stable, canary, ended, *more = saved
        blocks, servers = more or ((), ({}, {}))
        cohorts = cohort_from_json(stable), cohort_from_json(canary)
        return cls(*cohorts, bool(ended), ErrorBlocks(*blocks), *map(latencies_from_json, servers))
