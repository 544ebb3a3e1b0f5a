"""Which requests of a busy server are traced: decided before anything is spent on them."""

import os
import random
import re
from dataclasses import dataclass
from typing import NamedTuple, Self

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_HEAD = 2.0**-64

MOST_TRACESTATE = 512
"""Characters of a `tracestate`; W3C asks for at least so many to be passed on."""

_KEY = r"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
"""W3C's first level: the second allows more, which OpenTelemetry refuses."""
_MEMBER = rf"{_KEY}=[!-+\--<>-~]{{1,256}}"
_TRACESTATE = re.compile(rf"{_MEMBER}(?:[ \t]*,[ \t]*{_MEMBER}){{0,31}}")


def read_tracestate(header: str | None) -> str:
    """The W3C header, empty when it is broken or long: OpenTelemetry writes such a one whole to its log."""
    if header is None or len(header) > MOST_TRACESTATE or not _TRACESTATE.fullmatch(header):
        return ""
    keys = [member.partition("=")[0].strip() for member in header.split(",")]
    return header if len(set(keys)) == len(keys) else ""


class Caller(NamedTuple):
    """The span that a request came from, as `traceparent` tells it."""

    trace_id: int
    span_id: int
    trace_flags: int

    @classmethod
    def read(cls, traceparent: str) -> Self | None:
        """The caller of a W3C header; None when it is broken."""
        found = _TRACEPARENT.fullmatch(traceparent)
        return None if found is None else cls(*(int(part, 16) for part in found.groups()))


@dataclass(frozen=True, slots=True)
class Sampling:
    """ratio: share of new traces that is taken. parent_based: a caller's decision is kept."""

    ratio: float = 1.0
    parent_based: bool = True

    @classmethod
    def from_environment(cls, ratio: float) -> Self:
        """As `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` say; without them `ratio`, callers first.

        None at all when `OTEL_SDK_DISABLED` is true.
        """
        if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            return cls(0.0, parent_based=False)
        name = os.environ.get("OTEL_TRACES_SAMPLER", "").strip().lower()
        kind = name.removeprefix("parentbased_")
        if kind == "traceidratio":
            ratio = _ratio(os.environ.get("OTEL_TRACES_SAMPLER_ARG", ""))
        elif kind in ("always_on", "always_off"):
            ratio = float(kind == "always_on")
        return cls(ratio, parent_based=name not in ("traceidratio", "always_on", "always_off"))

    def takes(self, caller: Caller | None) -> bool:
        """Whether a request with this caller is traced."""
        if caller is None:
            return random.random() < self.ratio
        if self.parent_based:
            return bool(caller.trace_flags & 1)
        return (caller.trace_id & 0xFFFF_FFFF_FFFF_FFFF) * _HEAD < self.ratio


def _ratio(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0
