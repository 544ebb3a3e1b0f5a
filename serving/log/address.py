"""Where the prediction log goes, as a setting says it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from matchday.errors import MatchdayError

_BROKER = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:]+\]):(\d{1,5})")


class LogError(MatchdayError):
    """A prediction log that cannot be opened."""


@dataclass(frozen=True, slots=True)
class Address:
    """A Kafka cluster by its brokers (`host:port`), or one file."""

    kind: Literal["kafka", "file"]
    places: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Address":
        """`kafka://HOST:PORT[,HOST:PORT]` or `file:PATH`. Raises LogError, saying how to write it."""
        if text.startswith("kafka://"):
            brokers = tuple(text.removeprefix("kafka://").rstrip("/").split(","))
            if all(_is_broker(broker) for broker in brokers):
                return cls("kafka", brokers)
        elif text.startswith("file:"):
            path = text.removeprefix("file://") if text.startswith("file:///") else text.removeprefix("file:")
            if path and not path.endswith("/"):
                return cls("file", (str(Path(path).absolute()),))
        raise LogError(f"{text!r} is no prediction log: write kafka://HOST:PORT[,HOST:PORT] or file:PATH")

    def __str__(self) -> str:
        return ("kafka://" if self.kind == "kafka" else "file:") + ",".join(self.places)


def _is_broker(text: str) -> bool:
    parts = _BROKER.fullmatch(text)
    return parts is not None and 0 < int(parts[1]) < 65_536
