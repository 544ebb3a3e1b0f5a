"""Traffic splitter of one service: the protocol that Envoy and both KServe modes implement."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from matchday.errors import MatchdayError


class SplitError(MatchdayError):
    """The splitter does not answer, or not as expected; a later try may succeed."""


class Unsplittable(MatchdayError):
    """This splitter cannot split the service, and why."""


@dataclass(frozen=True)
class Readiness:
    """Whether the candidate's servers can answer. permanent: they never will."""

    ready: bool
    reason: str = ""
    permanent: bool = False


@dataclass(frozen=True)
class Endpoints:
    """Base URLs of the servers themselves, not of the splitter."""

    stable: tuple[str, ...] = ()
    canary: tuple[str, ...] = ()


def server_address(url: str) -> str:
    """HOST:PORT of a base URL, as Prometheus names what it scrapes."""
    return url.partition("://")[2].rstrip("/")


class Splitter(Protocol):
    """Runs two versions of one service and splits its requests.

    Every method is idempotent: it may be called again, also after a kill. All raise SplitError.
    """

    limitations: tuple[str, ...]
    """What this splitter cannot do, in sentences."""

    mirrors: bool
    """Whether it can copy users' requests to the candidate."""

    def check(self, stable: str) -> None:
        """Raises Unsplittable for a service that cannot be split, or that serves another version than `stable`."""

    def deploy(self, version: str) -> None:
        """Start servers of the candidate beside the stable ones, without requests."""

    def readiness(self) -> Readiness:
        """Whether the candidate's servers can answer."""

    def serving(self) -> Readiness:
        """Whether every version that gets requests now has a server that can answer."""

    def split(self, weight: int, mirror: int = 0) -> bool:
        """Send the candidate `weight` percent of the requests. Returns whether that is in force.

        mirror: percent of the others that are copied to it; nobody gets its answers to those. Whatever else changes
        the split ends the copies.
        """

    def endpoints(self) -> Endpoints:
        """URLs of the servers, to read their metrics and to ask them directly."""

    def restarts(self, promoted: bool = False) -> Mapping[str, int]:
        """Restarts of each candidate server so far, by its name: crashes, failed liveness probes, and OOM kills.

        promoted: of the stable version's servers, which the candidate was promoted to.

        0 for a fresh server; a pod that its node has evicted, for want of memory or disk, counts one more. A pod that
        is gone takes its name with it: keep the greatest count of each name.
        """

    def promote(self, version: str) -> bool:
        """Make the candidate the stable version, without losing a request. Returns whether that is done."""

    def roll_back(self, stable: str) -> bool:
        """Send all requests to the version `stable` and end the candidate's servers. Returns whether that is done."""
