"""Values of a row as its source wrote them, read as what they should be.

Every function raises ValueError with a reason that follows "it": "has no now_cost".
"""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from matchday.sources.clubs import CODES, NAMES

LARGEST = 2**53
"""No count of a source is larger; what is, is an error, and would not fit into a table."""


def value(row: Any, field: str) -> Any:
    """What stands in a field, None too."""
    if not isinstance(row, Mapping):
        raise ValueError("is no object with named fields")
    if field not in row:
        raise ValueError(f"has no {field}")
    return row[field]


def part(row: Any, field: str) -> Mapping[str, Any]:
    """An object within the row."""
    found = value(row, field)
    if not isinstance(found, Mapping):
        raise ValueError(f"has {field} {_short(found)}, which is no object")
    return found


def items(row: Any, field: str) -> list[Any]:
    """A list within the row."""
    found = value(row, field)
    if not isinstance(found, list):
        raise ValueError(f"has {field} {_short(found)}, which is no list")
    return found


def whole(row: Any, field: str) -> int:
    """A whole number, written as one or as text."""
    found = number(row, field)
    if not found.is_integer() or abs(found) > LARGEST:
        raise ValueError(f"has {field} {_short(row[field])}, which is no whole number")
    return int(found)


def number(row: Any, field: str) -> float:
    """A finite number, written as one or as text."""
    found = value(row, field)
    try:
        read = math.nan if isinstance(found, bool) else float(found)
    except (TypeError, ValueError, OverflowError):
        read = math.nan
    if not math.isfinite(read):
        raise ValueError(f"has {field} {_short(found)}, which is no number")
    return read


def optional_whole(row: Any, field: str) -> int | None:
    """A whole number, or None where the source says that there is none."""
    return None if value(row, field) is None else whole(row, field)


def text(row: Any, field: str) -> str:
    """Text that can be stored as UTF-8, without white space around it; it may be empty."""
    found = value(row, field)
    if not isinstance(found, str):
        raise ValueError(f"has {field} {_short(found)}, which is no text")
    try:
        found.encode()
    except UnicodeEncodeError:
        raise ValueError(f"has {field} {_short(found)}, which is no whole text") from None
    return found.strip()


def flag(row: Any, field: str) -> bool:
    """True or false; null is false."""
    found = value(row, field)
    if found is not None and not isinstance(found, bool):
        raise ValueError(f"has {field} {_short(found)}, which is neither true nor false")
    return bool(found)


def moment(row: Any, field: str) -> datetime:
    """A moment with its time zone, ISO 8601, as UTC."""
    written = text(row, field)
    try:
        found = datetime.fromisoformat(written)
        if found.tzinfo is None:
            raise ValueError(f"has {field} {_short(written)}, which names no time zone")
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as why:
        reason = str(why) if "time zone" in str(why) else f"has {field} {_short(written)}, which is no moment"
        raise ValueError(reason) from None


def optional_moment(row: Any, field: str) -> datetime | None:
    """A moment, or None where the source says that there is none."""
    return None if value(row, field) is None else moment(row, field)


def optional_day(row: Any, field: str) -> date | None:
    """A date, ISO 8601; None where the source says that there is none, or has no such field."""
    if row.get(field) is None:
        return None
    try:
        return date.fromisoformat(text(row, field))
    except ValueError:
        raise ValueError(f"has {field} {_short(row[field])}, which is no date") from None


def club(name: str) -> str:
    """The three letters of a club by any of its names."""
    found = name if name in NAMES else CODES.get(name)
    if found is None:
        raise ValueError(f"names a club {_short(name)}, which is not known here")
    return found


def _short(found: Any) -> str:
    written = ascii(found)
    return written if len(written) <= 40 else f"{written[:36]}..."
