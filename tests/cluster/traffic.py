"""Steady requests through the gateway while things happen behind it."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

CLIENTS = 4
PAUSE_SECONDS = 0.05
MOST_SECONDS = 240.0


@dataclass
class Traffic:
    """What was answered. statuses: HTTP status, or 0 for none at all.

    degraded, versions: of the answers, newest last.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    degraded: list[bool] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Requests without a forecast."""
        return sum(count for status, count in self.statuses.items() if status != httpx.codes.OK)

    def __str__(self) -> str:
        whole = sum(self.statuses.values())
        why = "".join(f"; {count} x {reason}" for reason, count in self.reasons.most_common(3))
        return f"{whole} requests, {self.failed} failed{why}"


@contextmanager
def traffic(
    ask: Callable[[httpx.Client], httpx.Response],
    base_url: str,
    most_seconds: float = MOST_SECONDS,
    pause_seconds: float = PAUSE_SECONDS,
) -> Iterator[Traffic]:
    """Requests from a few clients, about 60 a second, until the block ends or for that time at most."""
    seen, over = Traffic(), threading.Event()
    deadline = time.monotonic() + most_seconds

    def send() -> None:
        with httpx.Client(base_url=base_url, timeout=10) as client:
            while not over.wait(pause_seconds) and time.monotonic() < deadline:
                try:
                    answer = ask(client)
                except httpx.HTTPError as error:
                    seen.statuses[0] += 1
                    seen.reasons[type(error).__name__] += 1
                    continue
                seen.statuses[answer.status_code] += 1
                if answer.status_code == httpx.codes.OK:
                    said = answer.json()
                    seen.degraded.append(bool(said["parameters"].get("degraded")))
                    seen.versions.append(str(said["model_version"]))
                else:
                    seen.reasons[f"{answer.status_code} {answer.text[:80]}"] += 1

    threads = [threading.Thread(target=send, daemon=True) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join(15)
