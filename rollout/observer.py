"""Observer of a running rollout: readiness of the candidate, and the evidence of the window."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from matchday.errors import MatchdayError
from matchday.telemetry import logger
from rollout.evidence import Evidence, EvidenceError
from rollout.facts import Facts
from rollout.judge import Cohort
from rollout.mirrored import MirroredRequests
from rollout.query_reader import QueryReader
from rollout.sources import Gateway, SourceError, Sources
from rollout.spec import ShadowStep, Spec
from rollout.splitter import Readiness, Splitter
from rollout.state import Phase, PromotionStage, State

ACTIVE = frozenset({Phase.STARTING, Phase.SHADOW, Phase.PROGRESSING})
"""Phases in which the candidate's servers run beside the stable ones."""

Collect = Callable[[State, Evidence], Evidence]
"""Adds data of one source to the evidence. Raises MatchdayError when the source cannot be read."""


class Observer:
    """Adds this round's data to the facts.

    A source that is down adds nothing; the facts say why, and the checks that need it do not pass in this round.
    """

    def __init__(self, spec: Spec, splitter: Splitter, sources: Sources, clock: Callable[[], float]) -> None:
        self._spec = spec
        self._shadow = spec.shadow or ShadowStep()
        self._splitter = splitter
        self._sources = sources
        self._clock = clock
        self._queries = QueryReader(spec.checks, sources.queries, splitter.endpoints, clock)
        self._warm, self._limit = spec.limits.warm_requests, spec.limits.errors
        self._log = logger("rollout").bind(service=spec.inference_service)

    def observe(self, state: State, facts: Facts) -> Facts:
        """The facts with readiness and evidence, in phases that have a candidate to observe."""
        if state.phase is Phase.PROMOTING:
            return replace(facts, readiness=self._promotion_readiness(state), evidence=_saved_evidence(state)[0])
        if state.phase not in (*ACTIVE, Phase.BAKING):
            return facts
        readiness = self._promotion_readiness(state) if state.phase is Phase.BAKING else self._readiness()
        evidence, problem = self._collect(state, facts, readiness)
        return replace(facts, readiness=readiness, evidence=evidence, problem=facts.problem or problem)

    def _readiness(self) -> Readiness:
        try:
            return self._splitter.readiness()
        except MatchdayError as error:
            return Readiness(False, str(error))

    def _promotion_readiness(self, state: State) -> Readiness:
        """Of the candidate; once the alias has moved, of whatever gets the requests. Unknown is not unready there."""
        if state.phase is Phase.PROMOTING and state.stage not in (PromotionStage.SERVICE, PromotionStage.UNDO):
            return self._readiness()
        try:
            return self._splitter.serving()
        except MatchdayError as error:
            return Readiness(True, str(error))

    def _collect(self, state: State, facts: Facts, readiness: Readiness) -> tuple[Evidence, str]:
        """Evidence of the window with this round's data, and what could not be read."""
        evidence, unreadable = _saved_evidence(state)
        begun = evidence.opened is not None or (readiness.ready and facts.done)
        if state.phase is Phase.STARTING or not begun:
            return evidence, unreadable
        problems = [unreadable] if unreadable else []
        for step, checks in self._steps(state):
            try:
                evidence = step(state, evidence)
            except MatchdayError as error:
                self._log.warning("source not read", phase=str(state.phase), reason=str(error))
                problems.append(str(error))
                evidence = replace(evidence, unreadable={**evidence.unreadable, **dict.fromkeys(checks, str(error))})
        return evidence, "; ".join(problems)

    def _steps(self, state: State) -> Sequence[tuple[Collect, tuple[str, ...]]]:
        """What adds evidence in this phase, in order, with the checks that are blind where it fails."""
        if state.phase is Phase.BAKING:
            return (
                (self._add_restarts, ("restarts",)),
                (self._add_promoted, ("errors",)),
            )
        if state.phase is not Phase.PROGRESSING:
            return (
                (self._add_restarts, ("restarts",)),
                (self._add_scores, ("history",)),
                (self._add_pairs, ("predictions",)),
                (self._add_replayed, ("replay",)),
                (self._add_mirrored, ("replay",)),
            )
        known = ((self._add_scores, ("skill",)), (self._add_pairs, ("predictions",)))
        return (
            (self._add_restarts, ("restarts",)),
            (self._add_failures, ("errors",)),
            (self._add_counts, ("errors", "latency", "features")),
            *(() if self._spec.storage_uri else known),
            (self._open_window, ()),
            *self._queries.steps(),
        )

    def _add_scores(self, state: State, evidence: Evidence) -> Evidence:
        """Add paired scores: of past weeks in the shadow step, of matches played since with traffic."""
        scores, model = self._sources.scores, self._spec.model
        versions = (state.stable_version, state.candidate_version)
        if state.phase is Phase.PROGRESSING:
            return replace(evidence, skill=scores.live(model, *versions))
        if evidence.history is None and self._shadow.history_weeks:
            return replace(evidence, history=scores.history(model, *versions, self._shadow.history_weeks))
        return evidence

    def _add_pairs(self, state: State, evidence: Evidence) -> Evidence:
        """Add forecasts of both versions for the same rows.

        Asked again until there are enough in the shadow step, once where requests are counted. Counting starts anew
        from the servers' next counters, because requests of the rollout itself are no evidence.
        """
        if self._spec.panel:
            return self._add_panel(evidence)
        few = evidence.pairs is not None and len(evidence.pairs.stable) < self._shadow.rows
        if evidence.pairs is None or (few and state.phase is Phase.SHADOW):
            pairs = self._sources.replay.pairs(self._spec.model, self._splitter.endpoints(), self._shadow.rows)
            return replace(evidence, pairs=pairs, seen={})
        return evidence

    def _add_panel(self, evidence: Evidence) -> Evidence:
        """Add the answers of both versions to the panel, once."""
        if evidence.pairs is not None:
            return evidence
        if self._sources.panel is None:
            raise SourceError("nothing here asks the requests of a panel")
        pairs = self._sources.panel.pairs(self._spec.model, self._splitter.endpoints(), self._spec.panel)
        return replace(evidence, pairs=pairs, seen={})

    def _add_replayed(self, state: State, evidence: Evidence) -> Evidence:
        """Replay some more requests, until the shadow step has made as many as it may."""
        load, budget = self._sources.load, self._shadow.requests
        done = evidence.replayed.canary.requests if evidence.replayed else 0
        if load is None or done >= budget:
            return evidence
        endpoints, rate = self._splitter.endpoints(), self._shadow.per_second
        more = load.replay(self._spec.model, endpoints, done, budget - done, rate, self._warm)
        return evidence.add_replayed(more, budget)

    def _add_mirrored(self, state: State, evidence: Evidence) -> Evidence:
        """Add what both versions did with users' requests that were copied since the last round, and their answers."""
        if not self._shadow.mirror:
            return evidence
        counts, versions = evidence.mirrored or MirroredRequests(), (state.stable_version, state.candidate_version)
        if self._sources.gateway:
            counts = counts.add_failures(*self._read_failures(self._sources.gateway, state))
        counts = counts.add(*self._read_counters(state, mirrored=True), self._warm)
        evidence = replace(evidence, mirrored=counts)
        if self._sources.mirrored is None:
            return evidence
        return replace(evidence, mirrored_pairs=self._sources.mirrored.pairs(self._spec.model, *versions))

    def _add_restarts(self, state: State, evidence: Evidence) -> Evidence:
        """Add how often the candidate's servers have restarted so far; a window begins at its first read."""
        return evidence.add_restarts(self._splitter.restarts(promoted=state.phase is Phase.BAKING))

    def _add_counts(self, state: State, evidence: Evidence) -> Evidence:
        """Add the requests counted since the last round, once the window is open."""
        return (
            evidence
            if evidence.opened is None
            else evidence.add_counts(*self._read_counters(state), self._warm, self._limit)
        )

    def _open_window(self, state: State, evidence: Evidence) -> Evidence:
        """Open the window at the present counters of the servers."""
        if evidence.opened is not None:
            return evidence
        stable, canary = self._read_counters(state)
        opened = evidence.open_window(self._clock(), {**stable, **canary}, self._warm)
        try:
            return self._add_failures(state, opened)
        except MatchdayError:
            return opened  # the gateway's counts begin with the first round in which it answers

    def _add_promoted(self, state: State, evidence: Evidence) -> Evidence:
        """Add what the promoted version has answered since the last round; the first one only opens the window.

        Its failures are read before its counters, but in the first round: as in any window, see `add_failures`.
        """
        version, endpoints = state.candidate_version, self._splitter.endpoints().stable
        if evidence.opened is not None:
            evidence = self._add_promoted_failures(version, endpoints, evidence)
            counters = self._sources.meter.read(self._spec.model, version, endpoints)
            return evidence.add_promoted(counters, self._limit)
        counters = self._sources.meter.read(self._spec.model, version, endpoints)
        return self._add_promoted_failures(version, endpoints, evidence.open_window(self._clock(), counters))

    def _add_promoted_failures(self, version: str, endpoints: Sequence[str], evidence: Evidence) -> Evidence:
        """Add the requests that the gateway saw fail at the stable pods, which are the promoted version's now.

        The former champion is not asked for: it has no pods, and a gateway that knows pods would give it these.
        """
        gateway = self._sources.gateway
        if gateway is None:
            return evidence
        return evidence.add_failures(0, gateway.failures(self._spec.inference_service, version, endpoints))

    def _add_failures(self, state: State, evidence: Evidence) -> Evidence:
        """Add the requests that the gateway saw fail, once the window is open."""
        gateway = self._sources.gateway
        if gateway is None or evidence.opened is None:
            return evidence
        return evidence.add_failures(*self._read_failures(gateway, state))

    def _read_failures(self, gateway: Gateway, state: State) -> tuple[int, int]:
        """Failed requests of both versions."""
        service, endpoints = self._spec.inference_service, self._splitter.endpoints()
        stable = gateway.failures(service, state.stable_version, endpoints.stable)
        return stable, gateway.failures(service, state.candidate_version, endpoints.canary)

    def _read_counters(self, state: State, mirrored: bool = False) -> tuple[Mapping[str, Cohort], Mapping[str, Cohort]]:
        """Counters of both versions. mirrored: those of the candidate with copies of users' requests."""
        read, model, endpoints = self._sources.meter.read, self._spec.model, self._splitter.endpoints()
        stable = read(model, state.stable_version, endpoints.stable)
        return stable, read(model, state.candidate_version, endpoints.canary, mirrored)


def _saved_evidence(state: State) -> tuple[Evidence, str]:
    """The evidence of the window so far; or none, and why it cannot be read."""
    try:
        return Evidence.from_text(state.evidence), ""
    except EvidenceError as error:
        return Evidence(), str(error)
