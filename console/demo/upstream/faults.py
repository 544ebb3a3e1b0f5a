"""Faults that the stand-in makes on demand: which, of which requests, how often."""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Fault(StrEnum):
    """SLOW answers late; HALF ends within the body; RENAMED has a column by another name; STALE is an older answer."""

    SLOW = "slow"
    BUSY = "429"
    FAILS = "500"
    HALF = "half a body"
    RENAMED = "changed column"
    HTML = "HTML"
    STALE = "stale cache"
    FORBIDDEN = "403"


@dataclass
class Planned:
    """A fault of requests whose path holds `path`: of `times` of them, after the first `skip`.

    column: what is renamed. retry_after: header of a 429. older: the instant of a stale answer.
    """

    fault: Fault
    path: str = ""
    times: int = 1
    skip: int = 0
    column: str = ""
    retry_after: str = "1"
    older: datetime | None = None


@dataclass
class Faults:
    """The faults that are still to come."""

    planned: list[Planned] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, fault: Fault, path: str = "", *, times: int = 1, skip: int = 0, **more: object) -> None:
        """Make a fault of `times` requests for `path`, after `skip` good ones."""
        with self._lock:
            self.planned.append(Planned(fault, path, times, skip, **more))  # type: ignore[arg-type]

    def clear(self) -> None:
        """Make none any more."""
        with self._lock:
            self.planned.clear()

    def next(self, path: str) -> Planned | None:
        """The fault of a request that has just come, None for a good answer."""
        with self._lock:
            for one in self.planned:
                if one.path not in path or not one.times:
                    continue
                if one.skip:
                    one.skip -= 1
                    continue
                one.times -= 1
                return one
        return None
