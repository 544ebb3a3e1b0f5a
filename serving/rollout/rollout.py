"""One rollout, carried out: what the state orders is done, what is seen decides the next state, which is kept.

The order is always the same: load, act, look, decide, save. Whatever is done was ordered by a state that was saved
before, and doing it again changes nothing; so a kill between any two of them loses nothing but time.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from matchday.errors import MatchdayError
from matchday.patience import NotYet
from matchday.telemetry import logger
from serving.rollout import machine
from serving.rollout.evidence import Evidence
from serving.rollout.machine import Facts
from serving.rollout.sources import Sources
from serving.rollout.spec import ALL, Shadow, Spec
from serving.rollout.splitters.splitter import Readiness, Splitter, Unsplittable
from serving.rollout.state import Entry, Phase, Stage, State
from serving.rollout.store import Store

ACTIVE = frozenset({Phase.STARTING, Phase.SHADOW, Phase.PROGRESSING})
"""Phases in which the candidate's servers run beside the stable ones."""


@dataclass(frozen=True)
class Act:
    """What came of carrying out what a state orders."""

    done: bool = False
    problem: str = ""


class Rollout:
    """One rollout of one service. `tick` is called again and again, by one process at a time.

    announce: told of each decision once it is kept.
    """

    def __init__(
        self,
        spec: Spec,
        splitter: Splitter,
        sources: Sources,
        store: Store,
        clock: Callable[[], float],
        announce: Callable[[Entry], None] = lambda entry: None,
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

    def _act(self, state: State) -> Act:
        """Make the world what the state says, as far as it lets itself."""
        try:
            return Act(self._order(state))
        except MatchdayError as error:
            self._log.warning("not done", phase=str(state.phase), reason=str(error))
            return Act(problem=str(error))

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
        if state.stage is Stage.SHIFT:
            return self._splitter.split(ALL)
        if state.stage is Stage.ALIAS:
            self._sources.versions.crown(self.spec.model, state.candidate_version)
            return True
        if state.stage is Stage.SERVICE:
            return self._splitter.promote(state.candidate_version)
        self._sources.versions.crown(self.spec.model, state.stable_version)
        return True

    def _withdraw(self, state: State) -> bool:
        if not self._splitter.withdraw(state.stable_version):
            return False
        self._sources.versions.mark_rolled_back(self.spec.model, state.candidate_version, state.since, state.reason)
        return True

    def _look(self, state: State, act: Act) -> Facts:
        """What is seen now."""
        facts = Facts(self._clock(), self._store.requests(), done=act.done, problem=act.problem)
        facts = replace(facts, **self._versions())
        if state.phase is Phase.PENDING:
            return self._prerequisites(facts)
        if state.phase not in ACTIVE:
            return facts
        readiness = self._readiness()
        return replace(facts, readiness=readiness, evidence=self._gathered(state, facts, readiness))

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

    def _prerequisites(self, facts: Facts) -> Facts:
        """Whether a rollout may begin, and if not, why."""
        if facts.refusal or facts.waits:
            return facts
        if facts.candidate == facts.stable:
            told = f"version {facts.candidate} of {self.spec.model} is the champion already"
            return replace(facts, refusal=told)
        try:
            if left_alone := self._cooling(facts):
                return replace(facts, refusal=left_alone)
            if rival := self._store.rival():
                return replace(facts, waits=f"waits for the end of rollout {rival} of the same service")
            self._splitter.check(facts.stable)
        except Unsplittable as error:
            return replace(facts, refusal=str(error))
        except MatchdayError as error:
            return replace(facts, waits=str(error))
        return facts

    def _cooling(self, facts: Facts) -> str:
        """Why a version that was rolled back is not tried again yet; empty for any other, or when a person asks."""
        taken_back = self._sources.versions.rolled_back(self.spec.model, facts.candidate)
        if taken_back is None or facts.requests.retry > 1:
            return ""
        hours = (taken_back + self.spec.cooldown_seconds - facts.now) / 3600
        told = f"version {facts.candidate} was rolled back and is left alone for {hours:.1f} h more; retry it by hand"
        return told if hours > 0 else ""

    def _readiness(self) -> Readiness:
        try:
            return self._splitter.readiness()
        except MatchdayError as error:
            return Readiness(False, str(error))

    def _gathered(self, state: State, facts: Facts, readiness: Readiness) -> Evidence:
        """The evidence of the window with this look. A source that is down adds nothing: the judge waits."""
        evidence = Evidence.unpacked(state.evidence)
        if state.phase is Phase.STARTING or not readiness.ready or not (facts.done or evidence.opened):
            return evidence
        try:
            evidence = self._compared(state, evidence)
            return self._counted(state, evidence, facts.now) if state.phase is Phase.PROGRESSING else evidence
        except MatchdayError as error:
            self._log.warning("nothing seen", phase=str(state.phase), reason=str(error))
            return evidence

    def _compared(self, state: State, evidence: Evidence) -> Evidence:
        """With rows that both answer, and the scores of both.

        Rows are asked for until there are enough: once, where requests are counted, as these are among them afterwards.
        """
        sources, model = self._sources, self.spec.model
        versions = (state.stable_version, state.candidate_version)
        shadow = self.spec.shadow or Shadow()
        if state.phase is Phase.SHADOW and evidence.history is None and shadow.history_weeks:
            evidence = replace(evidence, history=sources.scores.history(model, *versions, shadow.history_weeks))
        if state.phase is Phase.PROGRESSING:
            evidence = replace(evidence, skill=sources.scores.live(model, *versions))
        few = evidence.pairs is not None and len(evidence.pairs.stable) < shadow.rows
        if evidence.pairs is None or (few and state.phase is Phase.SHADOW):
            pairs = sources.replay.pairs(model, self._splitter.endpoints(), shadow.rows)
            evidence = replace(evidence, pairs=pairs)
        return evidence

    def _counted(self, state: State, evidence: Evidence, now: float) -> Evidence:
        """With what the servers have counted since the window opened, or with the window opened."""
        read, model, endpoints = self._sources.meter.read, self.spec.model, self._splitter.endpoints()
        stable = read(model, state.stable_version, endpoints.stable)
        canary = read(model, state.candidate_version, endpoints.canary)
        if evidence.opened is None:
            return replace(evidence, opened=now, seen={**stable, **canary})
        return evidence.counted(stable, canary)


def _new(before: State, after: State) -> list[Entry]:
    """The entries that a round has added to the history."""
    last = before.history[-1] if before.history else None
    added: list[Entry] = []
    for entry in reversed(after.history):
        if entry == last:
            break
        added.insert(0, entry)
    return added
