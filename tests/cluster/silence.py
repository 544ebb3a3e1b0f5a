"""How long the cluster's API server has not answered: a stage that fails meanwhile tells nothing of the project."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

MOST_SECONDS = 15.0
"""A longer silence is a machine without power to spare: kubectl itself gives up a handshake after 10 s."""


class ApiSilence:
    """The longest silence of the API server at `url` since `begin_stage`, in seconds."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._answered = time.monotonic()
        self._longest = 0.0

    def begin_stage(self) -> None:
        """Measure afresh."""
        self._longest, self._answered = 0.0, time.monotonic()

    @property
    def lasts(self) -> float:
        """Seconds since the last answer."""
        return time.monotonic() - self._answered

    @property
    def longest(self) -> float:
        """Seconds, with the silence that lasts."""
        return max(self._longest, self.lasts)

    @contextmanager
    def watched(self, pause_seconds: float = 1.0) -> Iterator[None]:
        """Ask `/readyz` all the while; whatever the status is, it is an answer."""
        over = threading.Event()

        def ask() -> None:
            with httpx.Client(base_url=self._url, verify=False, timeout=10) as client:
                while not over.wait(pause_seconds):
                    try:
                        client.get("/readyz")
                    except httpx.HTTPError:
                        continue
                    self._longest, self._answered = self.longest, time.monotonic()

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(15)
