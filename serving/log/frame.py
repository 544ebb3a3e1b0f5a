"""The way of predictions from the worker to the process that sends them: lines of JSON, many to a frame, on a pipe.

A line is made while its request is answered: one call of orjson costs less than a thread that makes many of them
and keeps the interpreter from requests meanwhile. Names of columns, the same in thousands of lines, go once a frame.
"""

import struct
from collections.abc import Sequence
from typing import Any, BinaryIO

import orjson

from serving.log.prediction import Prediction

_LENGTH = struct.Struct("!I")
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


class Packer:
    """Makes lines and frames; for one worker."""

    def __init__(self) -> None:
        self._tables: list[Sequence[str]] = []
        self._places: dict[int, int] = {}

    def line(self, number: int, entry: Prediction, place: int) -> bytes:
        """One forecast. number: its own. place: its row in the request. Raises what a broken entry raises."""
        trace = entry.trace
        return orjson.dumps(
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
                self._table(entry.features),
                entry.values[place],
                entry.event_time,
                self._table(entry.labels),
                entry.output[place],
                entry.latency,
                entry.time,
                entry.kickoffs[place] if entry.kickoffs else None,
                entry.degraded,
            ),
            default=_plain,
            option=_OPTIONS,
        )

    def frame(self, lines: Sequence[bytes]) -> bytes:
        """A frame of these lines, its length first."""
        body = b"\n".join((orjson.dumps(self._tables), *lines))
        return _LENGTH.pack(len(body)) + body

    def _table(self, columns: Sequence[str]) -> int:
        """The place of these names among all that were ever seen: few, as a model's versions share theirs."""
        place = self._places.get(id(columns))
        if place is None:
            place = self._places[id(columns)] = len(self._tables)
            self._tables.append(columns)  # kept, so that nothing else gets its id
        return place


def lines(frame: bytes) -> tuple[list[Sequence[str]], list[bytes]]:
    """The tables of names and the lines of a frame, without its length."""
    tables, *rest = frame.split(b"\n")
    return orjson.loads(tables), rest


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
