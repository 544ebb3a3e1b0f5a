"""Steady requests through the gateway while a stage changes what is behind it."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

CLIENTS = 4
PAUSE_SECONDS = 0.05
MOST_SECONDS = 600.0


@dataclass
class GatewayTraffic:
    """Counted answers. statuses: by HTTP status, 0 for no answer.

    degraded, versions: of the answers, newest last. unrouted: failures by the gateway itself, while its new route names
    a share that it has no cluster for yet.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    degraded: list[bool] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    first_failure: str = ""
    unrouted: int = 0

    @property
    def failed(self) -> int:
        """Requests without a forecast."""
        return sum(count for status, count in self.statuses.items() if status != httpx.codes.OK)

    def __str__(self) -> str:
        whole = sum(self.statuses.values())
        why = "".join(f"; {count} x {reason}" for reason, count in self.reasons.most_common(3))
        when = f", first at {self.first_failure}" if self.first_failure else ""
        lost = f"; {self.unrouted} of them in the gateway, a share ahead of its cluster" if self.unrouted else ""
        return f"{whole:,} requests, {self.failed} failed{when}{why}{lost}"

    def failure(self, status: int, reason: str) -> None:
        """A request without a forecast."""
        self.statuses[status] += 1
        self.reasons[reason] += 1
        self.first_failure = self.first_failure or f"{datetime.now(UTC):%H:%M:%S.%f}"


@contextmanager
def traffic(
    ask: Callable[[httpx.Client], httpx.Response],
    base_url: str,
    most_seconds: float = MOST_SECONDS,
    pause_seconds: float = PAUSE_SECONDS,
) -> Iterator[GatewayTraffic]:
    """Requests from a few clients, about 60 a second, until the block ends or for that time at most."""
    seen, over = GatewayTraffic(), threading.Event()
    deadline = time.monotonic() + most_seconds

    def send() -> None:
        with httpx.Client(base_url=base_url, timeout=10) as client:
            while not over.wait(pause_seconds) and time.monotonic() < deadline:
                try:
                    answer = ask(client)
                except httpx.HTTPError as error:
                    seen.failure(0, type(error).__name__)
                    continue
                if answer.status_code == httpx.codes.OK:
                    seen.statuses[answer.status_code] += 1
                    said = answer.json()
                    seen.degraded.append(bool(said["parameters"].get("degraded")))
                    seen.versions.append(str(said["model_version"]))
                else:
                    seen.unrouted += _is_unrouted(answer)
                    seen.failure(answer.status_code, f"{answer.status_code} {answer.text[:80]}")

    threads = [threading.Thread(target=send, daemon=True) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join(15)


def _is_unrouted(answer: httpx.Response) -> bool:
    """Whether Envoy itself answers, for `cluster_not_found`: a 500 without a body, which no server behind it sends."""
    return answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR and not answer.content
