"""All rollouts of one place, as people see them: a folder of this machine, or a namespace of a cluster."""

from typing import Protocol

from matchday.errors import MatchdayError
from rollout.spec import Spec
from rollout.state import Commands, State


class UnknownRollout(MatchdayError):
    """There is no rollout of that name."""


class RolloutRepository(Protocol):
    """Rollouts by name. Every method may raise MatchdayError; those that take a name, UnknownRollout."""

    def names(self) -> list[str]:
        """Their names, oldest first."""

    def create(self, name: str, spec: Spec) -> None:
        """Ask for a rollout; a name that is taken is refused."""

    def spec(self, name: str) -> Spec:
        """What was asked for."""

    def state(self, name: str) -> State:
        """What is the case."""

    def requests(self, name: str) -> Commands:
        """What people ask of it."""

    def ask(self, name: str, requests: Commands) -> None:
        """Ask that of it from now on, in place of what was asked before."""
