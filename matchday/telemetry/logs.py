"""structlog loggers whose events go to stderr for a person and on as OpenTelemetry log records."""

import logging
import os
import sys
import time
from typing import TYPE_CHECKING, Any, cast

from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

from matchday.telemetry.redaction import plain, redact
from matchday.telemetry.session import active
from matchday.telemetry.spans import here

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

_ENVELOPE = frozenset({"event", "level", "logger", "timestamp", "trace_id", "span_id", "exception"})


def logger(name: str) -> "FilteringBoundLogger":
    """A structlog logger. Every event carries `logger`, `level`, `timestamp` and, in a trace, its ids.

    stderr shows events from `MATCHDAY_LOG_LEVEL` (default `warning`) on: as text on a terminal, as JSON
    lines elsewhere; `MATCHDAY_LOG_FORMAT` (`console` or `json`) overrides. Sent on are those from `info` on,
    or from `MATCHDAY_LOG_LEVEL` when that is lower. Both are read at each event.
    """
    import structlog

    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _drop_quiet,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
        _add_trace,
        _send,
        _render,
    ]
    chosen = structlog.make_filtering_bound_logger(logging.DEBUG)
    return cast("FilteringBoundLogger", structlog.wrap_logger(_Stderr(), processors, chosen).bind(logger=name))


class _Stderr:
    """Writes to what `sys.stderr` is at that moment: a progress bar may stand in for it."""

    def msg(self, message: str) -> None:
        print(message, file=sys.stderr, flush=True)

    log = debug = info = warning = warn = error = critical = fatal = exception = msg


def _number(level: str) -> int:
    return logging.getLevelNamesMapping().get(level.upper(), logging.WARNING)


def _shown_from() -> int:
    return _number(os.environ.get("MATCHDAY_LOG_LEVEL", "warning"))


def _drop_quiet(_: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
    from structlog import DropEvent

    if _number(event["level"]) < min(_shown_from(), logging.INFO):
        raise DropEvent
    return event


def _redact(_: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
    return redact(event)


def _add_trace(_: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
    current = get_current_span(here()).get_span_context()
    if current.is_valid:
        event["trace_id"] = format_trace_id(current.trace_id)
        event["span_id"] = format_span_id(current.span_id)
    return event


def _send(_: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
    """Pass the event on as an OpenTelemetry log record, if telemetry is on."""
    logs = active().logs
    if logs is None:
        return event
    from opentelemetry._logs import LogRecord, SeverityNumber

    level = _number(event["level"])
    attributes = {key: plain(value) for key, value in event.items() if key not in _ENVELOPE}
    if "exception" in event:
        attributes["exception.stacktrace"] = event["exception"]
    record = LogRecord(
        timestamp=time.time_ns(),
        context=here(),
        severity_text=event["level"].upper(),
        severity_number=SeverityNumber(min(level, logging.CRITICAL) // 10 * 4 + 1),
        body=str(event["event"]),
        attributes=attributes,
    )
    logs.get_logger(event["logger"]).emit(record)
    return event


def _render(to: "WrappedLogger", method: str, event: "EventDict") -> str:
    import structlog

    if _number(event["level"]) < _shown_from():
        raise structlog.DropEvent
    terminal = sys.stderr.isatty()
    form = os.environ.get("MATCHDAY_LOG_FORMAT", "console" if terminal else "json")
    if form == "json":
        return str(structlog.processors.JSONRenderer(default=str)(to, method, event))
    colours = terminal and not os.environ.get("NO_COLOR")
    rendered: Any = structlog.dev.ConsoleRenderer(colors=colours)(to, method, event)
    return str(rendered)
