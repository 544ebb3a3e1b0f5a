"""Failed requests of a window as the gateway counted them, and what the servers did not count of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus

from rollout.judge.cohort import Cohort

LOST = "seen by the gateway alone"
"""Kind of error of requests that the gateway saw fail and no server counted."""

REFUSALS = frozenset(status.name.lower() for status in HTTPStatus if status < HTTPStatus.INTERNAL_SERVER_ERROR)
"""Kinds that a gateway does not count as failures."""


@dataclass(frozen=True)
class GatewayFailures:
    """5xx, resets and timeouts of both versions since the window began. seen: the gateway's totals at its last read."""

    stable_seen: int = 0
    canary_seen: int = 0
    stable: int = 0
    canary: int = 0

    def add(self, stable: int, canary: int) -> "GatewayFailures":
        """With the gateway's totals now; a total that fell began again from zero."""
        return replace(
            self,
            stable_seen=stable,
            canary_seen=canary,
            stable=self.stable + _increase(self.stable_seen, stable),
            canary=self.canary + _increase(self.canary_seen, canary),
        )


def with_lost_requests(cohort: Cohort, failures: int) -> Cohort:
    """The cohort with the requests that the gateway saw fail beyond the 5xx that the servers counted.

    No failure counts twice: a 5xx that a server counted is one that the gateway has seen too, so only what the gateway
    has more than all of those is added, to errors and to requests.
    """
    counted = sum(count for kind, count in cohort.errors.items() if kind not in REFUSALS)
    lost = max(0, failures - counted)
    if not lost:
        return cohort
    errors: Mapping[str, int] = {**cohort.errors, LOST: lost}
    return replace(cohort, requests=cohort.requests + lost, errors=errors)


def _increase(before: int, now: int) -> int:
    return now - before if now >= before else now
