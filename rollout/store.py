"""Where a rollout's state is kept, and what people ask of it."""

from typing import Protocol

from matchday.errors import MatchdayError
from rollout.state import Commands, State


class Conflict(MatchdayError):
    """Somebody else has written the state meanwhile: what was decided on the old one is void."""


class StateStore(Protocol):
    """The state of one rollout."""

    def load(self) -> State:
        """The state as last saved; a fresh one at first."""

    def save(self, state: State) -> None:
        """Keep a state, whole or not at all. Raises Conflict when it is not the successor of the one loaded."""

    def requests(self) -> Commands:
        """What people ask."""

    def rival(self) -> str:
        """Name of another rollout of the same service that has begun and not ended; empty when there is none."""
