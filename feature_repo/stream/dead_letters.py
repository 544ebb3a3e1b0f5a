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

MOST_ERROR = 400
"""Characters of an error: what is wrong may be long."""

MOST_HEADERS = 16 * 1024
"""Bytes of key and headers that a letter keeps of a record that is too large: the letter must fit into Kafka."""


class DeadLetterBox(Protocol):
    """Takes dead letters."""

    def send(self, events: Sequence[CloudEvent]) -> object:
        """Return once all of them are kept."""


def dead_letter(record: Received, poison: Poison, now: datetime) -> CloudEvent:
    """The event of a record that cannot be processed. Its id names the record: a letter that is sent again is known."""
    value, key = record.value or b"", record.key
    headers = {name: content or b"" for name, content in record.headers}
    around = len(key or b"") + sum(len(name.encode()) + len(content) for name, content in headers.items())
    small = len(value) + around <= MOST_BYTES
    if not small and around > MOST_HEADERS:
        key, headers = None, {}
    return CloudEvent(
        id=f"{record.topic}:{record.partition}:{record.offset}",
        source=SOURCE,
        type=DEAD_LETTERS.type,
        time=iso(now),
        key=f"{record.topic}:{record.partition}",
        data={
            "origin": {"topic": record.topic, "partition": record.partition, "offset": record.offset},
            "reason": poison.reason,
            "error": poison.error[:MOST_ERROR],
            "key": None if key is None else _text(key),
            "headers": {name: _text(content) for name, content in headers.items()},
            "value": _text(value) if small and record.value is not None else None,
            "bytes": len(value),
            "sha256": hashlib.sha256(value).hexdigest(),
        },
    )


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
