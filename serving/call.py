"""One request on its way through the server: its trace, its id, and how long its stages took."""

import random
import time
from collections.abc import Mapping
from http import HTTPStatus
from time import perf_counter

from matchday.telemetry import Caller, read_tracestate
from matchday.telemetry.relay import ServerSpan, Stage

STAGES = ("features", "inference", "encode", "total")
FEATURES, INFERENCE, ENCODE, TOTAL = range(len(STAGES))

REPLAY_HEADER = "matchday-replay"
"""Header of a request that a rollout makes to compare versions: it is counted apart from users' requests."""

REPLAY, MIRROR = "replay", "mirror"
"""Origins of such requests: rows that a rollout asks for, and copies of users' requests whose answers nobody gets.

The header of a copy has the value `mirror`.
"""

STATUS = "http.response.status_code"
"""Attribute of a span, as OpenTelemetry names it."""


class Call:
    """A request for a forecast or an explanation, over any protocol.

    id: for a client that gave none. trace_id, span_id, trace_flags: as OpenTelemetry's SpanContext has them: of this
    server's span when `sampled`, else the caller's, else of a trace that nobody records. marks: stage, and when it
    began and ended by `perf_counter`. origin: REPLAY or MIRROR, empty for a user's request.
    """

    __slots__ = ("begun", "caller", "id", "marks", "origin", "sampled", "span_id", "trace_flags", "trace_id")

    def __init__(self, caller: Caller | None = None) -> None:
        self.begun = perf_counter()
        number = random.getrandbits(128)
        self.id = f"{number:032x}"
        self.caller = caller
        self.sampled = False
        self.origin = ""
        self.trace_id, self.span_id, self.trace_flags = caller or (number, number >> 64, 0)
        self.marks: list[tuple[int, float, float]] = []

    def sample(self) -> None:
        """Record the request by a span of this server's."""
        self.sampled = True
        self.span_id = random.getrandbits(64) or 1
        self.trace_flags = 1

    def position(self) -> Caller:
        """Trace and span of the request, for its log lines."""
        return Caller(self.trace_id, self.span_id, self.trace_flags)

    @property
    def traced(self) -> bool:
        """Whether the reply names the trace: it is recorded here, or the caller's."""
        return self.sampled or self.caller is not None

    def traceparent(self) -> str:
        """The W3C header of the reply."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{self.trace_flags:02x}"

    def mark(self, stage: int, begun: float) -> float:
        """Note that a stage has ended. Returns the time, when the next one begins."""
        ended = perf_counter()
        self.marks.append((stage, begun, ended))
        return ended

    def span(self, name: str, ended: float, tracestate: str | None, attributes: Mapping[str, str | int]) -> ServerSpan:
        """The request as a span. ended: by `perf_counter`."""
        zero = time.time_ns() - int(perf_counter() * 1e9)
        return ServerSpan(
            name,
            self.trace_id,
            self.span_id,
            self.caller.span_id if self.caller else 0,
            read_tracestate(tracestate),
            zero + int(self.begun * 1e9),
            zero + int(ended * 1e9),
            attributes,
            [Stage(STAGES[at], zero + int(begun * 1e9), zero + int(over * 1e9)) for at, begun, over in self.marks],
            failed=int(attributes.get(STATUS, 0)) >= HTTPStatus.INTERNAL_SERVER_ERROR,
        )
