"""What every splitter can do."""

from dataclasses import dataclass
from typing import Protocol

from matchday.errors import MatchdayError


class SplitError(MatchdayError):
    """What splits the traffic does not answer, or not as it should; asked again, it may."""


class Unsplittable(MatchdayError):
    """A service whose traffic this splitter cannot split, and why."""


@dataclass(frozen=True)
class Readiness:
    """Whether the candidate's servers can answer. permanent: they never will."""

    ready: bool
    reason: str = ""
    permanent: bool = False


@dataclass(frozen=True)
class Endpoints:
    """Base URLs of the servers themselves, past the splitter."""

    stable: tuple[str, ...] = ()
    canary: tuple[str, ...] = ()


class Splitter(Protocol):
    """Two versions of one service. Every method may be called again, and again after a kill, and does no more.

    All raise SplitError when they cannot tell or do now.
    """

    limitations: tuple[str, ...]
    """What this splitter cannot do, in sentences."""

    def check(self, stable: str) -> None:
        """Raises Unsplittable for a service that it cannot split, or that serves another version than `stable`."""

    def deploy(self, version: str) -> None:
        """Start servers of the candidate beside the stable ones; no request goes to them yet."""

    def readiness(self) -> Readiness:
        """Whether the candidate's servers can answer."""

    def split(self, weight: int) -> bool:
        """Give the candidate `weight` percent of the requests. Whether that is in force."""

    def endpoints(self) -> Endpoints:
        """Where the servers are, to be read and asked directly."""

    def promote(self, version: str) -> bool:
        """Make the candidate the stable version, without losing a request. Whether that is done."""

    def withdraw(self, stable: str) -> bool:
        """Give all requests to the version `stable` and end the candidate's servers. Whether that is done."""
