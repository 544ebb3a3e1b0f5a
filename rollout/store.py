"""Storage of one rollout's state and of the commands given to it: the protocol that folder and cluster implement."""

from typing import Protocol

from matchday.errors import MatchdayError
from rollout.state import Commands, State


class Conflict(MatchdayError):
    """Another process wrote first: a decision based on the old state is void."""


class StateStore(Protocol):
    """The state of one rollout."""

    def load(self) -> State:
        """The state as last saved; an initial one before. Raises StateError for one that cannot be read."""

    def save(self, state: State) -> None:
        """Save a state atomically. Raises Conflict when another was saved since the last load."""

    def commands(self) -> Commands:
        """The commands given by people."""

    def rival(self) -> str:
        """Name of another rollout of the same service that has begun and not ended; empty when there is none."""
