"""Facts that one round observes: the input of the state machine beside specification and state."""

from dataclasses import dataclass, field

from rollout.evidence import Evidence
from rollout.splitter import Readiness
from rollout.state import Commands


@dataclass(frozen=True)
class Facts:
    """Everything that a round observes. now: Unix seconds.

    stable, candidate: versions that the alias `champion` and the specification's candidate resolve to now; empty when
    the registry does not answer. refusal: why this rollout may never begin. not_yet: why it may not begin yet. done:
    whether the action of the phase is in force. problem: why it is not, or what could not be observed. evidence: of
    the window, with this round's data.
    """

    now: float
    commands: Commands = field(default_factory=Commands)
    stable: str = ""
    candidate: str = ""
    refusal: str = ""
    not_yet: str = ""
    readiness: Readiness = field(default_factory=lambda: Readiness(False))
    done: bool = False
    problem: str = ""
    evidence: Evidence = field(default_factory=Evidence)
