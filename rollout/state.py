"""What is the case in a rollout: all of it, so that whoever takes it up goes on from there."""

import base64
import json
import zlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from matchday.errors import MatchdayError

MOST_ENTRIES = 60
"""Entries of a history that are kept, the newest."""


class StateError(MatchdayError):
    """A saved state that this release cannot read."""


class Phase(StrEnum):
    """Where a rollout is."""

    PENDING = "Pending"
    STARTING = "Starting"
    SHADOW = "Shadow"
    PROGRESSING = "Progressing"
    PROMOTING = "Promoting"
    ROLLING_BACK = "RollingBack"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    REFUSED = "Refused"


ENDED = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK, Phase.REFUSED})
"""Phases in which nothing is done any more, until it is tried again."""


class PromotionStage(StrEnum):
    """The acts of a promotion, in order; `undo` when one of them fails."""

    SHIFT = "shift"
    ALIAS = "alias"
    SERVICE = "service"
    UNDO = "undo"


class HistoryEntry(BaseModel):
    """A decision, with what made it. time: Unix seconds."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    time: float
    phase: Phase
    weight: int = 0
    attempt: int = 1
    reason: str
    findings: tuple[dict[str, Any], ...] = ()


class State(BaseModel):
    """A rollout as it is: the `status` of a ModelRollout. Times are Unix seconds.

    step: index of the step, -1 before the first. gate: what a person is asked to approve now (`shadow`, a weight as
    text, or `promotion`), empty when nothing. evidence: what both versions did in the window so far, as `Evidence`
    packs it. since: when the phase or step began, moved on by the time that it was paused. silent_since: since when the
    candidate is not ready, 0 while it is. tick: the last look. problem: why what is ordered is not done or seen now.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    phase: Phase = Phase.PENDING
    step: int = -1
    weight: int = 0
    gate: str = ""
    paused: bool = False
    attempt: int = 1
    stable_version: str = ""
    candidate_version: str = ""
    stage: PromotionStage | None = None
    since: float = 0.0
    silent_since: float = 0.0
    tick: float = 0.0
    verdict: str = ""
    reason: str = ""
    problem: str = ""
    findings: tuple[dict[str, Any], ...] = ()
    evidence: str = ""
    history: tuple[HistoryEntry, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether nothing is done any more."""
        return self.phase in ENDED

    def to(self, now: float, phase: Phase, reason: str, **changes: Any) -> "State":
        """The state after a decision, which its history keeps."""
        weight = changes.get("weight", self.weight)
        entry = HistoryEntry(
            time=now, phase=phase, weight=weight, attempt=self.attempt, reason=reason, findings=self.findings
        )
        fresh = {"since": now, "gate": "", "evidence": "", "verdict": "", "findings": (), "problem": ""}
        kept = (*self.history, entry)[-MOST_ENTRIES:]
        changed = {**fresh, "phase": phase, "reason": reason, "history": kept, **changes}
        return self.model_copy(update=changed)

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> "State":
        """A state as `to_dict` wrote it; unknown keys are ignored. Raises StateError."""
        try:
            return cls.model_validate(dict(given))
        except (ValidationError, ValueError, TypeError) as error:
            raise StateError(f"another release wrote this state: {_first_problem(error)}") from None

    def to_dict(self) -> dict[str, Any]:
        """JSON, in camelCase."""
        return self.model_dump(mode="json", by_alias=True)


class Commands(BaseModel):
    """What people ask of a running rollout. approved: the gate they approve. retry: the attempt they want at least."""

    model_config = ConfigDict(frozen=True)

    paused: bool = False
    aborted: bool = False
    approved: str = ""
    retry: int = 1


def _first_problem(error: Exception) -> str:
    """What is wrong with a state, in one line."""
    if not isinstance(error, ValidationError):
        return "it is no JSON object"
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def packed(value: Any) -> str:
    """JSON made small enough for a status that people also read."""
    return base64.b64encode(zlib.compress(json.dumps(value, separators=(",", ":")).encode())).decode()


def unpacked(text: str) -> Any:
    """What `packed` was given; None for nothing."""
    return json.loads(zlib.decompress(base64.b64decode(text))) if text else None
