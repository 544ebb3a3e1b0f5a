"""Requests of users that were copied to a candidate: what both versions did with them, from counter to counter."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Any

from rollout.cohorts import cohort_from_json, cohort_to_json, count_increase, sum_cohorts
from rollout.judge import (
    Cohort,
    ErrorBlocks,
    GatewayFailures,
    Histogram,
    Hits,
    ReplayedCohorts,
    ServerLatencies,
    with_lost_requests,
)
from rollout.server_latencies import add_latencies, latencies_from_json, latencies_to_json

ENOUGH = 5000
"""Copies after which the rest is left to the steps with traffic."""


@dataclass(frozen=True)
class MirroredRequests:
    """Counts since the first read. Durations are the servers' own, of the same requests or of a share of them.

    seen: the counters of each endpoint at its last read. stable: users' requests. canary: copies. warming: copies so
    far of each of the candidate's endpoints whose first requests are not over yet. gateway: failed requests as the
    gateway counts them; None where it counts none. blocks: of errors, for their dispersion. stable_servers,
    canary_servers: durations by server.
    """

    seen: Mapping[str, Cohort] = field(default_factory=dict)
    stable: Cohort = field(default_factory=Cohort)
    canary: Cohort = field(default_factory=Cohort)
    warming: Mapping[str, int] = field(default_factory=dict)
    gateway: GatewayFailures | None = None
    blocks: ErrorBlocks = field(default_factory=ErrorBlocks)
    stable_servers: Mapping[str, Histogram] = field(default_factory=dict)
    canary_servers: Mapping[str, Histogram] = field(default_factory=dict)

    def add(self, stable: Mapping[str, Cohort], canary: Mapping[str, Cohort], warm: int) -> "MirroredRequests":
        """With the increase of counters since the last read. stable, canary: counters now, by endpoint.

        warm: first copies of each of the candidate's endpoints whose durations do not count.
        """
        now = {**stable, **canary}
        increases = {name: count_increase(self.seen[name], now[name]) for name in now if name in self.seen}
        warming = {**self.warming, **dict.fromkeys((name for name in canary if name not in self.seen), 0)}
        for name in warming.keys() & increases.keys():
            warming[name] += increases[name].requests
            increases[name] = replace(increases[name], latency=None) if warm else increases[name]
        sums = [
            sum_cohorts([own, *(increases[name] for name in counters if name in increases)])
            for own, counters in ((self.stable, stable), (self.canary, canary))
        ]
        cold = {name: count for name, count in warming.items() if count < warm}
        return replace(
            self,
            seen={**self.seen, **now},
            stable=sums[0],
            canary=sums[1],
            warming=cold,
            stable_servers=add_latencies(self.stable_servers, stable, increases),
            canary_servers=add_latencies(self.canary_servers, canary, increases),
        )._end_block()

    def _end_block(self) -> "MirroredRequests":
        """End a block of errors, where there are enough requests for one."""
        before, now = (Hits(each.failed, each.requests) for each in self._with_lost())
        return replace(self, blocks=self.blocks.add(before, now))

    def _with_lost(self) -> tuple[Cohort, Cohort]:
        """Both versions, with the requests that only the gateway saw fail."""
        lost = self.gateway or GatewayFailures()
        return with_lost_requests(self.stable, lost.stable), with_lost_requests(self.canary, lost.canary)

    def add_failures(self, stable: int, canary: int) -> "MirroredRequests":
        """With failed requests as the gateway has counted them so far; to be read before the servers' counters."""
        begun = self.gateway or GatewayFailures(stable, canary)
        return replace(self, gateway=begun.add(stable, canary))

    def close(self) -> "MirroredRequests":
        """The counts alone, for the steps after the one in which requests are copied."""
        return replace(self, seen={}, warming={})

    def to_json(self) -> list[Any]:
        """To save."""
        seen = {name: cohort_to_json(cohort) for name, cohort in self.seen.items()}
        counted = [cohort_to_json(each) for each in (self.stable, self.canary)]
        gateway = list(astuple(self.gateway)) if self.gateway else None
        servers = [latencies_to_json(each) for each in (self.stable_servers, self.canary_servers)]
        return [seen, *counted, dict(self.warming), gateway, [float(each) for each in self.blocks], servers]

    @classmethod
    def from_json(cls, saved: list[Any]) -> "MirroredRequests":
        """As saved; earlier releases saved neither blocks nor servers. Raises KeyError, TypeError or ValueError."""
        seen, stable, canary, warming, gateway, *more = saved
        blocks, servers = more or ((), ({}, {}))
        return cls(
            {name: cohort_from_json(cohort) for name, cohort in seen.items()},
            cohort_from_json(stable),
            cohort_from_json(canary),
            {name: int(count) for name, count in warming.items()},
            GatewayFailures(*gateway) if gateway else None,
            ErrorBlocks(*blocks),
            *map(latencies_from_json, servers),
        )

    def cohorts(self) -> ReplayedCohorts:
        """What both versions did, with the requests that only the gateway saw fail."""
        stable, canary = self._with_lost()
        servers = ServerLatencies(tuple(self.stable_servers.values()), tuple(self.canary_servers.values()))
        return ReplayedCohorts(stable, canary, canary.requests >= ENOUGH, self.blocks, servers)
