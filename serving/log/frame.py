"""The way of predictions from the worker to the process that sends them: frames of JSON on a pipe.

Packing is the part that holds the interpreter of the worker, so it is one pass and one call of orjson; names
of columns, the same in thousands of rows, go once a frame.
"""

import struct
from collections.abc import Sequence
from typing import Any, BinaryIO

import orjson

from serving.log.prediction import Prediction

Row = tuple[int, Prediction, int]
"""Number of the forecast, the request it was part of, and its place there."""

_LENGTH = struct.Struct("!I")


def pack(rows: Sequence[Row]) -> bytes:
    """A frame of these forecasts, its length first."""
    names: dict[int, int] = {}
    tables: list[Sequence[str]] = []

    def table(columns: Sequence[str]) -> int:
        index = names.setdefault(id(columns), len(tables))
        if index == len(tables):
            tables.append(columns)
        return index

    lines = []
    for number, entry, place in rows:
        trace = entry.trace
        lines.append(
            (
                number,
                entry.request_id,
                None
                if trace is None or not trace.trace_id
                else f"00-{trace.trace_id:032x}-{trace.span_id:016x}-{int(trace.trace_flags):02x}",
                entry.model,
                entry.version,
                entry.variant,
                {name: keys[place] for name, keys in entry.entities.items()},
                table(entry.features),
                entry.values[place],
                entry.event_time,
                table(entry.labels),
                entry.output[place],
                entry.latency,
                entry.time,
                entry.kickoffs[place] if entry.kickoffs else None,
                entry.degraded,
            )
        )
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    body = orjson.dumps({"tables": tables, "lines": lines}, default=_plain, option=options)
    return _LENGTH.pack(len(body)) + body


def read(stream: BinaryIO) -> bytes | None:
    """The next frame, without its length; None at the end of the stream, also when it ends within a frame."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    length = _LENGTH.unpack(head)[0]
    body = stream.read(length)
    return body if len(body) == length else None


def _plain(value: Any) -> Any:
    """What orjson does not take as it is: arrays that are no plain rows of memory."""
    return value.tolist() if hasattr(value, "tolist") else list(value)
