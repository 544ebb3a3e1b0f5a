"""The process that exports a server's spans: `python -m matchday.telemetry SERVICE PID`, a JSON line for each batch.

It ends when the server closes the pipe, as it does by dying.
"""

import json
import sys
from collections.abc import Iterator

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from matchday.aside import step_aside
from matchday.telemetry import session
from matchday.telemetry.relay import ServerSpan, Stage

SAMPLED = TraceFlags(TraceFlags.SAMPLED)


def main(service: str, server: str) -> int:
    """Export until the server has no more."""
    step_aside()
    session.start(service, process=int(server))
    here = session.active()
    for line in sys.stdin.buffer:
        for fields in json.loads(line):
            if here.spans is not None:
                for span in readable(ServerSpan(*fields), here.resource):
                    here.spans.on_end(span)
    session.shutdown()
    return 0


def readable(span: ServerSpan, resource: Resource | None) -> Iterator[ReadableSpan]:
    """The span of a request and those of its stages, as OpenTelemetry's exporters take them."""
    scope = InstrumentationScope("matchday")
    state = TraceState.from_header([span.tracestate]) if span.tracestate else TraceState()
    context = SpanContext(span.trace_id, span.span_id, is_remote=False, trace_flags=SAMPLED, trace_state=state)
    caller = SpanContext(span.trace_id, span.caller, is_remote=True, trace_flags=SAMPLED, trace_state=state)
    for number, stage in enumerate((Stage(*fields) for fields in span.stages), start=1):
        # Any id will do that is this span's own: its server span's, moved on.
        own = (span.span_id + number) % 2**64 or 1
        yield ReadableSpan(
            stage.name,
            SpanContext(span.trace_id, own, is_remote=False, trace_flags=SAMPLED, trace_state=state),
            context,
            resource,
            start_time=stage.begun,
            end_time=stage.ended,
            instrumentation_scope=scope,
        )
    yield ReadableSpan(
        span.name,
        context,
        caller if span.caller else None,
        resource,
        span.attributes,
        kind=SpanKind.SERVER,
        status=Status(StatusCode.ERROR) if span.failed else Status(),
        start_time=span.begun,
        end_time=span.ended,
        instrumentation_scope=scope,
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
