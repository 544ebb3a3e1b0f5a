"""Complete rollout state; enough for another process to resume."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from matchday.errors import MatchdayError

MOST_ENTRIES = 60
"""History entries that are kept, the newest."""


class StateError(MatchdayError):
    """A saved state that this release cannot read."""


class Phase(StrEnum):
    """Phase of a rollout. Baking: promoted, and still watched; it may yet go back by itself."""

    PENDING = "Pending"
    STARTING = "Starting"
    SHADOW = "Shadow"
    PROGRESSING = "Progressing"
    PROMOTING = "Promoting"
    BAKING = "Baking"
    ROLLING_BACK = "RollingBack"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    REFUSED = "Refused"


ENDED = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK, Phase.REFUSED})
"""Final phases; only another attempt leaves them."""


class PromotionStage(StrEnum):
    """Stages of a promotion, in order; `undo` when one of them fails."""

    SHIFT = "shift"
    ALIAS = "alias"
    SERVICE = "service"
    UNDO = "undo"


class HistoryEntry(BaseModel):
    """A decision with the findings behind it. time: Unix seconds."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    time: float
    phase: Phase
    weight: int = 0
    attempt: int = 1
    reason: str
    findings: tuple[dict[str, Any], ...] = ()


class State(BaseModel):
    """Progress of a rollout: the `status` of a ModelRollout. Times are Unix seconds.

    step: index of the traffic step, -1 before the first. gate: the approval that the rollout waits for, as
    `ATTEMPT/shadow`, `ATTEMPT/WEIGHT` or `ATTEMPT/promotion`; empty when none. retried: the last `retry` of a person
    that was followed. evidence: data of the current window, as `Evidence.to_text` writes it. since: start of the phase
    or step, moved on by the time it was paused. silent_since: since when the candidate has not been ready, or requests
    have gone to servers that are not; 0 while all are. opened: when the window opened that `since` was moved on to; 0
    before. tick: time of the last round. problem: why the phase's action is not done, or a source not read. stalled:
    whether a roll-back takes longer than it may. mark_version: whether a roll-back marks the candidate's version, which
    is then not tried again for the cooldown; False when nothing was found against it. needs: what the judge still needs
    to decide, for people.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    phase: Phase = Phase.PENDING
    step: int = -1
    weight: int = 0
    gate: str = ""
    paused: bool = False
    attempt: int = 1
    retried: int = 1
    stable_version: str = ""
    candidate_version: str = ""
    stage: PromotionStage | None = None
    since: float = 0.0
    silent_since: float = 0.0
    opened: float = 0.0
    tick: float = 0.0
    verdict: str = ""
    reason: str = ""
    problem: str = ""
    stalled: bool = False
    mark_version: bool = True
    needs: str = ""
    findings: tuple[dict[str, Any], ...] = ()
    evidence: str = ""
    history: tuple[HistoryEntry, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the phase is final."""
        return self.phase in ENDED

    @property
    def active(self) -> bool:
        """Whether the rollout has begun and not ended: servers or routes of its candidate may exist."""
        return self.phase is not Phase.PENDING and not self.ended

    def transition(self, now: float, phase: Phase, reason: str, **changes: Any) -> "State":
        """The state in another phase or step, with the decision in its history."""
        weight = changes.get("weight", self.weight)
        entry = HistoryEntry(
            time=now, phase=phase, weight=weight, attempt=self.attempt, reason=reason, findings=self.findings
        )
        reset: dict[str, Any] = {"since": now, "gate": "", "evidence": "", "verdict": "", "findings": (), "problem": ""}
        reset |= {"mark_version": True, "needs": "", "opened": 0.0, "stalled": False}
        history = (*self.history, entry)[-MOST_ENTRIES:]
        return self.model_copy(update={**reset, "phase": phase, "reason": reason, "history": history, **changes})

    def entries_since(self, before: "State") -> list[HistoryEntry]:
        """The decisions that were added to the history of an earlier state, oldest first."""
        last = before.history[-1] if before.history else None
        added: list[HistoryEntry] = []
        for entry in reversed(self.history):
            if entry == last:
                break
            added.insert(0, entry)
        return added

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> "State":
        """A state as `to_dict` wrote it; unknown keys are ignored. Raises StateError."""
        try:
            return cls.model_validate(dict(given))
        except (ValidationError, ValueError, TypeError) as error:
            raise StateError(f"another release wrote this state: {_first_problem(error)}") from None

    def to_dict(self) -> dict[str, Any]:
        """JSON with camelCase keys."""
        return self.model_dump(mode="json", by_alias=True)


class Commands(BaseModel):
    """Commands of people to a rollout.

    approved: the gate they approve; that of the bake ends it. retry: number of the attempt they ask for. undo: the
    attempt whose promotion they take back; 0: none.
    """

    model_config = ConfigDict(frozen=True)

    paused: bool = False
    aborted: bool = False
    approved: str = ""
    retry: int = 1
    undo: int = 0


def _first_problem(error: Exception) -> str:
    """What is wrong with a state, in one line."""
    if not isinstance(error, ValidationError):
        return "it is no JSON object"
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
