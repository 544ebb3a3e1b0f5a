"""One request for a forecast on its way through the server, whichever protocol it came by."""

import random
import time
from time import perf_counter

from matchday.telemetry import Caller, Span

STAGES = ("features", "inference", "encode", "total")
FEATURES, INFERENCE, ENCODE, TOTAL = range(len(STAGES))


class Call:
    """Whose trace a request belongs to, and how long its stages took.

    id: for a client that gave none. trace_id, span_id, trace_flags: as OpenTelemetry's SpanContext has them: of this
    server's span when `sampled`, else the caller's, else of a trace that nobody records. marks: stage, and when it
    began and ended by `perf_counter`.
    """

    __slots__ = ("begun", "caller", "id", "marks", "sampled", "span_id", "trace_flags", "trace_id")

    def __init__(self, caller: Caller | None = None) -> None:
        self.begun = perf_counter()
        number = random.getrandbits(128)
        self.id = f"{number:032x}"
        self.caller = caller
        self.sampled = False
        self.trace_id, self.span_id, self.trace_flags = caller or (number, number >> 64, 0)
        self.marks: list[tuple[int, float, float]] = []

    def recorded(self, span: Span) -> None:
        """The request is recorded by this span."""
        self.sampled = True
        context = span.get_span_context()
        self.trace_id, self.span_id, self.trace_flags = context.trace_id, context.span_id, context.trace_flags

    def traceparent(self) -> str:
        """The W3C header of the answer."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{self.trace_flags:02x}"

    def mark(self, stage: int, begun: float) -> float:
        """A stage is over. Returns the time, at which the next one begins."""
        ended = perf_counter()
        self.marks.append((stage, begun, ended))
        return ended

    def wall(self, moment: float) -> int:
        """A moment of `perf_counter` as Unix nanoseconds."""
        return time.time_ns() - int((perf_counter() - moment) * 1e9)
