"""CloudEvents 1.0: an event as a Kafka record (binary mode) and as a line of JSON (structured mode)."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

CONTENT_TYPE = "application/json"
SPEC_VERSION = "1.0"

HEADERS = ("ce_id", "ce_source", "ce_type", "ce_specversion", "ce_time", "content-type", "traceparent")
"""Names of a record's headers, in their order."""


class KafkaRecord(NamedTuple):
    """An event as Kafka takes it. headers: values of `HEADERS`; an empty one is left out."""

    key: bytes
    headers: tuple[bytes, ...]
    value: bytes

    def named_headers(self) -> list[tuple[str, bytes]]:
        """The headers with their names, as Kafka's client takes them."""
        return [(name, value) for name, value in zip(HEADERS, self.headers, strict=True) if value]


class CloudEvent(NamedTuple):
    """An event. key: Kafka keeps the order of events with the same key.

    data: what JSON can hold, or an `orjson.Fragment` of JSON that is ready. time: ISO 8601 in UTC.
    traceparent: W3C trace context, None for none.
    """

    id: str
    source: str
    type: str
    time: str
    key: str
    data: Any
    traceparent: str | None = None

    def record(self) -> KafkaRecord:
        """Binary mode: attributes in the headers `ce_*`, the data alone as the value."""
        headers = (
            self.id.encode(),
            self.source.encode(),
            self.type.encode(),
            SPEC_VERSION.encode(),
            self.time.encode(),
            CONTENT_TYPE.encode(),
            (self.traceparent or "").encode(),
        )
        return KafkaRecord(self.key.encode(), headers, orjson.dumps(self.data))

    def line(self) -> bytes:
        """Structured mode: the whole event as one line of JSON, which begins with its id."""
        event = {
            "specversion": SPEC_VERSION,
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "time": self.time,
            "partitionkey": self.key,
            "datacontenttype": CONTENT_TYPE,
            "data": self.data,
        }
        if self.traceparent is not None:
            event["traceparent"] = self.traceparent
        return orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def from_record(cls, key: bytes | None, headers: Sequence[tuple[str, bytes]], value: bytes | None) -> "CloudEvent":
        """The event of a Kafka record. Raises ValueError when it is none."""
        named = {name: (text or b"").decode() for name, text in headers}
        try:
            return cls(
                id=named["ce_id"],
                source=named["ce_source"],
                type=named["ce_type"],
                time=named["ce_time"],
                key=(key or b"").decode(),
                data=orjson.loads(value or b""),
                traceparent=named.get("traceparent"),
            )
        except KeyError as error:
            raise ValueError(f"the record has no header {error}") from None

    @classmethod
    def from_line(cls, line: bytes) -> "CloudEvent":
        """The event of a line. Raises ValueError when it is none."""
        event = orjson.loads(line)
        if not isinstance(event, Mapping):
            raise ValueError("the line is no JSON object")
        try:
            return cls(
                id=event["id"],
                source=event["source"],
                type=event["type"],
                time=event["time"],
                key=event.get("partitionkey", ""),
                data=event["data"],
                traceparent=event.get("traceparent"),
            )
        except KeyError as error:
            raise ValueError(f"the line has no {error}") from None


def line_head(id_template: bytes, source: str, event_type: str) -> bytes:
    """How the lines of one source begin, up to their data: `CloudEvent.line` as a template of `%`.

    id_template: of the id. To be filled in with its values, the time as bytes, and the key as JSON.
    """
    origin = b'"source":%b,"type":%b' % (orjson.dumps(source), orjson.dumps(event_type))
    return (
        b'{"specversion":"1.0","id":"'
        + id_template
        + b'",'
        + origin.replace(b"%", b"%%")
        + b',"time":"%b","partitionkey":%b,"datacontenttype":"application/json","data":'
    )
