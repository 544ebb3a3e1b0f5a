"""Forecasts of the prediction log: read on from a position, and as rows to replay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from matchday.events import PREDICTIONS, EventsAddress, EventsError
from matchday.events.connect import open_consumer
from matchday.events.consumer import EventConsumer
from matchday.telemetry import logger
from rollout.observations.row import ReplayRow
from rollout.sources import SourceError
from serving.call import MIRROR

OWN_ID = "matchday-rollout-"
"""How ids of requests begin that a rollout makes: its own questions are no evidence."""
READ_PER_ROW = 20
"""Entries of the log that are read for each row wanted: popular matches are asked for again and again."""


@dataclass(frozen=True)
class LoggedForecast:
    """A forecast of the log. id: of the request. time: of the answer, Unix seconds. mirrored: nobody got it."""

    id: str
    time: float
    model: str
    row: ReplayRow
    mirrored: bool = False


class ForecastLog(Protocol):
    """A prediction log."""

    def since(self, position: Any, most: int) -> tuple[list[LoggedForecast], Any]:
        """Forecasts after a position, at most the newest so many in the order of time, and the position after them.

        position: None for the newest of all. Requests of a rollout's own and what is no forecast are left out.
        Raises SourceError.
        """


class EventLog:
    """The prediction log as events of the topic of predictions."""

    def __init__(self, consumer: EventConsumer) -> None:
        self._consumer = consumer
        self._log = logger("rollout")

    def since(self, position: Any, most: int) -> tuple[list[LoggedForecast], Any]:
        """As `ForecastLog.since`. A log that is not there yet is empty."""
        try:
            events, end = self._consumer.since(position, most)
        except EventsError as error:
            raise SourceError(f"the prediction log cannot be read: {error}") from None
        forecasts, broken = [], 0
        for event in events:
            try:
                forecast = _forecast(event.data)
            except (ValueError, KeyError, TypeError, AttributeError):
                broken += 1
            else:
                forecasts += [forecast] if forecast else []
        if broken:
            self._log.warning("events of the prediction log are no forecasts", events=broken)
        return sorted(forecasts, key=lambda forecast: forecast.time), end


def open_log(address: str) -> EventLog | None:
    """The log at an address as the server's `predictions` has it; None for none.

    Raises EventsError for a bad address or Kafka setting.
    """
    return EventLog(open_consumer(EventsAddress.parse(address), PREDICTIONS)) if address else None


class LoggedRows:
    """Rows that people have asked a model for, the newest first and each once."""

    def __init__(self, log: ForecastLog) -> None:
        self._log = log

    def rows(self, model: str, most: int) -> Sequence[ReplayRow]:
        """At most so many. Raises SourceError when the log cannot be read."""
        forecasts, _ = self._log.since(None, most * READ_PER_ROW)
        newest = sorted(
            (each for each in forecasts if each.model == model and not each.mirrored),
            key=lambda each: (-each.time, each.id),
        )
        distinct: dict[tuple[object, ...], ReplayRow] = {}
        for each in newest:
            distinct.setdefault((*each.row.entities.items(), *each.row.features.items()), each.row)
        return list(distinct.values())[:most]


def _forecast(data: Mapping[str, Any]) -> LoggedForecast | None:
    """The forecast of an event; None for a rollout's own. Raises ValueError, KeyError, TypeError or AttributeError."""
    if str(data["request_id"]).startswith(OWN_ID):
        return None
    kickoff = data["kickoff"]
    row = ReplayRow(
        entities={str(name): key for name, key in data["entities"].items()},
        kickoff=None if kickoff is None else _seconds(kickoff),
        features={str(name): None if value is None else float(value) for name, value in data["features"].items()},
        version=str(data["version"]),
        output={str(name): float(value) for name, value in data["output"].items()},
        feature_service=str(data.get("feature_service", "")),
    )
    mirrored = data["variant"] == MIRROR
    return LoggedForecast(str(data["request_id"]), _seconds(data["time"]), str(data["model"]), row, mirrored)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
