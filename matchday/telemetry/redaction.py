"""What may leave the process in a log record or an attribute of a span."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[redacted]"
_SECRET_KEY = re.compile(r"token|passw|secret|authori[sz]ation|credential|cookie|api[-_.]?key|private[-_.]?key", re.I)
_USER_INFO = re.compile(r"(\w://[^/\s:@]*):[^/\s@]+@")


def redact(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` without what belongs to a telling key, at any depth, and without passwords within URLs."""
    return {str(key): HIDDEN if _SECRET_KEY.search(str(key)) else _clean(value) for key, value in values.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return redact(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item) for item in value]
    return _USER_INFO.sub(rf"\1:{HIDDEN}@", value) if isinstance(value, str) else value


def plain(value: Any) -> Any:
    """`value` as OpenTelemetry takes it: text, truth values, numbers, and sequences of one type of these."""
    if isinstance(value, list):
        items = [plain(item) for item in value]
        return items if len({type(item) for item in items}) <= 1 else [str(item) for item in items]
    return value if isinstance(value, str | bool | int | float) else _USER_INFO.sub(rf"\1:{HIDDEN}@", str(value))
