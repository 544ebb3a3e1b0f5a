"""People who ask for forecasts all the time, for the demonstration."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle

from console.forecasts import MODEL, Question

PEOPLE = 4
ANSWER_SECONDS = 30.0
REST_SECONDS = 0.002
"""Between two requests of one person, so that two cores have something left for the servers."""
GIVEN_UP_SECONDS = 0.2


class Crowd:
    """Threads that ask one match after the other, and what became of it: version that answered -> how often."""

    def __init__(self, host: str, port: int, questions: Sequence[Question]) -> None:
        self._host, self._port = host, port
        self._bodies = [_body(question) for question in questions]
        self._lock = threading.Lock()
        self._gone = threading.Event()
        self.answers: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()

    @property
    def asked(self) -> int:
        """Requests that were answered or failed so far."""
        return self.answers.total() + self.failures.total()

    @contextmanager
    def asking(self) -> Iterator["Crowd"]:
        """They ask until the block is left."""
        people = [threading.Thread(target=self._ask, args=(place,), daemon=True) for place in range(PEOPLE)]
        for person in people:
            person.start()
        try:
            yield self
        finally:
            self._gone.set()
            for person in people:
                person.join()

    def _ask(self, place: int) -> None:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_SECONDS)
        start = place * len(self._bodies) // PEOPLE
        for body in cycle([*self._bodies[start:], *self._bodies[:start]]):
            if self._gone.is_set():
                connection.close()
                return
            try:
                said, answered = _asked(connection, body)
            except (OSError, http.client.HTTPException, ValueError) as error:
                said, answered = f"{type(error).__name__}: {error}", False
                connection.close()
            with self._lock:
                (self.answers if answered else self.failures)[said] += 1
            time.sleep(REST_SECONDS if answered else GIVEN_UP_SECONDS)


def _asked(connection: http.client.HTTPConnection, body: bytes) -> tuple[str, bool]:
    """The version that answered, or the reason why none did."""
    connection.request("POST", f"/v2/models/{MODEL}/infer", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    said = json.loads(answer.read())
    good = answer.status == http.HTTPStatus.OK
    return (str(said["model_version"]), True) if good else (f"{answer.status} {said.get('error')}", False)


def _body(question: Question) -> bytes:
    said = {"home": question.home, "away": question.away, "kickoff": question.kickoff}
    inputs = [{"name": name, "datatype": "BYTES", "shape": [1], "data": [value]} for name, value in said.items()]
    return json.dumps({"inputs": inputs}).encode()
