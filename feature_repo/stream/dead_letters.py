"""Dead letters: records that cannot be processed, kept with the reason on a topic of their own."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from feature_repo.stream.screening import MOST_BYTES, Poison
from matchday.events import DEAD_LETTERS, CloudEvent
from matchday.events.received import Received
from matchday.stream.messages import iso

SOURCE = "/matchday/stream/processor"


class DeadLetterBox(Protocol):
    """Takes dead letters."""

    def send(self, events: Sequence[CloudEvent]) -> object:
        """Return once all of them are kept."""


def dead_letter(record: Received, poison: Poison, now: datetime) -> CloudEvent:
    """The event of a record that cannot be processed. Its id names the record: a letter that is sent again is known."""
    value = record.value or b""
    small = len(value) <= MOST_BYTES
    return CloudEvent(
        id=f"{record.topic}:{record.partition}:{record.offset}",
        source=SOURCE,
        type=DEAD_LETTERS.type,
        time=iso(now),
        key=f"{record.topic}:{record.partition}",
        data={
            "origin": {"topic": record.topic, "partition": record.partition, "offset": record.offset},
            "reason": poison.reason,
            "error": poison.error,
            "key": None if record.key is None else _text(record.key),
            "headers": {name: _text(content or b"") for name, content in record.headers},
            "value": _text(value) if small and record.value is not None else None,
            "bytes": len(value),
            "sha256": hashlib.sha256(value).hexdigest(),
        },
    )


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
