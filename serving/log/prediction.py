"""What the log keeps of an answer, and the protocol of logs."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol


class TraceContext(Protocol):
    """The ids of a span, as OpenTelemetry's SpanContext has them; a trace_id of 0 is no trace."""

    @property
    def trace_id(self) -> int:
        """128 bits."""

    @property
    def span_id(self) -> int:
        """64 bits."""

    @property
    def trace_flags(self) -> int:
        """1 when sampled."""


class Prediction(NamedTuple):
    """One answered request: n forecasts, one event each. Nothing in it may change afterwards.

    entities: input -> its n keys; empty when the features were given. features: k column names. values: (n, k)
    numbers, NaN where missing. labels: names of the output's columns. output: (n, classes), or (n,) for one
    number. event_time: Unix seconds of the oldest features, None when given. latency: seconds. time: Unix
    seconds of the answer. kickoffs: n times in Unix seconds, or none. degraded: from features past their age.
    feature_service: of the version. sources: `input.view` of each feature row that a forecast is made of. times: event
    times of these rows for each forecast in turn, Unix seconds, None for a row that the store did not have; none at all
    when the features were given. late: forecast -> the sources whose row was older than its TTL.
    """

    request_id: str
    trace: TraceContext | None
    model: str
    version: str
    variant: str
    entities: Mapping[str, Sequence[str | int]]
    features: Sequence[str]
    values: Any
    event_time: float | None
    labels: Sequence[str]
    output: Any
    latency: float
    time: float
    kickoffs: Sequence[float] = ()
    degraded: bool = False
    feature_service: str = ""
    sources: Sequence[str] = ()
    times: Sequence[float | None] = ()
    late: Mapping[int, Sequence[str]] = MappingProxyType({})


class PredictionLog(Protocol):
    """Takes predictions off the request path."""

    enabled: bool
    """Whether anything is logged; if not, no Prediction need be made."""

    @property
    def dropped(self) -> int:
        """Forecasts lost so far, exactly."""

    def record(self, entry: Prediction) -> None:
        """Log an answer. Never waits and never fails."""

    def close(self, seconds: float = 5.0) -> None:
        """Send what is left, for at most this long."""


class DisabledLog:
    """A log that is switched off."""

    enabled = False
    dropped = 0

    def record(self, entry: Prediction) -> None:
        """Do nothing."""

    def close(self, seconds: float = 5.0) -> None:
        """Do nothing."""
