"""Evidence of a window: request counts, paired forecasts and scores of both versions, saved with the state."""

import base64
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Any

import numpy as np

from matchday.errors import MatchdayError
from rollout.cohorts import cohort_from_json, cohort_to_json, count_increase, sum_cohorts
from rollout.judge import (
    Cohort,
    Entities,
    ErrorBlocks,
    FloatArray,
    GatewayFailures,
    Histogram,
    Hits,
    Observation,
    Pairs,
    RecentErrors,
    Restarts,
    ServerLatencies,
    with_lost_requests,
)
from rollout.mirrored import MirroredRequests
from rollout.query_evidence import QueryEvidence
from rollout.replayed import ReplayEvidence
from rollout.server_latencies import add_latencies, latencies_from_json, latencies_to_json
from rollout.sources import ReplayedRequests

DIGITS = 6
"""Decimals of a saved probability."""


class EvidenceError(MatchdayError):
    """Saved evidence that this release cannot read."""


@dataclass(frozen=True)
class Evidence:
    """Data of one window.

    opened: when the split came into force, Unix seconds; None before. seen: the counters of each endpoint at its last
    read. stable, canary: requests since the window opened. history: paired scores of past weeks, read once. skill:
    paired scores of matches played since; not saved but read whole each time, so that a corrected result counts.
    unreadable: check -> why its data could not be read in this round; not saved. warming: requests so far of each
    endpoint in this window whose first requests are not over yet. restarts: of the candidate's servers in this window.
    gateway: failed requests as the gateway counts them; None where it counts none. blocks: of errors, for their
    dispersion. recent: detector of a late change of errors.
    replayed: requests that the rollout itself made of both versions in the shadow step. mirrored: users' requests that
    were copied to the candidate. mirrored_pairs: answers to those; not saved but read whole each time. stable_servers,
    canary_servers: durations by server. queried: of each PromQL gate, by its name.
    """

    opened: float | None = None
    seen: Mapping[str, Cohort] = field(default_factory=dict)
    stable: Cohort = field(default_factory=Cohort)
    canary: Cohort = field(default_factory=Cohort)
    pairs: Pairs | None = None
    history: FloatArray | None = None
    skill: FloatArray | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)
    warming: Mapping[str, int] = field(default_factory=dict)
    restarts: Restarts | None = None
    gateway: GatewayFailures | None = None
    blocks: ErrorBlocks = field(default_factory=ErrorBlocks)
    recent: RecentErrors = RecentErrors()  # noqa: RUF009
    replayed: ReplayEvidence | None = None
    mirrored: MirroredRequests | None = None
    mirrored_pairs: Pairs | None = None
    stable_servers: Mapping[str, Histogram] = field(default_factory=dict)
    canary_servers: Mapping[str, Histogram] = field(default_factory=dict)
    queried: Mapping[str, QueryEvidence] = field(default_factory=dict)

    def add_queried(self, name: str, seen: QueryEvidence) -> "Evidence":
        """Evidence with what a PromQL gate has seen so far."""
        return replace(self, queried={**self.queried, name: seen})

    def add_replayed(self, more: ReplayedRequests, budget: int) -> "Evidence":
        """Evidence with more replayed requests. budget: of requests to each version, after which there are no more."""
        return replace(self, replayed=(self.replayed or ReplayEvidence()).add(more, budget))

    def add_failures(self, stable: int, canary: int) -> "Evidence":
        """Evidence with failed requests as the gateway has counted them so far; the first read is where it begins.

        To be read before the servers' counters: so a failure that both count is never taken for one that is lost.
        """
        begun = self.gateway or GatewayFailures(stable, canary)
        return replace(self, gateway=begun.add(stable, canary))

    def add_restarts(self, counts: Mapping[str, int]) -> "Evidence":
        """Evidence with restarts so far, by server; the first read of a window is where it begins."""
        return replace(self, restarts=self.restarts.add(counts) if self.restarts else Restarts.begin(counts))

    def add_counts(
        self,
        stable: Mapping[str, Cohort],
        canary: Mapping[str, Cohort],
        warm: int = 0,
        limit: float | None = None,
    ) -> "Evidence":
        """Evidence with the increase of counters since the last read. stable, canary: counters now, by endpoint.

        limit: of errors, to watch for a late change; None to watch for none.

        Durations of an endpoint's first `warm` requests in this window, and after a restart, are not counted: all that
        were read together with one of them. Their errors are.

        An endpoint that is read for the first time starts at its present counts. One that did not answer is read on
        from its last counts later. One whose counts fell was restarted, and all its counts are new. So no request is
        counted twice; lost are only those before an endpoint's first read and between its last read and its end.
        """
        now = {**stable, **canary}
        increases = {name: count_increase(self.seen[name], now[name]) for name in now if name in self.seen}
        warming = {**self.warming, **dict.fromkeys((name for name in now if name not in self.seen), 0)}
        for name, increase in increases.items():
            if increase is now[name]:
                warming[name] = 0
            if name in warming and warm:
                increases[name] = replace(increase, latency=None)
                warming[name] += increase.requests
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
        )._end_block(limit)

    def _end_block(self, limit: float | None) -> "Evidence":
        """End blocks of errors, where there are enough requests for one."""
        gateway = self.gateway or GatewayFailures()
        counted = with_lost_requests(self.stable, gateway.stable), with_lost_requests(self.canary, gateway.canary)
        before, now = (Hits(each.failed, each.requests) for each in counted)
        blocks = self.blocks.add(before, now)
        if limit is None or not now.n:
            return replace(self, blocks=blocks)
        dispersion = float(blocks.dispersion(before, now))
        return replace(self, blocks=blocks, recent=self.recent.add(before, now, limit, dispersion))

    def as_baseline(self) -> "Evidence":
        """What a bake compares with: the requests to stable in this window, and in what clusters its errors come."""
        gateway = self.gateway or GatewayFailures()
        stable = replace(with_lost_requests(self.stable, gateway.stable), latency=None)
        past = Hits(stable.failed, stable.requests)
        recent = RecentErrors.begin_after(past, float(self.blocks.dispersion(past, Hits(0, 0))))
        return Evidence(stable=stable, blocks=self.blocks, recent=recent)

    def add_promoted(self, counters: Mapping[str, Cohort], limit: float) -> "Evidence":
        """Evidence of a bake with the promoted version's counters now, by endpoint. limit: of errors."""
        added = self.add_counts({}, counters)
        now = with_lost_requests(added.canary, self.gateway.canary if self.gateway else 0)
        past = Hits(self.stable.failed, self.stable.requests)
        watched = Hits(self.recent.stable_hits, self.recent.stable_n), Hits(now.failed, now.requests)
        recent = self.recent.add(*watched, limit, float(self.blocks.dispersion(past, Hits(0, 0))))
        return replace(added, blocks=self.blocks, recent=recent)

    def open_window(self, now: float, counters: Mapping[str, Cohort], warm: int = 0) -> "Evidence":
        """Evidence of a window that opens at these counters, Unix seconds. warm: first requests, as in `add_counts`."""
        return replace(self, opened=now, seen=counters, warming=dict.fromkeys(counters, 0) if warm else {})

    def observation(self, classes: tuple[str, ...] = (), largest_score: float | None = None) -> Observation:
        """The input of the judge. classes: names of the columns of `pairs`. largest_score: of one match."""
        return Observation(
            self.stable,
            self.canary,
            self.pairs,
            self.skill,
            self.history,
            classes,
            largest_score,
            self.unreadable,
            self.restarts,
            self.gateway,
            self.blocks,
            self.recent,
            self.replayed.cohorts() if self.replayed else None,
            ServerLatencies(tuple(self.stable_servers.values()), tuple(self.canary_servers.values())),
            self.mirrored.cohorts() if self.mirrored else None,
            self.mirrored_pairs,
        )

    def to_text(self) -> str:
        """Compressed text to save in a state; empty when there is no evidence."""
        kept = (self.opened, self.pairs, self.history, self.restarts, self.replayed, self.mirrored)
        if all(each is None for each in kept) and not self.stable.requests:
            return ""
        return _compress(
            {
                "opened": self.opened,
                "seen": {name: cohort_to_json(cohort) for name, cohort in self.seen.items()},
                "stable": cohort_to_json(self.stable),
                "canary": cohort_to_json(self.canary),
                "pairs": self.pairs and _pairs_to_json(self.pairs),
                "history": None if self.history is None else _array_to_json(self.history),
                "warming": dict(self.warming),
                "gateway": self.gateway and list(astuple(self.gateway)),
                "blocks": [float(each) for each in self.blocks],
                "replayed": self.replayed and self.replayed.to_json(),
                "mirrored": self.mirrored and self.mirrored.to_json(),
                "recent": [*self.recent[:4], [_finite(log) for log in self.recent.logs]],
                "servers": [latencies_to_json(each) for each in (self.stable_servers, self.canary_servers)],
                "restarts": self.restarts and [dict(self.restarts.first), dict(self.restarts.most)],
                "queried": {name: each.to_json() for name, each in self.queried.items()},
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "Evidence":
        """Evidence of a saved state. Raises EvidenceError for text of another release."""
        if not text:
            return cls()
        try:
            saved = _decompress(text)
            return cls(
                opened=saved["opened"],
                seen={name: cohort_from_json(cohort) for name, cohort in saved["seen"].items()},
                stable=cohort_from_json(saved["stable"]),
                canary=cohort_from_json(saved["canary"]),
                pairs=saved["pairs"] and _pairs_from_json(saved["pairs"]),
                history=None if saved["history"] is None else np.array(saved["history"], np.float64),
                warming={name: int(count) for name, count in saved.get("warming", {}).items()},
                restarts=_restarts_from_json(saved.get("restarts")),
                gateway=GatewayFailures(*saved["gateway"]) if saved.get("gateway") else None,
                blocks=ErrorBlocks(*saved.get("blocks", ())),
                replayed=ReplayEvidence.from_json(saved["replayed"]) if saved.get("replayed") else None,
                mirrored=MirroredRequests.from_json(saved["mirrored"]) if saved.get("mirrored") else None,
                recent=_recent_from_json(saved.get("recent")),
                stable_servers=latencies_from_json(saved.get("servers", [{}, {}])[0]),
                canary_servers=latencies_from_json(saved.get("servers", [{}, {}])[1]),
                queried={name: QueryEvidence.from_json(each) for name, each in saved.get("queried", {}).items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, zlib.error):
            raise EvidenceError(
                "the evidence saved by another release cannot be read: the window begins anew"
            ) from None


def _compress(value: Any) -> str:
    """JSON as short text: people also read the status that holds it."""
    return base64.b64encode(zlib.compress(json.dumps(value, separators=(",", ":")).encode())).decode()


def _decompress(text: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(text)))


def _recent_from_json(saved: Any) -> RecentErrors:
    if not saved:
        return RecentErrors()
    stable_hits, stable_n, canary_hits, canary_n, logs = saved
    found = RecentErrors(float(stable_hits), float(stable_n), float(canary_hits), float(canary_n))
    return found._replace(logs=tuple(-math.inf if log is None else float(log) for log in logs))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _restarts_from_json(saved: Any) -> Restarts | None:
    return Restarts(*({str(name): int(count) for name, count in each.items()} for each in saved)) if saved else None


def _pairs_to_json(pairs: Pairs) -> list[Any]:
    about = [list(pairs.entities.names), pairs.entities.codes.tolist()]
    return [pairs.stable.shape[1], _array_to_json(pairs.stable), _array_to_json(pairs.canary), about]


def _pairs_from_json(saved: list[Any]) -> Pairs:
    width, stable, canary, *more = saved
    sides = [np.array(side, np.float64).reshape(-1, width) for side in (stable, canary)]
    if not more or not more[0][1]:
        return Pairs(sides[0], sides[1])
    names, codes = tuple(map(str, more[0][0])), np.array(more[0][1], np.int64)
    return Pairs(sides[0], sides[1], Entities(names, codes.reshape(len(codes), -1)))


def _array_to_json(array: FloatArray) -> list[Any]:
    """Rounded numbers, null for NaN."""
    return [_array_to_json(row) for row in array] if array.ndim > 1 else [_rounded(item) for item in array.tolist()]


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, DIGITS)
