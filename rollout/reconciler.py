"""Reconciler of one rollout: each round carries out the saved state, observes, decides and saves the next state.

An action was always ordered by a state that was saved before, and every action is idempotent. So a kill at any point
loses nothing but time.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from matchday.errors import MatchdayError
from matchday.patience import NotYet
from matchday.registry.error import RegistryError
from matchday.telemetry import logger
from rollout.facts import Facts
from rollout.feasibility import find_impossible
from rollout.observer import Observer
from rollout.sources import Sources
from rollout.spec import FULL_WEIGHT, Spec
from rollout.splitter import Splitter, Unsplittable
from rollout.state import HistoryEntry, Phase, PromotionStage, State
from rollout.state_machine import advance
from rollout.store import StateStore

NO_MIRROR = "requests cannot be copied where Knative routes them: set it to 0, or shadow.requests to replay some"
NO_PROMETHEUS = (
    "spec.checks are queries, and there is no Prometheus to ask: set the chart's rollouts.prometheusURL, or "
    "MATCHDAY_ROLLOUT_PROMETHEUS_URL on one machine"
)
"""Why a specification with PromQL gates is refused."""


@dataclass(frozen=True)
class ActionResult:
    """Whether the action of a state is in force, and why not."""

    done: bool = False
    problem: str = ""


class Reconciler:
    """Carries out one rollout of one service; one process at a time calls `reconcile` again and again.

    announce: called with each decision once it is saved.
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
        self._observer = Observer(spec, splitter, sources, clock)
        self._mirror = spec.shadow.mirror if spec.shadow else 0
        self._log = logger("rollout").bind(service=spec.inference_service)

    def reconcile(self) -> State:
        """One round. Returns the saved state. Raises Conflict when another process wrote first."""
        state = self._store.load()
        result = self._act(state)
        following = advance(self.spec, state, self._observe(state, result))
        if not (following.ended and following == state.model_copy(update={"tick": following.tick})):
            self._store.save(following)
        for entry in following.entries_since(state):
            self._announce(entry)
        return following

    def _act(self, state: State) -> ActionResult:
        """Carry out what the state orders, as far as possible now."""
        try:
            return ActionResult(self._carry_out(state))
        except MatchdayError as error:
            self._log.warning("action failed", phase=str(state.phase), reason=str(error))
            return ActionResult(problem=str(error))

    def _carry_out(self, state: State) -> bool:
        """Carry out the action of the state's phase. Returns whether it is in force."""
        splitter = self._splitter
        match state.phase:
            case Phase.STARTING:
                splitter.deploy(state.candidate_version)
                return splitter.split(0)
            case Phase.SHADOW:
                splitter.deploy(state.candidate_version)
                return splitter.split(0, self._mirror)
            case Phase.PROGRESSING:
                splitter.deploy(state.candidate_version)
                return splitter.split(state.weight)
            case Phase.PROMOTING:
                return self._promote(state)
            case Phase.ROLLING_BACK:
                return self._roll_back(state)
            case _:
                return True

    def _promote(self, state: State) -> bool:
        """One stage of the promotion. The alias moves before the service: a restarted pod finds the new champion."""
        versions, model = self._sources.versions, self.spec.model
        if state.stage is PromotionStage.SHIFT:
            return self._splitter.split(FULL_WEIGHT)
        if state.stage is PromotionStage.ALIAS:
            if not self._splitter.split(FULL_WEIGHT):
                return False
            versions.promote(model, state.candidate_version)
            return True
        if state.stage is PromotionStage.SERVICE:
            return self._splitter.promote(state.candidate_version)
        versions.promote(model, state.stable_version)
        if not self.spec.candidate.isdigit():
            versions.restore_alias(model, self.spec.candidate, state.candidate_version)
        return True

    def _roll_back(self, state: State) -> bool:
        if not self._splitter.roll_back(state.stable_version):
            return False
        if not state.mark_version:
            return True
        try:
            self._sources.versions.mark_rolled_back(self.spec.model, state.candidate_version, state.since, state.reason)
        except NotYet:
            raise
        except RegistryError as error:  # such as a deleted version: nothing to mark, and waiting does not help
            self._log.warning("not marked", version=state.candidate_version, reason=str(error))
        return True

    def _observe(self, state: State, result: ActionResult) -> Facts:
        """Everything that the state machine needs to know now."""
        facts = Facts(self._clock(), self._store.commands(), done=result.done, problem=result.problem)
        facts = replace(facts, **self._resolve_versions())
        if state.phase is Phase.PENDING:
            return self._check_prerequisites(state, facts)
        undo = state.phase is Phase.PROMOTED and facts.commands.undo == state.attempt
        if undo and (rival := self._store.rival()):
            return replace(facts, not_yet=f"cannot be undone before the end of rollout {rival} of the same service")
        return self._observer.observe(state, facts)

    def _resolve_versions(self) -> dict[str, Any]:
        """The versions of champion and candidate now; empty where the registry does not say."""
        versions, found = self._sources.versions, {"stable": "", "candidate": "", "refusal": "", "not_yet": ""}
        try:
            found["stable"] = versions.champion(self.spec.model)
            found["candidate"] = versions.resolve(self.spec.model, self.spec.candidate)
        except NotYet as error:
            found["not_yet"] = str(error)
        except MatchdayError as error:
            found["refusal"] = str(error)
        return found

    def _check_prerequisites(self, state: State, facts: Facts) -> Facts:
        """Whether the rollout may begin, and if not, why."""
        if facts.refusal or facts.not_yet:
            return facts
        if facts.candidate == facts.stable:
            reason = f"version {facts.candidate} of {self.spec.model} is the champion already"
            return replace(facts, refusal=reason)
        if reason := find_impossible(self.spec):
            return replace(facts, refusal=reason)
        if self._mirror and not self._splitter.mirrors:
            return replace(facts, refusal=f"shadow.mirror is {self._mirror}, and {NO_MIRROR}")
        if self.spec.checks and self._sources.queries is None:
            return replace(facts, refusal=NO_PROMETHEUS)
        try:
            if reason := self._cooldown(state, facts):
                return replace(facts, refusal=reason)
            if rival := self._store.rival():
                return replace(facts, not_yet=f"waits for the end of rollout {rival} of the same service")
            self._splitter.check(facts.stable)
        except Unsplittable as error:
            return replace(facts, refusal=str(error))
        except MatchdayError as error:
            return replace(facts, not_yet=str(error))
        return facts

    def _cooldown(self, state: State, facts: Facts) -> str:
        """Why a version that was rolled back is not tried yet; empty when it may be, or when a person asks for it."""
        rolled_back = self._sources.versions.rolled_back_at(self.spec.model, facts.candidate)
        if rolled_back is None or 1 < facts.commands.retry == state.attempt:
            return ""
        hours = (rolled_back + self.spec.cooldown_seconds - facts.now) / 3600
        reason = f"version {facts.candidate} was rolled back and is not tried again for {hours:.1f} h; retry it by hand"
        return reason if hours > 0 else ""
