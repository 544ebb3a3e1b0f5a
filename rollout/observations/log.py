"""The prediction log, read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from rollout.observations.row import ReplayRow
from serving.log import Address

OWN_ID = "matchday-rollout-"
"""How ids of requests begin that a rollout makes: what it asks itself is no evidence."""
LOOKED_AT = 20
"""Entries of the log for each row wanted: popular matches are asked for again and again."""


@dataclass(frozen=True)
class Logged:
    """A forecast of the log. time: of the answer, Unix seconds."""

    id: str
    time: float
    model: str
    row: ReplayRow


class Log(Protocol):
    """A prediction log."""

    def since(self, place: Any, most: int) -> tuple[list[Logged], Any]:
        """What was logged after a place, at most the newest so many in the order of time, and the place after it.

        place: None for the newest at all. What a rollout asked itself, and what is no event of the log, is left out.
        Raises SourceError.
        """


def open_log(address: str) -> Log | None:
    """The log at an address as the server's `predictions` has it; None for none. Raises LogError for no address."""
    if not address:
        return None
    where = Address.parse(address)
    if where.kind == "kafka":
        from rollout.observations.log_topic import TopicLog

        return TopicLog(where.places)
    from rollout.observations.log_file import FileLog

    return FileLog(where.places[0])


def logged(data: Mapping[str, Any]) -> Logged | None:
    """The forecast of an event's data; None for one of a rollout's own. Raises ValueError, KeyError or TypeError."""
    if str(data["request_id"]).startswith(OWN_ID):
        return None
    kickoff = data["kickoff"]
    row = ReplayRow(
        entities={str(name): key for name, key in data["entities"].items()},
        kickoff=None if kickoff is None else _seconds(kickoff),
        features={str(name): None if value is None else float(value) for name, value in data["features"].items()},
        version=str(data["version"]),
        output={str(name): float(value) for name, value in data["output"].items()},
    )
    return Logged(str(data["request_id"]), _seconds(data["time"]), str(data["model"]), row)


class LoggedRows:
    """Rows that people have asked a model for, the newest first and each once."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def rows(self, model: str, most: int) -> Sequence[ReplayRow]:
        """At most so many. Raises SourceError when the log cannot be read."""
        entries, _ = self._log.since(None, most * LOOKED_AT)
        newest = sorted((entry for entry in entries if entry.model == model), key=lambda entry: (-entry.time, entry.id))
        distinct: dict[tuple[object, ...], ReplayRow] = {}
        for entry in newest:
            distinct.setdefault((*entry.row.entities.items(), *entry.row.features.items()), entry.row)
        return list(distinct.values())[:most]


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
