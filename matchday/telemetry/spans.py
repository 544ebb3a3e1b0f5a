"""Spans, and the W3C headers that carry a trace from one process to the next."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from opentelemetry.context import Context, get_current
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    get_current_span,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from matchday.telemetry.redaction import plain, redact
from matchday.telemetry.sampling import Caller
from matchday.telemetry.session import active

Kind = Literal["internal", "server", "client", "producer", "consumer"]


@contextmanager
def span(
    name: str,
    *,
    parent: Context | None = None,
    kind: Kind = "internal",
    links: Iterable[str] = (),
    **attributes: Any,
) -> Iterator[Span]:
    """A span around the block: an exception that leaves the block is recorded and marks it as failed.

    parent: what `remote_context` gives; None continues the current span, else the caller's in `TRACEPARENT`.
    links: other spans that led to this one, each as a W3C `traceparent`; what is none is left out.
    attributes: text, numbers, truth values and sequences of them; None is left out, others become text.
    """
    started = active().tracer.start_span(
        name,
        context=here() if parent is None else parent,
        kind=SpanKind[kind.upper()],
        links=[Link(context) for context in map(_context_of, links) if context.is_valid],
        attributes={key: plain(item) for key, item in redact(attributes).items() if item is not None},
    )
    with use_span(started, end_on_exit=True) as current:
        yield current


@contextmanager
def within(caller: Caller) -> Iterator[None]:
    """What is logged in the block belongs to this trace, which nobody records here."""
    context = SpanContext(caller.trace_id, caller.span_id, is_remote=True, trace_flags=TraceFlags(caller.trace_flags))
    with use_span(NonRecordingSpan(context)):
        yield


def here() -> Context:
    """The current context when it holds a span, else the one this process was started from."""
    current = get_current()
    return current if get_current_span(current).get_span_context().is_valid else active().parent


def inject(headers: Mapping[str, str]) -> dict[str, str]:
    """`headers` and the current span as `traceparent` and `tracestate`."""
    carrier = dict(headers)
    TraceContextTextMapPropagator().inject(carrier, context=here())
    return carrier


def traceparent() -> str | None:
    """The current span as a W3C `traceparent`, for a child process's environment; None without a span."""
    return inject({}).get("traceparent")


def _context_of(header: str) -> SpanContext:
    """The span that a `traceparent` names."""
    carried = TraceContextTextMapPropagator().extract({"traceparent": header}, context=Context())
    return get_current_span(carried).get_span_context()
