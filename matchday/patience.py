"""Waiting for what may only be late, with a bound."""

import time
from collections.abc import Callable
from typing import TypeVar

from matchday.errors import MatchdayError

Answer = TypeVar("Answer")


class NotYet(MatchdayError):
    """Something that does not answer now, and may in a moment."""


def wait_for(ask: Callable[[], Answer], seconds: float, every: float = 1.0) -> Answer:
    """Ask until there is an answer other than NotYet. Raises MatchdayError with the last reason when time is up."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except NotYet as reason:
            if time.monotonic() + every > deadline:
                raise MatchdayError(f"{reason} (waited {seconds:g} s)") from reason
            time.sleep(every)
