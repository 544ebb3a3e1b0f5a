"""A forecast as a CloudEvent."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from serving.log.frame import lines

TYPE = "matchday.prediction.v1"
SOURCE = "/matchday/serving/"
SCHEMA = Path(__file__).with_name("prediction.schema.json")
CONTENT_TYPE = "application/json"


class Event(NamedTuple):
    """A forecast on its way. key: model and entities, by which Kafka keeps the order."""

    id: str
    source: str
    time: str
    traceparent: str | None
    key: str
    data: dict[str, Any]

    def headers(self) -> list[tuple[str, bytes]]:
        """The attributes as Kafka headers, CloudEvents' binary mode."""
        named = {
            "ce_id": self.id,
            "ce_source": self.source,
            "ce_type": TYPE,
            "ce_specversion": "1.0",
            "ce_time": self.time,
            "content-type": CONTENT_TYPE,
            "traceparent": self.traceparent,
        }
        return [(name, value.encode()) for name, value in named.items() if value is not None]

    def body(self) -> bytes:
        """The data alone, as binary mode sends it."""
        return orjson.dumps(self.data)

    def line(self) -> bytes:
        """The whole event as one line of JSON, CloudEvents' structured mode."""
        event = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": TYPE,
            "time": self.time,
            "datacontenttype": CONTENT_TYPE,
            "data": self.data,
        }
        if self.traceparent is not None:
            event["traceparent"] = self.traceparent
        return orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)


def events(frame: bytes, process: str) -> list[Event]:
    """The events of a frame. process: a name unique to the worker; with the number it makes the event's id.

    The same frame gives the same ids, so that one sent twice is known for what it is. A forecast whose parts do
    not belong together (three numbers, two names) is left out.
    """
    tables, rows = lines(frame)
    made = []
    for row in rows:
        with suppress(ValueError, TypeError, OverflowError):
            made.append(_event(orjson.loads(row), tables, process))
    return made


def _event(row: list[Any], tables: list[Sequence[str]], process: str) -> Event:
    (number, request, traceparent, model, version, variant, entities, features, values) = row[:9]
    (event_time, labels, output, latency, moment, kickoff, degraded) = row[9:]
    answered = _iso(moment)
    data = {
        "request_id": request,
        "trace_id": traceparent and traceparent[3:35],
        "time": answered,
        "model": model,
        "version": version,
        "variant": variant,
        "entities": entities,
        "kickoff": _iso(kickoff),
        "features": dict(zip(tables[features], values, strict=True)),
        "features_event_time": _iso(event_time),
        "degraded": degraded,
        "output": dict(zip(tables[labels], output if isinstance(output, list) else [output], strict=True)),
        "latency_seconds": latency,
    }
    key = "|".join([model, *(map(str, entities.values()) if entities else [request])])
    return Event(f"{process}-{number}", SOURCE + model, str(answered), traceparent, key, data)


@lru_cache(maxsize=1024)
def _iso(moment: float | None) -> str | None:
    """ISO 8601 in UTC of Unix seconds, to the millisecond."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
