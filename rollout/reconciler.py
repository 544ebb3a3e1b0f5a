"""One rollout, carried out: what the state orders is done, what is seen decides the next state, which is kept.

The order is always the same: load, act, look, decide, save. Whatever is done was ordered by a state that was saved
before, and doing it again changes nothing; so a kill between any two of them loses nothing but time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from matchday.errors import MatchdayError
from matchday.patience import NotYet
from matchday.registry.error import RegistryError
from matchday.telemetry import logger
from rollout import machine
from rollout.evidence import Evidence, EvidenceError
from rollout.judge import Cohort
from rollout.machine import Facts
from rollout.sources import Sources
from rollout.spec import FULL_WEIGHT, ShadowStep, Spec
from rollout.splitter import Readiness, Splitter, Unsplittable
from rollout.state import HistoryEntry, Phase, PromotionStage, State
from rollout.store import StateStore

ACTIVE = frozenset({Phase.STARTING, Phase.SHADOW, Phase.PROGRESSING})
"""Phases in which the candidate's servers run beside the stable ones."""


@dataclass(frozen=True)
class ActionResult:
    """What came of carrying out what a state orders."""

    done: bool = False
    problem: str = ""


class Reconciler:
    """One rollout of one service. `tick` is called again and again, by one process at a time.

    announce: told of each decision once it is kept.
    """

    def __init__(
        self,
        spec: Spec,
        splitter: Splitter,
        sources: Sources,
        store: StateStore,
        clock: Callable[[], float],
        announce: Callable[[HistoryEntry], None] = lambda entry: None,
    ) -> None:
        self.spec = spec
        self._splitter = splitter
        self._sources = sources
        self._store = store
        self._clock = clock
        self._announce = announce
        self._log = logger("rollout").bind(service=spec.inference_service)

    def tick(self) -> State:
        """One round. Returns the state that is kept now. Raises Conflict when another process is at it."""
        state = self._store.load()
        act = self._act(state)
        following = machine.advance(self.spec, state, self._look(state, act))
        if not (following.ended and following == state.model_copy(update={"tick": following.tick})):
            self._store.save(following)
        for entry in _new(state, following):
            self._announce(entry)
        return following

    def _act(self, state: State) -> ActionResult:
        """Make the world what the state says, as far as it lets itself."""
        try:
            return ActionResult(self._order(state))
        except MatchdayError as error:
            self._log.warning("not done", phase=str(state.phase), reason=str(error))
            return ActionResult(problem=str(error))

    def _order(self, state: State) -> bool:
        """What each state orders. Whether it is so now."""
        splitter = self._splitter
        match state.phase:
            case Phase.STARTING | Phase.SHADOW:
                splitter.deploy(state.candidate_version)
                return splitter.split(0)
            case Phase.PROGRESSING:
                splitter.deploy(state.candidate_version)
                return splitter.split(state.weight)
            case Phase.PROMOTING:
                return self._promote(state)
            case Phase.ROLLING_BACK:
                return self._withdraw(state)
            case _:
                return True

    def _promote(self, state: State) -> bool:
        """The act of one stage. The alias goes before the service: a pod that starts anew finds the new champion."""
        if state.stage is PromotionStage.SHIFT:
            return self._splitter.split(FULL_WEIGHT)
        if state.stage is PromotionStage.ALIAS:
            self._sources.versions.crown(self.spec.model, state.candidate_version)
            return True
        if state.stage is PromotionStage.SERVICE:
            return self._splitter.promote(state.candidate_version)
        versions = self._sources.versions
        versions.crown(self.spec.model, state.stable_version)
        if not self.spec.candidate.isdigit():
            versions.restore(self.spec.model, self.spec.candidate, state.candidate_version)
        return True

    def _withdraw(self, state: State) -> bool:
        if not self._splitter.withdraw(state.stable_version):
            return False
        try:
            self._sources.versions.mark_rolled_back(self.spec.model, state.candidate_version, state.since, state.reason)
        except NotYet:
            raise
        except RegistryError as error:  # the version is gone, say: there is nothing to mark, and nothing to wait for
            self._log.warning("not marked", version=state.candidate_version, reason=str(error))
        return True

    def _look(self, state: State, act: ActionResult) -> Facts:
        """What is seen now."""
        facts = Facts(self._clock(), self._store.requests(), done=act.done, problem=act.problem)
        facts = replace(facts, **self._versions())
        if state.phase is Phase.PENDING:
            return self._prerequisites(state, facts)
        if state.phase not in ACTIVE:
            return facts
        readiness = self._readiness()
        evidence, unseen = self._gathered(state, facts, readiness)
        return replace(facts, readiness=readiness, evidence=evidence, problem=facts.problem or unseen)

    def _versions(self) -> dict[str, Any]:
        """What champion and candidate mean now; empty where the registry does not say."""
        versions, said = self._sources.versions, {"stable": "", "candidate": "", "refusal": "", "waits": ""}
        try:
            said["stable"] = versions.champion(self.spec.model)
            said["candidate"] = versions.resolve(self.spec.model, self.spec.candidate)
        except NotYet as error:
            said["waits"] = str(error)
        except MatchdayError as error:
            said["refusal"] = str(error)
        return said

    def _prerequisites(self, state: State, facts: Facts) -> Facts:
        """Whether a rollout may begin, and if not, why."""
        if facts.refusal or facts.waits:
            return facts
        if facts.candidate == facts.stable:
            told = f"version {facts.candidate} of {self.spec.model} is the champion already"
            return replace(facts, refusal=told)
        try:
            if left_alone := self._cooling(state, facts):
                return replace(facts, refusal=left_alone)
            if rival := self._store.rival():
                return replace(facts, waits=f"waits for the end of rollout {rival} of the same service")
            self._splitter.check(facts.stable)
        except Unsplittable as error:
            return replace(facts, refusal=str(error))
        except MatchdayError as error:
            return replace(facts, waits=str(error))
        return facts

    def _cooling(self, state: State, facts: Facts) -> str:
        """Why a version that was rolled back is not tried again yet; empty for any other, or when a person asks."""
        taken_back = self._sources.versions.rolled_back(self.spec.model, facts.candidate)
        if taken_back is None or 1 < facts.requests.retry == state.attempt:
            return ""
        hours = (taken_back + self.spec.cooldown_seconds - facts.now) / 3600
        told = f"version {facts.candidate} was rolled back and is left alone for {hours:.1f} h more; retry it by hand"
        return told if hours > 0 else ""

    def _readiness(self) -> Readiness:
        try:
            return self._splitter.readiness()
        except MatchdayError as error:
            return Readiness(False, str(error))

    def _gathered(self, state: State, facts: Facts, readiness: Readiness) -> tuple[Evidence, str]:
        """The evidence of the window with this look, and what could not be seen; a source that is down adds nothing."""
        evidence, unread = _saved_evidence(state)
        begun = evidence.opened is not None or (readiness.ready and facts.done)
        if state.phase is Phase.STARTING or not begun:
            return evidence, unread
        looks = [self._scored, self._replayed]
        if state.phase is Phase.PROGRESSING:
            looks = [self._counted, *looks, self._opened]
        unseen = [unread] if unread else []
        for look in looks:
            try:
                evidence = look(state, evidence)
            except MatchdayError as error:
                self._log.warning("nothing seen", phase=str(state.phase), reason=str(error))
                unseen.append(str(error))
        return evidence, "; ".join(unseen)

    def _scored(self, state: State, evidence: Evidence) -> Evidence:
        """With the scores of both versions: of the past in the shadow, of live results later."""
        scores, model, shadow = self._sources.scores, self.spec.model, self._shadow
        versions = (state.stable_version, state.candidate_version)
        if state.phase is Phase.PROGRESSING:
            return replace(evidence, skill=scores.live(model, *versions))
        if evidence.history is None and shadow.history_weeks:
            return replace(evidence, history=scores.history(model, *versions, shadow.history_weeks))
        return evidence

    def _replayed(self, state: State, evidence: Evidence) -> Evidence:
        """With rows that both answer.

        They are asked for until there are enough, but once where requests are counted. What the servers say next is
        where counting begins again: requests of a rollout's own are no evidence.
        """
        few = evidence.pairs is not None and len(evidence.pairs.stable) < self._shadow.rows
        if evidence.pairs is None or (few and state.phase is Phase.SHADOW):
            pairs = self._sources.replay.pairs(self.spec.model, self._splitter.endpoints(), self._shadow.rows)
            return replace(evidence, pairs=pairs, seen={})
        return evidence

    def _counted(self, state: State, evidence: Evidence) -> Evidence:
        """With what the servers have counted since the last look, in a window that is open."""
        return evidence if evidence.opened is None else evidence.counted(*self._read(state))

    def _opened(self, state: State, evidence: Evidence) -> Evidence:
        """With the window open, from what the servers have counted by now."""
        if evidence.opened is not None:
            return evidence
        stable, canary = self._read(state)
        return replace(evidence, opened=self._clock(), seen={**stable, **canary})

    def _read(self, state: State) -> tuple[Mapping[str, Cohort], Mapping[str, Cohort]]:
        """What the servers of both versions have counted."""
        read, model, endpoints = self._sources.meter.read, self.spec.model, self._splitter.endpoints()
        stable = read(model, state.stable_version, endpoints.stable)
        return stable, read(model, state.candidate_version, endpoints.canary)

    @property
    def _shadow(self) -> ShadowStep:
        return self.spec.shadow or ShadowStep()


def _saved_evidence(state: State) -> tuple[Evidence, str]:
    """The evidence of the window so far, or none and why it cannot be read."""
    try:
        return Evidence.unpacked(state.evidence), ""
    except EvidenceError as error:
        return Evidence(), str(error)


def _new(before: State, after: State) -> list[HistoryEntry]:
    """The entries that a round has added to the history."""
    last = before.history[-1] if before.history else None
    added: list[HistoryEntry] = []
    for entry in reversed(after.history):
        if entry == last:
            break
        added.insert(0, entry)
    return added
