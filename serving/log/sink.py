"""Where events are kept."""

from collections.abc import Callable, Sequence
from typing import Protocol

from serving.log.address import Address
from serving.log.event import Event

Tell = Callable[[str], None]
"""Told, again and again, why a sink does not get on."""


class Sink(Protocol):
    """Keeps events in their order."""

    def write(self, events: Sequence[Event]) -> int:
        """Return once all are kept, however long it takes. Returns how many can never be."""

    def close(self) -> None:
        """Let go."""


def open_sink(address: Address, tell: Tell) -> Sink:
    """The sink at an address; connected when first written to."""
    if address.kind == "kafka":
        from serving.log.kafka import KafkaSink

        return KafkaSink(address.places, tell)
    from serving.log.file import FileSink

    return FileSink(address.places[0], tell)
