"""The protocol of consumers: read events on from a position, without a consumer group."""

from typing import Any, Protocol

from matchday.events.envelope import CloudEvent


class EventConsumer(Protocol):
    """Reads the events of one topic."""

    def since(self, position: Any, most: int) -> tuple[list[CloudEvent], Any]:
        """Events after a position, at most the newest so many, the oldest first, and the position after them.

        position: what an earlier call returned; None to start with the newest. Events of other types are left out;
        what is no event is left out and logged. Raises EventsError.
        """
