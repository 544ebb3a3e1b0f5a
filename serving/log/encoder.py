"""Predictions to CloudEvents of the topic of predictions, their JSON made by filling in a template."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from matchday.events import PREDICTIONS, CloudEvent
from serving.log.prediction import Prediction, TraceContext

SOURCE = "/matchday/serving/"
_NUMPY = orjson.OPT_SERIALIZE_NUMPY


class PredictionEncoder:
    """Makes the event of each forecast. process: a name unique to the worker, with which ids begin."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._templates: dict[tuple[str, str, str], Template] = {}

    def event(self, number: int, entry: Prediction, row: int) -> CloudEvent:
        """The event of one row of a request. number: of the forecast in this worker.

        Raises ValueError, TypeError or another error for parts that do not belong together.
        """
        time, trace = iso(entry.time), trace_ids(entry.trace)
        keys = {name: keys[row] for name, keys in entry.entities.items()}
        return CloudEvent(
            id=f"{self._process}-{number}",
            source=SOURCE + entry.model,
            type=PREDICTIONS.type,
            time=time,
            key="|".join((entry.model, *map(str, keys.values()))) if keys else f"{entry.model}|{entry.request_id}",
            data=orjson.Fragment(self._template(entry).fill(entry, row, keys, time, trace)),
            traceparent=trace,
        )

    def _template(self, entry: Prediction) -> "Template":
        """The template of this version of a model, made anew when its columns are others."""
        of = entry.model, entry.version, entry.variant
        template = self._templates.get(of)
        if template is None or template.features is not entry.features or template.labels is not entry.labels:
            template = self._templates[of] = Template(entry)
        return template


class Template:
    """The JSON of a forecast with everything that is the same for all forecasts of a version.

    A row of numbers is written by orjson and cut at its commas; this costs a third of a dictionary of them.
    """

    def __init__(self, entry: Prediction) -> None:
        self.features = entry.features
        self.labels = entry.labels
        self._text = b"".join(
            (
                b'{"request_id":%b,"trace_id":%b,"time":"%b","model":',
                _escaped(entry.model),
                b',"version":',
                _escaped(entry.version),
                b',"variant":',
                _escaped(entry.variant),
                b',"entities":%b,"kickoff":%b,"features":',
                _object(entry.features),
                b',"features_event_time":%b,"degraded":%b,"output":',
                _object(entry.labels),
                b',"latency_seconds":%.6f}',
            )
        )

    def fill(
        self, entry: Prediction, row: int, keys: dict[str, str | int], time: str, traceparent: str | None
    ) -> bytes:
        """The JSON of a row. Raises ValueError when it has more or fewer numbers than names."""
        values, output = _numbers(entry.values[row]), _numbers(entry.output[row])
        if len(values) != len(self.features) or len(output) != len(self.labels):
            raise ValueError(f"{len(values)} features and {len(output)} outputs do not fit {self.features}")
        return self._text % (
            orjson.dumps(entry.request_id),
            b'"%b"' % traceparent[3:35].encode() if traceparent else b"null",
            time.encode(),
            orjson.dumps(keys) if keys else b"{}",
            b'"%b"' % iso(entry.kickoffs[row]).encode() if entry.kickoffs else b"null",
            *values,
            b"null" if entry.event_time is None else b'"%b"' % iso(entry.event_time).encode(),
            b"true" if entry.degraded else b"false",
            *output,
            entry.latency,
        )


def trace_ids(trace: TraceContext | None) -> str | None:
    """The W3C `traceparent` of a span; None for no trace."""
    if trace is None or not trace.trace_id:
        return None
    return f"00-{trace.trace_id:032x}-{trace.span_id:016x}-{trace.trace_flags:02x}"


def iso(moment: float) -> str:
    """ISO 8601 in UTC of Unix seconds, to the millisecond."""
    seconds, micros = divmod(round(moment * 1e6), 1_000_000)
    return f"{_to_the_second(seconds)}.{micros // 1000:03d}Z"


@lru_cache(maxsize=256)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _numbers(row: Any) -> list[bytes]:
    """The numbers of a row, or one number, as JSON has them; `null` for what is not finite."""
    text = orjson.dumps(row, default=_plain, option=_NUMPY)
    return text[1:-1].split(b",") if text[:1] == b"[" else [text]


def _object(names: Sequence[str]) -> bytes:
    """A JSON object of these names with a place for each value."""
    return b"{" + b",".join(_escaped(name) + b":%b" for name in names) + b"}"


def _escaped(text: str) -> bytes:
    """Text as JSON, for a template of `%`."""
    return orjson.dumps(text).replace(b"%", b"%%")


def _plain(value: Any) -> Any:
    """What orjson does not take as it is: arrays that are not contiguous in memory."""
    return value.tolist()
