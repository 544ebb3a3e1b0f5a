"""Predictions to CloudEvents of the topic of predictions, their JSON made by filling in a template."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from matchday.events import PREDICTIONS, CloudEvent
from serving.log.prediction import Prediction

SOURCE = "/matchday/serving/"


class PredictionEncoder:
    """Makes the event of each forecast. process: a name unique to the worker, with which ids begin."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._templates: dict[tuple[str, str, str], DataTemplate] = {}

    def event(self, number: int, entry: Prediction, row: int) -> CloudEvent:
        """The event of one row of a request. number: of the forecast in this worker.

        Raises ValueError, TypeError or another error for parts that do not belong together.
        """
        model, trace, time = entry.model, entry.trace, iso(entry.time)
        traced = trace is not None and trace.trace_id
        ids = "%032x-%016x-%02x" % (trace.trace_id, trace.span_id, trace.trace_flags) if traced else ""  # noqa: UP031
        if entry.entities:
            keys = {name: keys[row] for name, keys in entry.entities.items()}
            key, entities = "|".join((model, *map(str, keys.values()))), orjson.dumps(keys)
        else:
            key, entities = f"{model}|{entry.request_id}", b"{}"
        data = self._template(entry).fill(entry, row, time, ids, entities)
        return CloudEvent(
            f"{self._process}-{number}",
            SOURCE + model,
            PREDICTIONS.type,
            time,
            key,
            orjson.Fragment(data),
            f"00-{ids}" if ids else None,
        )

    def _template(self, entry: Prediction) -> "DataTemplate":
        """The template of this version of a model, made anew when its columns are others."""
        version = entry.model, entry.version, entry.variant
        template = self._templates.get(version)
        if template is None or template.features is not entry.features or template.labels is not entry.labels:
            template = self._templates[version] = DataTemplate(entry)
        return template


class DataTemplate:
    """The JSON of a forecast: pieces that are the same for all forecasts of a version, and a gap between each two.

    orjson writes the numbers of a row, which are then cut at their commas: half the time of a dictionary of them.
    """

    def __init__(self, entry: Prediction) -> None:
        self.features = entry.features
        self.labels = entry.labels
        self._numbers = len(entry.features) + len(entry.labels)
        self._columns = len(entry.features)
        model, version, variant = map(orjson.dumps, (entry.model, entry.version, entry.variant))
        pieces = [
            b'{"request_id":',
            b',"trace_id":',
            b',"time":"',
            b'","model":%b,"version":%b,"variant":%b,"entities":' % (model, version, variant),
            b',"kickoff":',
            *_names(b',"features":{', entry.features),
            b'},"features_event_time":',
            b',"degraded":',
            *_names(b',"output":{', entry.labels),
            b'},"latency_seconds":',
            b"}",
        ]
        self._parts = [b""] * (2 * len(pieces) - 1)
        self._parts[::2] = pieces

    def fill(self, entry: Prediction, row: int, time: str, ids: str, entities: bytes) -> bytes:
        """The JSON of a row. ids: of trace and span; empty for none. Raises ValueError for too many or few numbers."""
        text = orjson.dumps(
            (entry.values[row], entry.output[row]), default=_plain, option=orjson.OPT_SERIALIZE_NUMPY
        )
        numbers = text.translate(None, b"[]").split(b",")
        if len(numbers) != self._numbers:
            raise ValueError(f"{len(numbers)} numbers for {self._numbers} columns of {entry.model}")
        parts = self._parts.copy()
        parts[1::2] = (
            orjson.dumps(entry.request_id),
            b'"%b"' % ids[:32].encode() if ids else b"null",
            time.encode(),
            entities,
            b'"%b"' % iso(entry.kickoffs[row]).encode() if entry.kickoffs else b"null",
            *numbers[: self._columns],
            b"null" if entry.event_time is None else b'"%b"' % iso(entry.event_time).encode(),
            b"true" if entry.degraded else b"false",
            *numbers[self._columns :],
            b"%.6f" % entry.latency,
        )
        return b"".join(parts)


def iso(moment: float) -> str:
    """ISO 8601 in UTC of Unix seconds, to the millisecond."""
    seconds, micros = divmod(round(moment * 1e6), 1_000_000)
    return f"{_to_the_second(seconds)}{micros // 1000:03d}Z"


@lru_cache(maxsize=256)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.")


def _names(begin: bytes, names: Sequence[str]) -> list[bytes]:
    """The pieces of a JSON object before each of its values."""
    pieces = [orjson.dumps(name) + b":" for name in names]
    return [begin + pieces[0], *(b"," + piece for piece in pieces[1:])]


def _plain(value: Any) -> Any:
    """What orjson does not take as it is: arrays that are not contiguous in memory."""
    return value.tolist()
