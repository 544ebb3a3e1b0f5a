"""Predictions to CloudEvents of the topic of predictions, their JSON made by filling in a template."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from matchday.events import PREDICTIONS, CloudEvent
from matchday.events.envelope import line_head
from serving.log.prediction import Prediction, TraceContext

SOURCE = "/matchday/serving/"

MOST_ORIGINS = 4096
"""Texts about the origin of features that are kept; teams meet again and again, and rows change twice a week."""


class PredictionEncoder:
    """Makes the event of each forecast. process: a name unique to the worker, with which ids begin.

    Both forms raise ValueError, TypeError or another error for parts that do not belong together.
    """

    def __init__(self, process: str) -> None:
        self._process = process.encode()
        self._templates: dict[tuple[str, str, str], DataTemplate] = {}

    def event(self, number: int, entry: Prediction, row: int) -> CloudEvent:
        """The event of one row of a request. number: of the forecast in this worker."""
        template = self._template(entry)
        time, ids, key, parts = template.fill(entry, row)
        return CloudEvent(
            id=f"{self._process.decode()}-{number}",
            source=template.source,
            type=PREDICTIONS.type,
            time=time.decode(),
            key=key,
            data=orjson.Fragment(b"".join(parts)),
            traceparent=f"00-{ids.decode()}" if ids else None,
        )

    def line(self, number: int, entry: Prediction, row: int) -> bytes:
        """`event(...).line()` in two thirds of the time: the parts of data and envelope are joined at once."""
        template = self._template(entry)
        time, ids, key, parts = template.fill(entry, row)
        parts[0] = template.line_head % (self._process, number, time, orjson.dumps(key)) + parts[0]
        parts[-1] += b',"traceparent":"00-%b"}\n' % ids if ids else b"}\n"
        return b"".join(parts)

    def _template(self, entry: Prediction) -> "DataTemplate":
        """The template of this version of a model, made anew when its columns are others."""
        version = entry.model, entry.version, entry.variant
        template = self._templates.get(version)
        if template is None or not template.fits(entry):
            template = self._templates[version] = DataTemplate(entry)
        return template


class DataTemplate:
    """The JSON of a forecast without its values, made once for each version of a model.

    Its parts are: a head, then name and number of each column in turn, and a tail. Between the features and the output
    stands where the features come from, which is the same for all forecasts of the same rows.
    """

    def __init__(self, entry: Prediction) -> None:
        self.features = entry.features
        self.labels = entry.labels
        self.sources = entry.sources
        self.source = SOURCE + entry.model
        self.line_head = line_head(b"%b-%d", self.source, PREDICTIONS.type)
        version = tuple(map(_escape, (entry.model, entry.version, entry.variant)))
        self._head = b'{"request_id":%%b,"trace_id":%%b,"time":"%%b","model":%b,"version":%b,"variant":%b' % version
        self._head += b',"feature_service":%b' % _escape(entry.feature_service) if entry.feature_service else b""
        self._head += b',"entities":%b,"kickoff":%b'
        names = [*_names(b',"features":{', entry.features), *_names(b"", entry.labels)]
        self._first_label = names[len(entry.features)]
        self._origins: dict[Any, bytes] = {}
        names[len(entry.features)] = self._describe_origin(None, False, (), ())
        self._count = len(names)
        self._middle = 1 + 2 * len(entry.features)
        self._parts = [b""] * (2 + 2 * self._count)
        self._parts[1:-1:2] = names

    def fits(self, entry: Prediction) -> bool:
        """Whether an entry has the columns that this was made of."""
        return self.features is entry.features and self.labels is entry.labels and self.sources is entry.sources

    def fill(self, entry: Prediction, row: int) -> tuple[bytes, bytes, str, list[bytes]]:
        """Time of the answer, ids of its trace (empty for none), key of the event, and all parts of its data."""
        request_id, trace, model, _, _, entities, _, values, event_time, _, output = entry[:11]
        latency, moment, kickoffs, degraded, _, _, times, late = entry[11:]
        time, ids = iso(moment), _ids(trace)
        parts = self._columns(values[row], output[row])
        keys, key, entities_json = None, f"{model}|{request_id}", b"{}"
        if entities:
            keys = {name: keys[row] for name, keys in entities.items()}
            key, entities_json = "|".join((model, *map(str, keys.values()))), orjson.dumps(keys)
        parts[0] = self._head % (
            orjson.dumps(request_id),
            b'"%b"' % ids[:32] if ids else b"null",
            time,
            entities_json,
            b'"%b"' % iso(kickoffs[row]) if kickoffs else b"null",
        )
        if times or event_time is not None or degraded:
            width = len(self.sources)
            own_times = tuple(times[row * width : (row + 1) * width])
            origin = event_time, degraded, own_times, tuple(late[row]) if row in late else ()
            parts[self._middle] = self._origins.get(origin) or self._keep_origin(origin)
        parts[-1] = b'},"latency_seconds":%.6f}' % latency
        return time, ids, key, parts

    def _columns(self, features: Any, output: Any) -> list[bytes]:
        """The parts with the numbers of a row.

        orjson writes the numbers, which are then cut at their commas: half the time of a dictionary.
        Raises ValueError for more or fewer numbers than names.
        """
        text = orjson.dumps((features, output), default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)
        numbers = text.translate(None, b"[]").split(b",")
        if len(numbers) != self._count or len(features) != len(self.features):
            raise ValueError(f"{len(numbers)} numbers for {self._count} columns")
        parts = self._parts.copy()
        parts[2:-1:2] = numbers
        return parts

    def _keep_origin(self, origin: tuple[Any, ...]) -> bytes:
        """The text of an origin, made and kept."""
        if len(self._origins) >= MOST_ORIGINS:
            self._origins.clear()
        text = self._origins[origin] = self._describe_origin(*origin)
        return text

    def _describe_origin(
        self, event_time: float | None, degraded: bool, times: Sequence[float | None], late: Sequence[str]
    ) -> bytes:
        """What stands between the last feature and the first output."""
        flag = b"true" if degraded else b"false"
        rows = b""
        if times:
            moments = zip(self.sources, times, strict=True)
            named = b",".join(b"%b:%b" % (orjson.dumps(source), _moment(moment)) for source, moment in moments)
            rows = b',"feature_times":{%b},"expired_rows":%b' % (named, orjson.dumps(late))
        return b'},"features_event_time":%b%b,"degraded":%b,"output":{%b' % (
            _moment(event_time),
            rows,
            flag,
            self._first_label,
        )


def _moment(moment: float | None) -> bytes:
    """A time as JSON."""
    return b"null" if moment is None else b'"%b"' % iso(moment)


def iso(moment: float) -> bytes:
    """ISO 8601 in UTC of Unix seconds, to the millisecond."""
    seconds, micros = divmod(round(moment * 1e6), 1_000_000)
    return b"%b%03dZ" % (_to_the_second(seconds), micros // 1000)


@lru_cache(maxsize=256)
def _to_the_second(seconds: int) -> bytes:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.").encode()


def _ids(trace: TraceContext | None) -> bytes:
    """Ids and flags of a span as W3C's `traceparent` has them; empty for no trace."""
    if trace is None or not trace.trace_id:
        return b""
    return b"%032x-%016x-%02x" % (trace.trace_id, trace.span_id, trace.trace_flags)


def _names(begin: bytes, names: Sequence[str]) -> list[bytes]:
    """What stands before each value of a JSON object with these names."""
    return [(b"," if place else begin) + orjson.dumps(name) + b":" for place, name in enumerate(names)]


def _escape(text: str) -> bytes:
    """Text as JSON, for a template of `%`."""
    return orjson.dumps(text).replace(b"%", b"%%")


def _plain(value: Any) -> Any:
    """What orjson does not take as it is: arrays that are not contiguous in memory."""
    return value.tolist()
