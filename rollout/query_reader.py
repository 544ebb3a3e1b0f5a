"""Asks the PromQL gates of a specification, and adds the answers to the evidence of a window."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from rollout.evidence import Evidence
from rollout.query_evidence import QueryEvidence, Series
from rollout.query_gate import CANDIDATE, SERVERS, STABLE, VERSION, QueryError, QueryGate, fill
from rollout.sources import Queries
from rollout.splitter import Endpoints, server_address
from rollout.state import State

Values = Mapping[str, str | Sequence[str]]

MOST_SERIES = 200
"""Of one query: each is saved with the evidence of a window."""


class QueryReader:
    """Gates of one rollout. queries: None where there is no Prometheus to ask.

    endpoints, clock: asked in each round.
    """

    def __init__(
        self,
        gates: Sequence[QueryGate],
        queries: Queries | None,
        endpoints: Callable[[], Endpoints],
        clock: Callable[[], float],
    ) -> None:
        self._gates = gates
        self._queries = queries
        self._endpoints = endpoints
        self._clock = clock

    def steps(self) -> list[tuple[Callable[[State, Evidence], Evidence], tuple[str, ...]]]:
        """One for each gate, with its name: what cannot be read blinds no other gate."""
        return [(partial(self._add, gate), (gate.name,)) for gate in self._gates]

    def _add(self, gate: QueryGate, state: State, evidence: Evidence) -> Evidence:
        """Evidence with the answer as it is now, once the window is open. Raises MatchdayError."""
        if evidence.opened is None:
            return evidence
        known = QueryEvidence.of(gate, evidence.queried)
        if gate.total:
            seen = known.add_counts(*self._counts(gate, state))
        else:
            values = {STABLE: state.stable_version, CANDIDATE: state.candidate_version}
            seen = known.add_number(self._number(gate, values), gate.limit, self._clock())
        return evidence.add_queried(gate.name, seen)

    def _counts(self, gate: QueryGate, state: State) -> tuple[tuple[Series, Series], tuple[Series, Series]]:
        endpoints = self._endpoints()
        stable: Values = {VERSION: state.stable_version, SERVERS: [*map(server_address, endpoints.stable)]}
        canary: Values = {VERSION: state.candidate_version, SERVERS: [*map(server_address, endpoints.canary)]}
        return self._counts_of(gate, stable), self._counts_of(gate, canary)

    def _counts_of(self, gate: QueryGate, values: Values) -> tuple[Series, Series]:
        """Events are asked for before everything: so an event is always among what is counted."""
        events, total = (self._series(gate, query, values) for query in (gate.query, gate.total))
        if sum(events.values()) > sum(total.values()):
            raise QueryError(f"{gate.name}: query gives more ({sum(events.values()):g}) than total does")
        return events, total

    def _series(self, gate: QueryGate, query: str, values: Values) -> Series:
        """Counters by series. Raises QueryError where there is none: what is missing is not zero."""
        asked = fill(query, values)
        found = self._ask(gate, asked)
        if len(found) > MOST_SERIES:
            raise QueryError(f"{gate.name}: {asked} gives {len(found)} series; {MOST_SERIES} are the most")
        if not found:
            raise QueryError(f"{gate.name}: no series for {asked}; what may be absent needs 'or' and a zero")
        for value in found.values():
            if not math.isfinite(value) or value < 0:
                raise QueryError(f"{gate.name}: {asked} gives {value:g}, which is no count")
        return found

    def _number(self, gate: QueryGate, values: Values) -> float | None:
        """The number; None where the query gives none or NaN, as before the first request."""
        asked = fill(gate.query, values)
        found = self._ask(gate, asked)
        if len(found) > 1:
            raise QueryError(f"{gate.name}: {asked} gives {len(found)} series: aggregate them to one")
        [number] = [*found.values()] or [math.nan]
        if math.isinf(number):
            raise QueryError(f"{gate.name}: {asked} gives {number:g}")
        return None if math.isnan(number) else number

    def _ask(self, gate: QueryGate, query: str) -> Series:
        if self._queries is None:
            raise QueryError(f"{gate.name}: there is no Prometheus to ask")
        return self._queries.ask(query)
