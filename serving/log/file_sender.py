"""Deliveries to a file, written by the worker itself: whole batches of finished lines need no other process."""

import time
from collections.abc import Sequence

from matchday.events.file_producer import FileProducer
from matchday.files import LockTimeout
from serving.log.encoder import PredictionEncoder
from serving.log.prediction import Prediction
from serving.log.sender import TICK_SECONDS, Expired

RETRY_SECONDS = 1.0


class FileSender:
    """Appends to a file that the workers share, and tries again for as long as the disk refuses."""

    def __init__(self, producer: FileProducer) -> None:
        self.trouble = ""
        self._producer = producer

    def encode(self, encoder: PredictionEncoder, number: int, entry: Prediction, row: int) -> bytes:
        """A line of JSON."""
        return encoder.line(number, entry, row)

    def deliver(self, events: Sequence[bytes], expired: Expired) -> int | None:
        """As `Sender.deliver`."""
        lines, deleted, again = b"".join(events), self._producer.deleted, 0.0
        while not expired():
            if time.monotonic() < again:
                time.sleep(TICK_SECONDS)
                continue
            try:
                self._producer.append(lines, wait_seconds=0)
            except LockTimeout:
                again = time.monotonic() + TICK_SECONDS
            except OSError as error:
                self.trouble = f"cannot write {self._producer.path}: {error.strerror or error}"
                again = time.monotonic() + RETRY_SECONDS
            else:
                return self._deleted_since(deleted)
        return None

    def close(self, seconds: float) -> None:
        """Nothing is held open."""

    def _deleted_since(self, before: int) -> int:
        deleted = self._producer.deleted - before
        self.trouble = f"rotation deleted the oldest of {self._producer.path}" if deleted else ""
        return deleted
