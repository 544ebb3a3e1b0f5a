"""Waiting in tests: for a condition, with a bound that a loaded machine keeps too."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], seconds: float = 60.0, every: float = 0.05) -> None:
    """Return once the condition holds. Raises AssertionError when it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not come true within {seconds:g} s"
        time.sleep(every)
