"""Load generator of the demonstration: threads that ask a server for forecasts all the time."""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle

import httpx

from console.operations.forecasts import MODEL, MatchQuestion, request_body

THREADS = 12
TIMEOUT_SECONDS = 30.0
PAUSE_SECONDS = 0.2
"""Rest of a thread after a request that failed."""


class LoadGenerator:
    """Threads that ask for one match after the other, each over a connection of its own.

    answers: how often each version answered. failures: how often a request failed, by reason.
    """

    def __init__(self, host: str, port: int, questions: Sequence[MatchQuestion]) -> None:
        self._url = f"http://{host}:{port}/v2/models/{MODEL}/infer"
        self._bodies = [json.dumps(request_body([question])).encode() for question in questions]
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.answers: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()

    @property
    def requests(self) -> int:
        """Requests that were answered or failed so far."""
        return self.answers.total() + self.failures.total()

    @contextmanager
    def running(self) -> Iterator["LoadGenerator"]:
        """The threads run until the block is left."""
        threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()

    def _run(self, number: int) -> None:
        first = number * len(self._bodies) // THREADS
        with httpx.Client(headers={"content-type": "application/json"}, timeout=TIMEOUT_SECONDS) as client:
            for body in cycle([*self._bodies[first:], *self._bodies[:first]]):
                if self._stopped.is_set():
                    return
                if not self._ask(client, body):
                    self._stopped.wait(PAUSE_SECONDS)

    def _ask(self, client: httpx.Client, body: bytes) -> bool:
        """Send one request and count it; whether it was answered."""
        try:
            response = client.post(self._url, content=body)
            answer = response.json()
            answered = response.status_code == httpx.codes.OK
            text = str(answer["model_version"]) if answered else f"{response.status_code} {answer.get('error')}"
        except (httpx.HTTPError, ValueError, KeyError) as error:
            answered, text = False, f"{type(error).__name__}: {error}"
        with self._lock:
            (self.answers if answered else self.failures)[text] += 1
        return answered
