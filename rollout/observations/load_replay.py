"""Load replay: the same requests to both versions, one by one, for their errors and durations before any traffic."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice

import numpy as np

from rollout.judge import Cohort, Histogram
from rollout.observations.model_client import ModelClient, ModelMetadata
from rollout.observations.replay import RowReplay
from rollout.observations.row import ReplayRow
from rollout.sources import SLICE_SECONDS, ReplayedRequests
from rollout.splitter import Endpoints
from serving.metrics import SECONDS

MOST_ROWS = 200
"""Different rows that are asked again and again."""


@dataclass
class Tally:
    """Answers of one version in a slice. seconds, servers: of each request, in order."""

    errors: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    servers: list[str] = field(default_factory=list)

    def cohort(self, warm: int) -> Cohort:
        """The answers as a cohort, without the durations of the first `warm` of them."""
        return Cohort(len(self.seconds), dict(self.errors), _histogram(self.seconds[warm:]))

    def by_server(self, warm: int) -> dict[str, Cohort]:
        """Durations by server, without those of the first `warm` requests of all."""
        taken: dict[str, list[float]] = {}
        for server, seconds in zip(self.servers[warm:], self.seconds[warm:], strict=True):
            taken.setdefault(server, []).append(seconds)
        return {server: Cohort(len(seconds), latency=_histogram(seconds)) for server, seconds in taken.items()}


def _histogram(seconds: Sequence[float]) -> Histogram:
    counts = np.bincount(np.searchsorted(SECONDS, seconds), minlength=len(SECONDS) + 1)
    return Histogram(SECONDS, tuple(counts.tolist()))


Askable = tuple[Sequence[tuple[ModelClient, ModelMetadata]], Sequence[tuple[ReplayRow, bool]]]
"""Clients of both versions, and rows to ask them, each by its features or not."""


class LoadReplay:
    """Asks both versions for one row a request, as users do; the version that is asked first changes each time.

    Durations are those of a client beside the servers, the same for both. rows: of the requests, as `RowReplay` finds
    them. clock: Unix seconds. wait, now: of the pace.
    """

    def __init__(
        self,
        rows: RowReplay,
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows = rows
        self._clock = clock
        self._wait = wait
        self._now = now
        self._known: tuple[tuple[str, Endpoints], Askable] | None = None

    def replay(
        self, model: str, endpoints: Endpoints, done: int, requests: int, per_second: float, warm: int
    ) -> ReplayedRequests:
        """One slice of at most so many requests to each version, at this rate. done: requests before it.

        warm: first requests of all whose durations do not count. Raises SourceError as `RowReplay.pairs` does.
        """
        clients, asked = self._askable(model, endpoints)
        begun, tallies = self._now(), (Tally(), Tally())
        upcoming = islice(cycle(asked), done % len(asked), None)
        for number, (row, by_features) in zip(range(requests), upcoming, strict=False):
            due = begun + number / per_second
            if max(due, self._now()) - begun >= SLICE_SECONDS:
                break
            self._wait(max(0.0, due - self._now()))
            order = (0, 1) if (done + number) % 2 else (1, 0)
            for side in order:
                _ask(clients[side], row, by_features, tallies[side], self._clock())
        left = max(0, warm - done)
        stable, canary = tallies
        return ReplayedRequests(
            stable.cohort(left), canary.cohort(left), stable.by_server(left), canary.by_server(left)
        )

    def _askable(self, model: str, endpoints: Endpoints) -> Askable:
        """Clients and rows; asked for again when servers have changed."""
        if self._known is None or self._known[0] != (model, endpoints):
            self._known = (model, endpoints), self._rows.askable(model, endpoints, MOST_ROWS)
        return self._known[1]


def _ask(
    client: tuple[ModelClient, ModelMetadata], row: ReplayRow, by_features: bool, tally: Tally, now: float
) -> None:
    servers, metadata = client
    kind, seconds, server = servers.time_request(row, metadata, by_features, now)
    tally.seconds.append(seconds)
    tally.servers.append(server)
    if kind:
        tally.errors[kind] += 1
