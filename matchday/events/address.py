"""Where events are written and read: a Kafka cluster or a file."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from matchday.events.errors import EventsError

_BROKER = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:]+\]):(\d{1,5})")


@dataclass(frozen=True, slots=True)
class EventsAddress:
    """A Kafka cluster or one file.

    brokers: `HOST:PORT` each; empty for a file, and where `MATCHDAY_KAFKA_BOOTSTRAP_SERVERS` names them.
    path: absolute; empty for Kafka.
    """

    kind: Literal["kafka", "file"]
    brokers: tuple[str, ...] = ()
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> "EventsAddress":
        """`kafka://[HOST:PORT[,HOST:PORT]]` or `file:PATH`. Raises EventsError that says how to write it."""
        if text == "kafka://":
            return cls("kafka")
        if text.startswith("kafka://"):
            return cls("kafka", brokers=parse_brokers(text.removeprefix("kafka://").rstrip("/")))
        if text.startswith("file:"):
            path = text.removeprefix("file://") if text.startswith("file:///") else text.removeprefix("file:")
            if path and not path.endswith("/"):
                return cls("file", path=str(Path(path).absolute()))
        raise EventsError(f"{text!r} is no address of events: write kafka://HOST:PORT[,HOST:PORT] or file:PATH")

    def __str__(self) -> str:
        return f"file:{self.path}" if self.kind == "file" else "kafka://" + ",".join(self.brokers)


def parse_brokers(text: str) -> tuple[str, ...]:
    """The brokers of a list `HOST:PORT[,HOST:PORT]`. Raises EventsError that names the wrong one."""
    brokers = tuple(broker.strip() for broker in text.split(","))
    for broker in brokers:
        parts = _BROKER.fullmatch(broker)
        if parts is None or not 0 < int(parts[1]) < 65_536:
            raise EventsError(f"{broker!r} is no address of a Kafka broker: write HOST:PORT[,HOST:PORT]")
    return brokers
