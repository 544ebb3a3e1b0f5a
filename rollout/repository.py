"""Repository of rollouts by name: the protocol behind the command line, for a folder or a namespace."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from matchday.errors import MatchdayError
from rollout.spec import Spec
from rollout.state import Commands, State

ChooseCommand = Callable[[State], Mapping[str, Any]]
"""From the present state to the fields of Commands to change. Raises MatchdayError where the command makes no sense."""


class UnknownRollout(MatchdayError):
    """There is no rollout of that name."""


class RolloutRepository(Protocol):
    """Rollouts by name. All methods raise MatchdayError; those that take a name, UnknownRollout."""

    def names(self) -> list[str]:
        """All names, oldest first."""

    def create(self, name: str, spec: Spec) -> None:
        """Create a rollout. Raises MatchdayError when the name is taken."""

    def spec(self, name: str) -> Spec:
        """The specification of a rollout."""

    def state(self, name: str) -> State:
        """The current state of a rollout."""

    def commands(self, name: str) -> Commands:
        """The commands given to a rollout."""

    def command(self, name: str, choose: ChooseCommand) -> Commands:
        """Change the commands that `choose` names, and no others. Returns all commands as they are now.

        `choose` is asked again where another person commands at the same time.
        """
