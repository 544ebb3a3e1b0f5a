"""The protocol of senders: where the queue hands its events on."""

from collections.abc import Callable, Sequence
from typing import Protocol

from serving.log.encoder import PredictionEncoder
from serving.log.prediction import Prediction

TICK_SECONDS = 0.02
"""How often `expired` is asked while a delivery waits."""

Expired = Callable[[], bool]
"""Whether a delivery is to be given up."""


class Sender(Protocol):
    """Delivers events in order, for one thread. trouble: why the last delivery waits or waited, for a log line."""

    trouble: str

    def encode(self, encoder: PredictionEncoder, number: int, entry: Prediction, row: int) -> bytes:
        """The event of a row of a request as it waits in the queue."""

    def deliver(self, events: Sequence[bytes], expired: Expired) -> int | None:
        """Return once all are kept, however long that takes; None when `expired()` came true before.

        Returns how many events were lost for good: too large for Kafka, or deleted by a rotation.
        """

    def close(self, seconds: float) -> None:
        """Let go, within this time."""
