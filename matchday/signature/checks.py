"""Checks of a signature's fields; each raises SignatureError with the field's name."""

import math
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from matchday.errors import MatchdayError


class SignatureError(MatchdayError):
    """A signature that is not valid; the message names the field."""


def sequence(field: str, value: Any) -> tuple[Any, ...]:
    """The items of a list."""
    if not isinstance(value, list | tuple):
        raise SignatureError(f"{field} is {value!r}; a list is needed")
    return tuple(value)


def check_text(field: str, value: Any) -> None:
    """Text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise SignatureError(f"{field} is {value!r}; text is needed")


def check_positive(field: str, value: Any) -> None:
    """A finite number above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise SignatureError(f"{field} is {value!r}; a number above 0 is needed")


def check_number(field: str, value: Any) -> None:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -math.inf < value < math.inf:
        raise SignatureError(f"{field} is {value!r}; a finite number is needed")


def check_size(field: str, value: Any) -> None:
    """A whole number above zero."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SignatureError(f"{field} is {value!r}; a whole number above 0 is needed")


def check_choice(field: str, value: Any, choices: Collection[str]) -> None:
    """One of these texts."""
    if value not in choices:
        raise SignatureError(f"{field} is {value!r}; known are {', '.join(map(repr, choices))}")


def check_some(field: str, items: Sequence[Any]) -> None:
    """At least one item."""
    if not items:
        raise SignatureError(f"{field} is empty; a model needs at least one")


def check_items(field: str, items: Sequence[Any], kind: type) -> None:
    """Items of this class."""
    for position, item in enumerate(items):
        if not isinstance(item, kind):
            raise SignatureError(f"{field}[{position}] is {item!r}; {kind.__name__} is needed")


def check_names(field: str, names: Sequence[str]) -> None:
    """Texts, each once."""
    for name in names:
        check_text(field, name)
    if len(set(names)) != len(names):
        raise SignatureError(f"{field} names one twice: {', '.join(names)}")


def check_time(field: str, value: Any) -> None:
    """An ISO 8601 time."""
    check_text(field, value)
    try:
        datetime.fromisoformat(value)
    except ValueError as error:
        raise SignatureError(f"{field} is {value!r}; an ISO 8601 time is needed") from error
